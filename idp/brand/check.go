package brand

import (
	"fmt"
	"iter"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/idp"
)

// The longest of each, in characters.
const (
	MostName    = 64
	MostLabel   = 40
	MostURL     = 500
	MostSignIn  = 500
	MostSupport = 200
	MostLinks   = 8
)

// Reason is why something is not valid; pages have a sentence for each.
type Reason string

// Reasons.
const (
	TooLong  Reason = "long"     // Most says how long it may be
	Unclean  Reason = "unclean"  // control characters, or those that turn the direction of text
	NoColour Reason = "colour"   // not #rrggbb
	Missing  Reason = "missing"  // others need it
	NoURL    Reason = "url"      // not https: or mailto:
	Unknown  Reason = "unknown"  // no such language or kind of link
	Twice    Reason = "twice"    // there is one already
	TooMany  Reason = "too_many" // Most says how many there may be
)

// Mistake is one thing that is wrong with a brand.
type Mistake struct {
	Field  string `json:"field"` // such as primary, legal.privacy or sign_in.de
	Value  string `json:"value,omitempty"`
	Reason Reason `json:"reason"`
	Most   int    `json:"most,omitempty"`
}

var reasons = map[Reason]string{
	Unclean:  "control characters and those that turn the direction of text are refused",
	NoColour: "a colour is # and six hexadecimal digits, such as #714b67",
	Missing:  "it is missing, and the others need it",
	NoURL:    "an address is https://… or mailto: and one mail address",
	Unknown:  "there is none of that name",
	Twice:    "there is one already",
}

func (m Mistake) String() string {
	why := reasons[m.Reason]
	switch m.Reason {
	case TooLong:
		why = fmt.Sprintf("at most %d characters", m.Most)
	case TooMany:
		why = fmt.Sprintf("at most %d", m.Most)
	}
	if m.Value == "" {
		return m.Field + ": " + why
	}
	return fmt.Sprintf("%s: %q: %s", m.Field, m.Value, why)
}

// Mistakes is everything that is wrong at once. It is an idp.ErrInvalid.
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = fmt.Sprintf("%v: %v", idp.ErrInvalid, m)
	}
	return strings.Join(lines, "\n")
}

func (ms Mistakes) Unwrap() error { return idp.ErrInvalid }

type checker struct {
	languages []string
	mistakes  Mistakes
}

func (k *checker) wrong(field, value string, why Reason, most int) {
	if r := []rune(value); len(r) > MostName {
		value = string(r[:MostName]) + "…"
	}
	k.mistakes = append(k.mistakes, Mistake{field, value, why, most})
}

// Check tidies a brand up and judges it: [Mistakes], or what was changed so that
// pages stay readable. Texts may be in the given languages.
func Check(b Brand, languages []string) (Brand, []Warning, error) {
	k := checker{languages: languages}
	b.Name = k.text("name", b.Name, MostName, false)
	k.colours(&b.Colours)
	b.Legal = k.links(b.Legal)
	b.SignIn = k.words("sign_in", b.SignIn, MostSignIn, true)
	b.Support = k.words("support", b.Support, MostSupport, false)
	if len(k.mistakes) > 0 {
		return b, nil, k.mistakes
	}
	return b, b.Colours.warnings(), nil
}

// text trims a plain text. It stays plain: pages and mails escape it.
func (k *checker) text(field, s string, most int, lines bool) string {
	s = strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\t", " "))
	unclean := func(r rune) bool {
		return unicode.IsControl(r) && (r != '\n' || !lines) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	}
	switch {
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unclean):
		k.wrong(field, "", Unclean, 0)
	case utf8.RuneCountInString(s) > most:
		k.wrong(field, "", TooLong, most)
	}
	return s
}

// named lists the colours with the names that they have for people.
func (c *Colours) named() iter.Seq2[string, *Colour] {
	return func(yield func(string, *Colour) bool) {
		_ = yield("primary", &c.Primary) && yield("accent", &c.Accent) && yield("primary_dark", &c.PrimaryDark) && yield("accent_dark", &c.AccentDark)
	}
}

func (k *checker) colours(c *Colours) {
	for name, v := range c.named() {
		*v = Colour(strings.ToLower(strings.TrimSpace(string(*v))))
		if *v != "" && !v.valid() {
			k.wrong(name, string(*v), NoColour, 0)
		}
	}
	if c.Primary == "" && *c != (Colours{}) {
		k.wrong("primary", "", Missing, 0)
	}
}

func (k *checker) links(links []Link) []Link {
	var out []Link
	seen := map[string]bool{}
	for i, l := range links {
		l = Link{strings.TrimSpace(l.Kind), "", strings.TrimSpace(l.URL)}
		if l.Kind == "" {
			l.Label = k.text(fmt.Sprintf("legal.%d", i+1), links[i].Label, MostLabel, false)
		}
		field := "legal." + l.Name()
		switch {
		case l.Name() == "":
			k.wrong(fmt.Sprintf("legal.%d", i+1), "", Missing, 0)
		case l.Kind != "" && !slices.Contains(Kinds(), l.Kind):
			k.wrong(field, "", Unknown, 0)
		case seen[strings.ToLower(l.Name())]:
			k.wrong(field, "", Twice, 0)
		case len(l.URL) > MostURL:
			k.wrong(field, "", TooLong, MostURL)
		case !safe(l.URL):
			k.wrong(field, l.URL, NoURL, 0)
		}
		seen[strings.ToLower(l.Name())] = true
		out = append(out, l)
	}
	if len(out) > MostLinks {
		k.wrong("legal", "", TooMany, MostLinks)
	}
	return ordered(out)
}

// safe reports whether an address may stand behind a link of ours: a page
// elsewhere or one mail address, never something that a browser runs.
func safe(address string) bool {
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return false
	}
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	switch u.Scheme {
	case "https":
		return u.Hostname() != "" && u.User == nil
	case "mailto":
		a, err := mail.ParseAddress(u.Opaque)
		return err == nil && a.Address == u.Opaque && u.RawQuery == "" && u.Fragment == ""
	}
	return false
}

func (k *checker) words(field string, w Words, most int, lines bool) Words {
	out := Words{}
	for lang, text := range w {
		at := field + "." + lang
		if !slices.Contains(k.languages, lang) {
			k.wrong(at, "", Unknown, 0)
			continue
		}
		if text = k.text(at, text, most, lines); text != "" {
			out[lang] = text
		}
	}
	slices.SortFunc(k.mistakes, func(x, y Mistake) int { return strings.Compare(x.Field, y.Field) })
	if len(out) == 0 {
		return nil
	}
	return out
}
