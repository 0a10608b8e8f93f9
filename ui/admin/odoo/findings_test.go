package odoo

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"latchkey/idp/odoo/connector"
	"latchkey/ui/locale"
)

// Whatever a finding says, each language has a text for it with all its facts,
// for one and for many, and none for what no finding says.
func TestEvidenceInEveryLanguage(t *testing.T) {
	for _, tag := range locale.Tags() {
		words, ok := locale.Find(tag)
		if !ok {
			t.Fatal(tag)
		}
		for says, sentence := range connector.Sentences {
			for _, n := range []string{"1", "23"} {
				f := connector.Finding{Says: says, Evidence: "old", Detail: "detail"}
				for i := range strings.Count(sentence, "%") {
					f.Facts = append(f.Facts, []string{n, "41", "42", "43"}[i])
				}
				said, english := evidence(words, f)
				if said == "" || english != "detail" || strings.Contains(said, "%!") {
					t.Errorf("%s: %s: %q, %q", tag, says, said, english)
				}
				for _, fact := range f.Facts {
					if !strings.Contains(said, fact) {
						t.Errorf("%s: %s lacks %s: %q", tag, says, fact, said)
					}
				}
			}
		}
	}
}

func TestNoEvidenceWithoutFinding(t *testing.T) {
	b, err := os.ReadFile("../../locale/en.json")
	if err != nil {
		t.Fatal(err)
	}
	var catalogue struct{ Words map[string]any }
	if err := json.Unmarshal(b, &catalogue); err != nil {
		t.Fatal(err)
	}
	n := 0
	for key := range catalogue.Words {
		says, ok := strings.CutPrefix(key, "admin.odoo.evidence.")
		if !ok {
			continue
		}
		if n++; connector.Sentences[says] == "" {
			t.Errorf("no finding says %q", says)
		}
	}
	if n != len(connector.Sentences) {
		t.Errorf("%d texts for %d sentences", n, len(connector.Sentences))
	}
}

// What was kept by an older version, or cannot be said, stays in English.
func TestEvidenceOfOldFinding(t *testing.T) {
	words, _ := locale.Find("fr")
	for _, f := range []connector.Finding{
		{Evidence: "the client x is gone"},
		{Evidence: "the client x is gone", Says: "client.gone"},
		{Evidence: "the client x is gone", Says: "client.away", Facts: []string{"x"}},
		{Evidence: "the client x is gone", Says: "unlinked", Facts: []string{"many", "x"}},
	} {
		if said, english := evidence(words, f); said != "" || english != f.Evidence {
			t.Errorf("%+v: %q, %q", f, said, english)
		}
	}
}
