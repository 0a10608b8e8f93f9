package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp/posture"
	"latchkey/mfa"
	"latchkey/ui/locale"
)

// A reminder says from which day on, what to do and where, in the reader's
// language; one that nobody can follow sends to the administrator.
func TestDeadline(t *testing.T) {
	at := time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)
	for _, l := range locale.Languages() {
		p, _ := locale.Find(l.Tag)
		u := ada
		u.Locale = l.Tag
		for _, ways := range [][]mfa.Kind{{"totp", "passkey"}, nil} {
			m, err := notices(nil).ComposeDeadline(u, posture.Reminder{At: at.Local(), SetUp: ways})
			if err != nil || m.Check() != nil || m.To != ada.Email {
				t.Fatalf("%v, %v, to %s", err, m.Check(), m.To)
			}
			doc, err := goquery.NewDocumentFromReader(strings.NewReader(m.HTML))
			if err != nil {
				t.Fatal(err)
			}
			if href := doc.Find("a").AttrOr("href", ""); href != "https://id.example.org/my/security" {
				t.Errorf("%s: link %q", l.Tag, href)
			}
			next := p.T("mail.deadline_next")
			if ways == nil {
				next = p.T("mail.deadline_stuck")
			}
			for name, text := range map[string]string{"text": m.Text, "HTML": doc.Text()} {
				for _, want := range []string{"Maison Durée", "Ada Lovelace", p.Date(at), next} {
					if !strings.Contains(text, want) {
						t.Errorf("%s %s lacks %q:\n%s", l.Tag, name, want, text)
					}
				}
				if has := strings.Contains(text, p.T("factor.totp.name")+", "+p.T("factor.passkey.name")); has != (ways != nil) {
					t.Errorf("%s %s: ways told %v", l.Tag, name, has)
				}
				if holes.MatchString(text) || strings.Contains(text, "%!") {
					t.Errorf("%s %s has a hole:\n%s", l.Tag, name, text)
				}
			}
			if !strings.Contains(m.Subject, p.Date(at)) {
				t.Errorf("subject %q", m.Subject)
			}
		}
	}
}
