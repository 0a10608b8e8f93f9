package odoowords

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"latchkey/idp/odoo/connector"
	"latchkey/ui/locale"
)

// Whatever is said of Odoos, each language has a text for it with all its facts,
// for one and for many, and none for what nobody says.
func TestSaidInEveryLanguage(t *testing.T) {
	for _, tag := range locale.Tags() {
		words, ok := locale.Find(tag)
		if !ok {
			t.Fatal(tag)
		}
		for says, english := range connector.Sentences {
			for _, n := range []string{"1", "23"} {
				s := connector.Said{Says: says, Detail: "detail"}
				for i := range strings.Count(english, "%") {
					s.Facts = append(s.Facts, []string{n, "41", "42", "43", "44"}[i])
				}
				l := Say(words, s, "old")
				if l.Said == "" || l.English != "" || l.Detail != "detail" || l.Heading == "" || strings.Contains(l.Said, "%!") {
					t.Errorf("%s: %s: %+v", tag, says, l)
				}
				for _, fact := range s.Facts {
					if !strings.Contains(l.Said, fact) {
						t.Errorf("%s: %s lacks %s: %q", tag, says, fact, l.Said)
					}
				}
			}
		}
	}
}

// Every kind of failure has a sentence in every language.
func TestReasonsInEveryLanguage(t *testing.T) {
	for _, tag := range locale.Tags() {
		words, _ := locale.Find(tag)
		for _, kind := range connector.Kinds() {
			if l := Reason(words, connector.Reason{Kind: kind}, "old"); l.Title == "" || l.English != "" {
				t.Errorf("%s: %s: %+v", tag, kind, l)
			}
		}
	}
}

func TestNothingSaidByNobody(t *testing.T) {
	b, err := os.ReadFile("../locale/en.json")
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
			t.Errorf("nobody says %q", says)
		}
	}
	if n != len(connector.Sentences) {
		t.Errorf("%d texts for %d sentences", n, len(connector.Sentences))
	}
}

// What was kept by an older version, or cannot be said, stays in English.
func TestSaidFormerly(t *testing.T) {
	words, _ := locale.Find("fr")
	const old = "the client x is gone"
	for _, s := range []connector.Said{{}, {Says: "client.gone"}, {Says: "client.away", Facts: []string{"x"}}, {Says: "unlinked", Facts: []string{"many", "x"}}} {
		if l := Say(words, s, old); l != (Line{English: old}) {
			t.Errorf("%+v: %+v", s, l)
		}
	}
}

// What a machine said is shown word for word, and said to be that.
func TestSaidByMachine(t *testing.T) {
	words, _ := locale.Find("de")
	l := Reason(words, connector.Reason{Kind: "fault", Said: connector.Said{Detail: "ValueError: x"}}, "Odoo reports an error: ValueError: x")
	if l.Title == "" || l.Detail != "ValueError: x" || l.Heading == "" || l.English != "" {
		t.Errorf("%+v", l)
	}
	if l := Say(words, connector.Said{Says: "sync.changed", Facts: []string{"name, phone"}}, ""); strings.Contains(l.Said, "phone") {
		t.Errorf("%+v", l)
	}
}
