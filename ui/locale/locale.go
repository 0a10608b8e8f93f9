// Package locale holds the words of the user interface. A language is one
// JSON file here, and adding the file adds the language.
//
// It chooses a language and fills sentences in. It never decides what is said:
// callers name a key, and a key is the same in every language.
package locale

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// Fallback is the language that is used when no other one is wanted.
const Fallback = "en"

// Printer turns keys into sentences of one language. The zero Printer speaks
// the fallback.
type Printer struct{ of *catalogue }

// Language names a language for a switcher.
type Language struct {
	Tag  string // BCP 47
	Name string // in that language
}

// Tags lists what there is, without reading it.
func Tags() []string {
	out := make([]string, 0, len(known))
	for _, c := range known {
		out = append(out, c.tag)
	}
	return out
}

// Languages lists what there is, by tag.
func Languages() []Language {
	out := make([]Language, 0, len(known))
	for _, c := range known {
		out = append(out, Language{Tag: c.tag, Name: c.offered().Language.Name})
	}
	return out
}

// Find is the printer of one language by its exact tag.
func Find(tag string) (Printer, bool) {
	for _, c := range known {
		if c.tag == tag {
			return Printer{c}, true
		}
	}
	return rehearsed(tag)
}

// For picks a language: the first of the choices that there is, otherwise the
// best of an Accept-Language header (RFC 9110 §12.5.4), otherwise the fallback.
// A choice is empty, one tag (with - or _), or several separated by spaces as
// in ui_locales (OpenID Connect Core 1.0 §3.1.2.1); unknown tags are passed over.
func For(choices []string, acceptLanguage string) Printer {
	for _, choice := range choices {
		for word := range strings.FieldsSeq(choice) {
			if p, ok := rehearsed(word); ok {
				return p
			}
			tag, err := language.Parse(word)
			if err != nil {
				continue
			}
			if _, i, sure := matcher.Match(tag); sure >= language.High {
				return Printer{known[i]}
			}
		}
	}
	// The parser's work grows with the header; nobody reads forty languages.
	const longest = 400
	if len(acceptLanguage) <= longest {
		if want, _, err := language.ParseAcceptLanguage(acceptLanguage); err == nil {
			if _, i, sure := matcher.Match(want...); sure >= language.High {
				return Printer{known[i]}
			}
		}
	}
	return Printer{}
}

func (p Printer) catalogue() *catalogue {
	if p.of == nil {
		return fallback.spoken()
	}
	return p.of.spoken()
}

// Lang is the BCP 47 tag for the lang attribute.
func (p Printer) Lang() string {
	if p.of == nil {
		return fallback.tag
	}
	return p.of.tag
}

// Dir is ltr or rtl.
func (p Printer) Dir() string { return p.catalogue().Language.Dir }

// Has reports whether there is such a key.
func (p Printer) Has(key string) bool {
	_, ok := p.catalogue().Words[key]
	return ok
}

// T is the sentence behind a key with its arguments filled in. An unknown key
// comes back as it is, which a test of the templates finds.
func (p Printer) T(key string, args ...any) string {
	s, ok := p.catalogue().Words[key]
	if !ok {
		return key
	}
	return p.catalogue().fill(s[plural.Other], args)
}

// N is the sentence behind a key in the form that the number n asks for; n is
// its first argument.
func (p Printer) N(key string, n int, args ...any) string {
	c := p.catalogue()
	forms, ok := c.Words[key]
	if !ok {
		return key
	}
	s := forms[plural.Other]
	if f := int(c.form(n)); f < len(forms) && forms[f] != "" {
		s = forms[f]
	}
	return c.fill(s, append([]any{n}, args...))
}

func (c *catalogue) form(n int) plural.Form {
	return plural.Cardinal.MatchPlural(language.Make(c.tag), max(n, -n), 0, 0, 0, 0)
}

func (c *catalogue) fill(s string, args []any) string {
	if len(args) == 0 {
		return s
	}
	args = slices.Clone(args)
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = Printer{c}.Apart(s)
		}
	}
	return fmt.Sprintf(s, args...)
}

// Apart keeps a value, such as an address, in its own order and apart from the
// words around it, where these run from right to left (UAX #9, isolates).
func (p Printer) Apart(value string) string {
	if p.Dir() != "rtl" {
		return value
	}
	const fsi, pdi = "\u2068", "\u2069"
	return fsi + value + pdi
}

// Date is a day as the reader writes it, in the zone of t.
func (p Printer) Date(t time.Time) string {
	l := p.catalogue().Language
	day := strconv.Itoa(t.Day())
	if t.Day() == 1 && l.First != "" {
		day = l.First
	}
	return strings.NewReplacer(
		"{day}", day,
		"{month}", l.Months[t.Month()-1],
		"{year}", strconv.Itoa(t.Year()),
	).Replace(l.Date)
}

// DateTime is a moment with its zone, because a time without one is a guess.
func (p Printer) DateTime(t time.Time) string {
	l := p.catalogue().Language
	return strings.NewReplacer(
		"{date}", p.Date(t),
		"{time}", t.Format(l.Time),
		"{zone}", t.Format("MST"),
	).Replace(l.Moment)
}
