package apps

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/locale"
	"latchkey/ui/page"
)

// What is said of an application has words in every language, with all its facts,
// and no sentence of ours stays in English.
func TestSaidInEveryLanguage(t *testing.T) {
	for _, tag := range locale.Tags() {
		words, ok := locale.Find(tag)
		if !ok {
			t.Fatal(tag)
		}
		c := &page.Context{Words: words}
		for code, english := range oidc.Sentences {
			n := oidc.Note{Text: english, Code: code, Facts: []string{"fact1", "fact2"}[:strings.Count(english, "%")]}
			l := said(c, n)
			if l.Said == "" || strings.Contains(l.Said, "%") || l.English != "" || l.Detail != "" {
				t.Errorf("%s: %s is %+v", tag, code, l)
			}
			for _, f := range n.Facts {
				if !strings.Contains(l.Said, f) {
					t.Errorf("%s: %s lacks %s: %q", tag, code, f, l.Said)
				}
			}
		}
		_, wrong := oidc.Client{Type: oidc.Web, ID: "wiki", RedirectURIs: []string{"http://wiki.example.org/back"}}.Check()
		l := said(c, oidc.Note{Text: fmt.Sprint(wrong), Code: oidc.NoteFields, Facts: []string{"redirect_uris", "sessions, validations"}})
		for _, want := range []string{words.T("admin.clients.field.redirect_uris"), words.T("admin.clients.wrong.redirect_uris"), words.T("admin.clients.field.sessions")} {
			if !strings.Contains(l.Said, want) {
				t.Errorf("%s: %q lacks %q", tag, l.Said, want)
			}
		}
		if strings.Contains(l.Said, idp.ErrInvalid.Error()) || l.English != "" {
			t.Errorf("%s: %+v", tag, l)
		}
		silent := oidc.Note{Text: "https://id.example.org does not answer: refused", Code: "issuer.silent", Facts: []string{"https://id.example.org"}, Detail: "refused"}
		if l := evidenceOf(c, oidc.Trial{Check: "validation", Evidence: silent}); !strings.Contains(l.Said, "id.example.org") || l.Detail != "refused" || l.Heading == "" || l.English != "" {
			t.Errorf("%s: %+v", tag, l)
		}
	}
}

// A mistake in the form is told in the reader's language, with the value that is
// meant.
func TestMistakesInEveryLanguage(t *testing.T) {
	const detail = `"https://wiki.example.org/*" has a wildcard`
	for _, tag := range locale.Tags() {
		words, _ := locale.Find(tag)
		got := particular(&page.Context{Words: words}, detail)
		want := ` ("https://wiki.example.org/*")`
		if tag == locale.Fallback {
			want = " (" + detail + ")"
		}
		if got != want {
			t.Errorf("%s: %q of %q", tag, got, detail)
		}
	}
}
