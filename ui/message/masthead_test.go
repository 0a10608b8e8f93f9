package message_test

import (
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/mfa/code"
)

// ours is a house that tries to write more than its name into mails.
func ours() brand.Brand {
	return brand.Brand{
		Name: "Maison <b>Durée</b>", Colours: brand.Colours{Primary: "#ffcc00"}, Logo: brand.Logo{Hash: strings.Repeat("a", 64), Width: 300, Height: 100},
		Legal:   []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/privacy"}, {Label: "Retours <i>", URL: "mailto:help@example.org"}},
		Support: brand.Words{"en": "Call 1234", "de": "Rufen Sie 1234 an"},
	}
}

// Mails look like the house as it is now: its name on its colour, its links; no
// picture that is loaded from anywhere.
func TestMailsLookLikeTheHouse(t *testing.T) {
	n := notices(nil)
	n.House = ours
	c := codes(nil)
	c.House = ours
	notice, err := n.Compose(idp.User{ID: "u", Login: "ada", Email: "ada@example.org", EmailVerified: true, Locale: "de"}, idp.Notice{Kind: idp.PasswordChanged, At: n.Now()}, "")
	if err != nil {
		t.Fatal(err)
	}
	letter, err := c.Compose(code.Letter{Kind: code.Email, To: "ada@example.org", Code: "123456", Until: c.Now()})
	if err != nil {
		t.Fatal(err)
	}
	halt, err := c.ComposeHalt(code.Halt{Reason: code.Pumping})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range map[string]struct{ html, text, privacy, support string }{
		"notice": {notice.HTML, notice.Text, "Datenschutz", "Rufen Sie 1234 an"}, "code": {letter.HTML, letter.Text, "Privacy", "Call 1234"}, "halt": {halt.HTML, halt.Text, "Privacy", "Call 1234"},
	} {
		for _, want := range []string{
			"background:#ffcc00;color:#000000", "Maison &lt;b&gt;Durée&lt;/b&gt;</span>", `href="https://example.org/privacy"`, ">" + m.privacy + "<", "Retours &lt;i&gt;", `href="mailto:help@example.org"`, m.support,
		} {
			if !strings.Contains(m.html, want) {
				t.Errorf("%s: no %s in\n%s", name, want, m.html)
			}
		}
		for _, bad := range []string{"<img", "<b>", "<i>", "url(", "#714b67", "ZgotmplZ"} {
			if strings.Contains(m.html, bad) {
				t.Errorf("%s: %s in\n%s", name, bad, m.html)
			}
		}
		for _, want := range []string{m.privacy + ": https://example.org/privacy", "Retours <i>: mailto:help@example.org", m.support} {
			if !strings.Contains(m.text, want) {
				t.Errorf("%s: no %q in\n%s", name, want, m.text)
			}
		}
	}
}

// E-11: whatever stands in the name, it is one line.
func TestNameOfTheHouseStaysOneLine(t *testing.T) {
	n := notices(nil)
	n.House = func() brand.Brand { return brand.Brand{Name: "Maison\r\nBcc: all@example.org"} }
	m, err := n.Compose(idp.User{ID: "u", Email: "ada@example.org", EmailVerified: true}, idp.Notice{Kind: idp.PasswordChanged, At: n.Now()}, "")
	if err != nil || strings.ContainsAny(m.Subject, "\r\n") || !strings.Contains(m.Subject, "Maison Bcc") {
		t.Errorf("%q, %v", m.Subject, err)
	}
}
