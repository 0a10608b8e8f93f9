package locale

import (
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
)

// Rehearsal is the tag of a language that nobody speaks: English, longer and
// from right to left, by which one sees before the first such language comes
// whether pages and mails can bear it.
const Rehearsal = "ar-XB"

var rehearsing atomic.Bool

// Rehearse lets this process speak [Rehearsal] to whoever asks for it. It is
// for development, the demo and tests; [Languages] never lists it.
func Rehearse() { rehearsing.Store(true) }

// rehearsal is made when somebody first asks for it.
var rehearsal = sync.OnceValue(func() *catalogue {
	fallback.spoken()
	c := &catalogue{tag: Rehearsal, Language: fallback.Language, Words: map[string]forms{}}
	c.Language.Name, c.Language.Dir = mirrored("Rehearsal"), "rtl"
	c.Language.Months = make([]string, len(fallback.Language.Months))
	for i, m := range fallback.Language.Months {
		c.Language.Months[i] = mirrored(m)
	}
	for key, f := range fallback.Words {
		c.Words[key] = make(forms, len(f))
		for form, s := range f {
			c.Words[key][form] = mirrored(s)
		}
	}
	return c
})

// rehearsed is the language, if the tag is its own and this process may speak
// it.
func rehearsed(tag string) (Printer, bool) {
	if tag != Rehearsal || !rehearsing.Load() {
		return Printer{}, false
	}
	return Printer{rehearsal()}, true
}

var (
	piece  = regexp.MustCompile(`%(?:\[\d+\])?[a-z%]|\pL[\pL’']*`)
	vowels = strings.NewReplacer("a", "aa", "e", "ee", "i", "ii", "o", "oo", "u", "uu")
)

// mirrored makes each word longer by its vowels and turns it round, between a
// right-to-left override and its end (UAX #9). Placeholders stay.
func mirrored(s string) string {
	const rlm, rlo, pdf = "\u200f", "\u202e", "\u202c"
	return piece.ReplaceAllStringFunc(s, func(word string) string {
		if word[0] == '%' {
			return word
		}
		return rlm + rlo + vowels.Replace(word) + pdf + rlm
	})
}
