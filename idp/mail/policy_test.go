package mail

import (
	"testing"

	gomail "github.com/wneessen/go-mail"
)

// C-07: which servers must speak TLS.
func TestTLSPolicy(t *testing.T) {
	for url, want := range map[string]gomail.TLSPolicy{
		"smtp://mail.example.org":             gomail.TLSMandatory,
		"smtp://10.0.0.7:25":                  gomail.TLSMandatory,
		"smtp://localhost.example.org":        gomail.TLSMandatory,
		"smtp://u:p@127.0.0.1":                gomail.TLSMandatory,
		"smtp://u@localhost":                  gomail.TLSMandatory,
		"smtp://localhost:1025":               gomail.TLSOpportunistic,
		"smtp://[::1]:1025":                   gomail.TLSOpportunistic,
		"smtp://mailpit:1025?tls=none":        gomail.NoTLS,
		"smtp://mail.example.org:25?tls=none": gomail.NoTLS,
	} {
		s, err := NewSMTP(SMTPConfig{URL: url, From: "noreply@example.org"})
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		c, err := gomail.NewClient(s.host, s.options...)
		if err != nil || c.TLSPolicy() != want.String() {
			t.Errorf("%s: %s, %v; want %s", url, c.TLSPolicy(), err, want)
		}
	}
}
