package records

import (
	"strings"
	"testing"

	"latchkey/idp/audit"
	"latchkey/ui/admin"
	"latchkey/ui/locale"
)

// What a check of the log may find has words in every language, with all its
// facts; what another release found without a code has none and stays as it was.
func TestFoundInEveryLanguage(t *testing.T) {
	for _, tag := range locale.Tags() {
		words, ok := locale.Find(tag)
		if !ok {
			t.Fatal(tag)
		}
		for code, english := range audit.Sentences {
			facts := []string{"fact1", "fact2", "fact3", "fact4"}[:strings.Count(english, "%")]
			said := admin.Sentence(words, "admin.audit.found."+code, english, facts)
			if said == "" || strings.Contains(said, "%") {
				t.Errorf("%s: %s is %q", tag, code, said)
			}
			for _, f := range facts {
				if !strings.Contains(said, f) {
					t.Errorf("%s: %s lacks %s: %q", tag, code, f, said)
				}
			}
		}
		if said := admin.Sentence(words, "admin.audit.found.", audit.Sentences[""], nil); said != "" {
			t.Errorf("%s: %q for nothing", tag, said)
		}
	}
}
