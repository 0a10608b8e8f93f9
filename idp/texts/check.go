package texts

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"latchkey/idp"
)

// Reason is why a text is not valid; pages have a sentence for each.
type Reason string

// Reasons.
const (
	Lacks   Reason = "lacks"   // Placeholder must be in it
	Unknown Reason = "unknown" // Placeholder is none of Allowed
	TooLong Reason = "long"    // Most says how long it may be
	Unclean Reason = "unclean" // control characters, or those that turn the direction of text
)

// Mistake is one thing that is wrong with a text.
type Mistake struct {
	Part        string   `json:"part"`
	Reason      Reason   `json:"reason"`
	Placeholder string   `json:"placeholder,omitempty"` // with its braces
	Allowed     []string `json:"allowed,omitempty"`     // with their braces
	Most        int      `json:"most,omitempty"`
}

func (m Mistake) String() string {
	switch m.Reason {
	case Lacks:
		return fmt.Sprintf("%s: %s must be in it", m.Part, m.Placeholder)
	case Unknown:
		return fmt.Sprintf("%s: %s is not known; it has %s", m.Part, m.Placeholder, strings.Join(m.Allowed, " "))
	case TooLong:
		return fmt.Sprintf("%s: at most %d characters", m.Part, m.Most)
	}
	return m.Part + ": control characters and those that turn the direction of text are refused"
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

// Hole is how the place of a value is written.
func Hole(value string) string { return "{" + value + "}" }

var holes = regexp.MustCompile(`\{[^{}]*\}`)

// Fill puts values into their places, by the names that a part has for them.
// Nothing in a value is taken for a place.
func Fill(text string, names, values []string) string {
	var pairs []string
	for i, n := range names {
		if i < len(values) {
			pairs = append(pairs, Hole(n), values[i])
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func (m Message) check(o Own) (Own, error) {
	var wrong Mistakes
	given := map[string]string{}
	for name, text := range o.Texts {
		if !slices.ContainsFunc(m.Parts, func(p Part) bool { return p.Name == name }) {
			return o, fmt.Errorf("%w: %s has no text %q", idp.ErrInvalid, m.Name, name)
		}
		if text = oneLine(text); text != "" {
			given[name] = text
		}
	}
	for _, p := range m.Parts {
		if text := given[p.Name]; text != "" {
			wrong = append(wrong, p.judge(text)...)
		}
	}
	o.Texts = given
	if len(wrong) > 0 {
		return o, wrong
	}
	return o, nil
}

// oneLine is a text as messages take it: a subject is a header, and a paragraph
// has no lines of its own.
func oneLine(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\r\n", " ", "\n", " ", "\t", " ").Replace(s))
}

// judge holds a text against the rule of the catalogue: the places for values
// are those that ours has. Their order is free, for they have names.
func (p Part) judge(text string) (out Mistakes) {
	allowed := make([]string, len(p.Values))
	for i, v := range p.Values {
		allowed[i] = Hole(v)
	}
	unclean := func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	}
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unclean):
		out = append(out, Mistake{Part: p.Name, Reason: Unclean})
	case utf8.RuneCountInString(text) > p.Most:
		out = append(out, Mistake{Part: p.Name, Reason: TooLong, Most: p.Most})
	}
	found := holes.FindAllString(text, -1)
	for _, h := range found {
		if !slices.Contains(allowed, h) {
			out = append(out, Mistake{Part: p.Name, Reason: Unknown, Placeholder: h, Allowed: allowed})
		}
	}
	for _, h := range allowed {
		if !slices.Contains(found, h) {
			out = append(out, Mistake{Part: p.Name, Reason: Lacks, Placeholder: h, Allowed: allowed})
		}
	}
	return out
}

// gsm is the alphabet of text messages, each of whose characters takes seven
// bits, and extended is what takes two of them (3GPP TS 23.038 §6.2.1).
const (
	gsm      = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	extended = "^{}\\[~]|€\f"
)

// Segments says how many text messages a text takes, and how many characters it
// has, as they are counted there. One character outside of the alphabet makes
// all of them longer: whole is then false.
func Segments(text string) (messages, length int, whole bool) {
	whole = true
	for _, r := range text {
		switch {
		case strings.ContainsRune(gsm, r):
			length++
		case strings.ContainsRune(extended, r):
			length += 2
		default:
			whole = false
		}
	}
	single, each := 160, 153 // each loses what ties it to the others
	if !whole {
		single, each, length = 70, 67, 0
		for _, r := range text {
			length += len(string([]rune{r}))/4 + 1 // UTF-16: two for what is four bytes long
		}
	}
	if length <= single {
		return min(length, 1), length, whole
	}
	return (length + each - 1) / each, length, whole
}
