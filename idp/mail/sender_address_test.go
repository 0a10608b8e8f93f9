package mail_test

import (
	"errors"
	netmail "net/mail"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/mail"
)

// The sender that the operator names is in the header and the envelope, and
// answers go where they are to go.
func TestSenderOfTheOperator(t *testing.T) {
	srv := listen(t, nil)
	s := dial(t, mail.SMTPConfig{URL: srv.url(""), From: "box@example.org", Name: "Häuser, Co", ReplyTo: "Hilfe <help@example.org>"})
	if err := s.Send(t.Context(), news("ada@example.org")); err != nil {
		t.Fatal(err)
	}
	got := srv.got()[0]
	if !strings.HasPrefix(got.from, "FROM:<box@example.org>") {
		t.Errorf("the envelope is from %q", got.from)
	}
	if v, err := netmail.ParseAddress(header(got.data, "From")); err != nil || *v != (netmail.Address{Name: "Häuser, Co", Address: "box@example.org"}) {
		t.Errorf("From: %v, %v", v, err)
	}
	if v := header(got.data, "Reply-To"); v != `"Hilfe" <help@example.org>` {
		t.Errorf("Reply-To: %s", v)
	}
	if v := header(got.data, "Message-ID"); !strings.HasSuffix(v, "@example.org>") {
		t.Errorf("Message-ID: %s", v)
	}
	if v := dial(t, mail.SMTPConfig{URL: srv.url(""), From: "box@example.org", Name: "Latchkey"}).Sender(); v != `"Latchkey" <box@example.org>` {
		t.Errorf("the sender is told as %s", v)
	}
	for _, bad := range []string{"help", "a@b, c@d", "=?utf-8?q?A=0D=0ABcc:_eve@example.org?= <help@example.org>"} { // E-11
		if _, err := mail.NewSMTP(mail.SMTPConfig{URL: srv.url(""), From: "box@example.org", ReplyTo: bad}); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// What servers say when a mailbox may not send as the sender is told with what
// to do; other refusals are not.
func TestSenderRefused(t *testing.T) {
	for name, c := range map[string]struct {
		verb, answer string
		sender       bool
	}{
		"Exchange Online":          {"BODY", "554 5.2.252 SendAsDenied; box@example.org not allowed to send as noreply@id.example.org", true},
		"Exchange":                 {"BODY", "550 5.7.60 SMTP; Client does not have permissions to send as this sender", true},
		"Postfix":                  {"RCPT", "553 5.7.1 <noreply@id.example.org>: Sender address rejected: not owned by user box", true},
		"at once":                  {"MAIL", "550 5.7.1 not you", true},
		"at once, 553":             {"MAIL", "553 sender rejected", true},
		"a password is wanted":     {"MAIL", "530 5.7.57 Client not authenticated to send mail", false},
		"busy":                     {"MAIL", "421 4.3.2 closing down", false},
		"no such recipient":        {"RCPT", "550 5.1.1 no such user", false},
		"a relay that is not open": {"RCPT", "554 5.7.1 relay access denied", false},
		"spam":                     {"BODY", "554 5.7.1 looks like spam", false},
	} {
		t.Run(name, func(t *testing.T) {
			srv := listen(t, nil)
			srv.set(c.verb, c.answer)
			s := dial(t, mail.SMTPConfig{URL: srv.url("")})
			err := s.Send(t.Context(), news("ada@example.org"))
			if err == nil || !strings.Contains(err.Error(), c.answer[4:]) {
				t.Fatalf("what the server said is lost: %v", err)
			}
			if got := errors.Is(err, mail.ErrSender); got != c.sender {
				t.Errorf("because of the sender: %v, want %v: %v", got, c.sender, err)
			}
			if c.sender && !strings.Contains(err.Error(), "noreply@id.example.org: set mail.from to") {
				t.Errorf("it does not say what to do: %v", err)
			}
			if errors.Is(err, mail.ErrFinal) {
				t.Errorf("mail does not wait: %v", err)
			}
			if err := s.Probe(t.Context()); c.verb == "MAIL" && errors.Is(err, mail.ErrSender) != c.sender || c.verb != "MAIL" && err != nil {
				t.Errorf("asked before: %v", err)
			}
		})
	}
}
