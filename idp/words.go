package idp

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

const (
	mostWords   = 24 // of a person; nobody searches for the twenty-fifth
	longestWord = 64 // bytes
)

// strokes are the letters that Unicode does not take apart.
var strokes = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "æ", "ae", "œ", "oe", "ı", "i", "ħ", "h", "ŧ", "t")

// Folded is a text without case and accents, for finding and sorting: "Čapek"
// and "capek" are the same. It is never shown, and proves nothing about
// identity: see [Canonical] for that.
func Folded(text string) string {
	text = cases.Fold().String(norm.NFKD.String(text))
	text = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, text)
	return strokes.Replace(text)
}

// Words takes texts apart into folded words, each once: what people are found
// by.
func Words(texts ...string) []string {
	var out []string
	for _, t := range texts {
		for w := range strings.FieldsFuncSeq(Folded(t), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }) {
			if len(w) > longestWord {
				w = strings.ToValidUTF8(w[:longestWord], "")
			}
			if len(out) < mostWords && !slices.Contains(out, w) {
				out = append(out, w)
			}
		}
	}
	return out
}
