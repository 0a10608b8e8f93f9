package mail_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/mail"
)

// issuer gives out tokens, each until it is told to forget it.
type issuer struct {
	tokens []string // in this order
	asked  int
	err    error
}

func (i *issuer) Token(context.Context) (string, error) {
	i.asked++
	if i.err != nil {
		return "", i.err
	}
	return i.tokens[0], nil
}

func (i *issuer) Forget(token string) {
	if len(i.tokens) > 1 && i.tokens[0] == token {
		i.tokens = i.tokens[1:]
	}
}

func tokenServer(t *testing.T, good ...string) (*server, func(mail.SMTPConfig) *mail.SMTP) {
	t.Helper()
	cert, pool := certificate(t)
	srv := listen(t, func(s *server) { s.auth, s.cert, s.tokens = true, cert, good })
	return srv, func(c mail.SMTPConfig) *mail.SMTP {
		c.URL, c.Roots = srv.url(""), pool
		return dial(t, c)
	}
}

// XOAUTH2: the server is shown the mailbox and the token, and nothing before TLS.
func TestToken(t *testing.T) {
	srv, to := tokenServer(t, "good")
	i := &issuer{tokens: []string{"good"}}
	s := to(mail.SMTPConfig{From: "box@example.org", Tokens: i})
	if err := s.Send(t.Context(), news("ada@example.org")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(srv.shown, []string{"user=box@example.org\x01auth=Bearer good\x01\x01"}) || !srv.got()[0].secure || i.asked != 1 {
		t.Errorf("shown %q, mails %+v, asked %d times", srv.shown, srv.got(), i.asked)
	}
	if err := s.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}

// The user of the address is the mailbox, where it is not the sender.
func TestTokenOfAnotherMailbox(t *testing.T) {
	cert, pool := certificate(t)
	srv := listen(t, func(s *server) { s.auth, s.cert, s.tokens = true, cert, []string{"good"} })
	s := dial(t, mail.SMTPConfig{URL: srv.url("box%40example.org"), From: "noreply@example.org", Roots: pool, Tokens: &issuer{tokens: []string{"good"}}})
	if err := s.Send(t.Context(), news("ada@example.org")); err != nil {
		t.Fatal(err)
	}
}

// A token that the server does not take is replaced, once; then it says why.
func TestTokenRefused(t *testing.T) {
	srv, to := tokenServer(t, "new")
	i := &issuer{tokens: []string{"withdrawn", "new"}}
	if err := to(mail.SMTPConfig{From: "box@example.org", Tokens: i}).Send(t.Context(), news("ada@example.org")); err != nil {
		t.Fatal(err)
	}
	if i.asked != 2 || len(srv.got()) != 1 {
		t.Errorf("asked %d times, %d mails", i.asked, len(srv.got()))
	}
	i = &issuer{tokens: []string{"a", "b", "new"}}
	err := to(mail.SMTPConfig{From: "box@example.org", Tokens: i}).Send(t.Context(), news("ada@example.org"))
	if err == nil || !strings.Contains(err.Error(), "5.7.3 Authentication unsuccessful") || !strings.Contains(err.Error(), "may the application send by this mailbox?") || i.asked != 2 {
		t.Errorf("%v, asked %d times", err, i.asked)
	}
	if errors.Is(err, mail.ErrFinal) {
		t.Errorf("mail does not wait: %v", err)
	}
}

// C-07: a token goes only to a server that has proven its name.
func TestTokenInTheClear(t *testing.T) {
	plain := listen(t, func(s *server) { s.auth, s.tokens = true, []string{"good"} })
	c := mail.SMTPConfig{URL: plain.url(""), From: "box@example.org", Tokens: &issuer{tokens: []string{"good"}}}
	if err := dial(t, c).Send(t.Context(), news("ada@example.org")); err == nil || strings.Contains(plain.said(), "AUTH") {
		t.Errorf("%v; it was told %q", err, plain.said())
	}
	cert, _ := certificate(t)
	stranger := listen(t, func(s *server) { s.auth, s.cert, s.tokens = true, cert, []string{"good"} })
	c.URL = stranger.url("")
	if err := dial(t, c).Send(t.Context(), news("ada@example.org")); err == nil || len(stranger.shown) != 0 {
		t.Errorf("%v; a server that nobody vouches for was shown %q", err, stranger.shown)
	}
	for _, bad := range []string{"smtp://m?tls=none", "smtp://box:hush@m"} {
		c.URL = bad
		if _, err := mail.NewSMTP(c); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// §3: while there is no token mail waits, and says why; then it goes out.
func TestNoToken(t *testing.T) {
	each(t, func(t *testing.T, p post) {
		srv, to := tokenServer(t, "good")
		i := &issuer{tokens: []string{"good"}, err: fmt.Errorf("login.example.org refuses: invalid_client")}
		p.sender.Transports[mail.Mail] = to(mail.SMTPConfig{From: "box@example.org", Tokens: i})
		p.put(t, 1)
		p.round(t, 0)
		if m := p.newest(t); m.Due.IsZero() || !strings.Contains(m.Failure, "no token for the mail server: login.example.org refuses: invalid_client") {
			t.Errorf("%+v", m)
		}
		if srv.said() != "" {
			t.Errorf("the server heard %q", srv.said())
		}
		i.err = nil
		p.clock.Pass(p.newest(t).Due.Sub(p.clock.Now()))
		p.round(t, 1)
	})
}
