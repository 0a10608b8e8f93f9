package admin

import (
	"strings"

	"latchkey/ui/locale"
)

// Sentence is what a package of the house said, in the reader's language: the text
// behind a key with the facts, which are as many as the English sentence has holes
// for. It is empty where there is no such text, for something that was kept by
// another release.
func Sentence(words locale.Printer, key, english string, facts []string) string {
	if english == "" || !words.Has(key) || len(facts) != strings.Count(english, "%") {
		return ""
	}
	args := make([]any, len(facts))
	for i, f := range facts {
		args[i] = f
	}
	return words.T(key, args...)
}
