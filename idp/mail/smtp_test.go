package mail_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
)

var monday = time.Date(2026, 7, 13, 9, 0, 0, 0, time.UTC)

func news(to string) mail.Message {
	m := mail.New(mail.Mail, to, monday)
	m.Subject, m.Text, m.HTML = "Maison Durée: nouvelle connexion", "Bonjour Zoë,\n.\nÀ bientôt", "<p>Bonjour Zoë</p>"
	return m
}

func dial(t *testing.T, c mail.SMTPConfig) *mail.SMTP {
	t.Helper()
	if c.From == "" {
		c.From = "noreply@id.example.org"
	}
	s, err := mail.NewSMTP(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConversation(t *testing.T) {
	srv := listen(t, nil)
	s := dial(t, mail.SMTPConfig{URL: srv.url(""), Name: "Maison Durée"})
	m := news("ada@example.org")
	if err := s.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := srv.got()
	if len(got) != 1 || !strings.Contains(got[0].from, "<noreply@id.example.org>") || len(got[0].to) != 1 || !strings.Contains(got[0].to[0], "<ada@example.org>") {
		t.Fatalf("%+v", got)
	}
	msg, err := netmail.ReadMessage(strings.NewReader(got[0].data))
	if err != nil {
		t.Fatal(err)
	}
	from, err := msg.Header.AddressList("From")
	if err != nil || from[0].Name != "Maison Durée" || from[0].Address != "noreply@id.example.org" {
		t.Errorf("From %v, %v", from, err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != m.Subject {
		t.Errorf("Subject %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<" + m.ID + "@id.example.org>", "To": "<ada@example.org>", "Auto-Submitted": "auto-generated",
	} {
		if got := msg.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if date, err := msg.Header.Date(); err != nil || !date.Equal(monday) {
		t.Errorf("Date %v, %v", date, err)
	}
	wantParts(t, msg, map[string]string{"text/plain": "Bonjour Zoë,\r\n.\r\nÀ bientôt", "text/html": m.HTML})
}

func wantParts(t *testing.T, msg *netmail.Message, want map[string]string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("%s, %v", kind, err)
	}
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		b, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil || strings.TrimRight(string(b), "\r\n") != want[kind] {
			t.Errorf("%s: %q, %v; want %q", kind, b, err, want[kind])
		}
		delete(want, kind)
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}

// E-11: what could become a header of its own never reaches a server.
func TestHeaderInjection(t *testing.T) {
	srv := listen(t, nil)
	s := dial(t, mail.SMTPConfig{URL: srv.url("")})
	for _, c := range []struct{ to, subject string }{
		{"ada@example.org", "hello\r\nBcc: eve@example.org"},
		{"ada@example.org", "hello\nX: y"},
		{"ada@example.org", "hello\x00"},
		{"ada@example.org", "hello\u2028Bcc: eve@example.org"},
		{"ada@example.org\r\nRCPT TO:<eve@example.org>", "hello"},
		{"ada@example.org, eve@example.org", "hello"},
		{"Ada <ada@example.org>", "hello"},
		{"<ada@example.org> SIZE=1", "hello"},
		{"", "hello"},
	} {
		m := news(c.to)
		m.Subject = c.subject
		if err := s.Send(t.Context(), m); !errors.Is(err, mail.ErrHeader) && !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q, %q: %v", c.to, c.subject, err)
		}
	}
	if said := srv.said(); said != "" {
		t.Errorf("the server heard %q", said)
	}
}

// C-07: a password goes only to a server that has proven its name.
func TestSecurityOfPasswords(t *testing.T) {
	cert, pool := certificate(t)
	m := news("ada@example.org")

	plain := listen(t, func(s *server) { s.auth = true })
	if err := dial(t, mail.SMTPConfig{URL: plain.url("m:hush"), Roots: pool}).Send(t.Context(), m); err == nil {
		t.Error("a server without STARTTLS was believed")
	}
	known := listen(t, func(s *server) { s.auth, s.cert = true, cert })
	if err := dial(t, mail.SMTPConfig{URL: known.url("m:hush")}).Send(t.Context(), m); err == nil {
		t.Error("a certificate that nobody vouches for was believed")
	}
	for _, s := range []*server{plain, known} {
		if strings.Contains(s.said(), "AUTH") || strings.Contains(s.said(), "MAIL") {
			t.Errorf("it was told %q", s.said())
		}
	}
	if err := dial(t, mail.SMTPConfig{URL: known.url("m:hush"), Roots: pool}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if known.password != "\x00m\x00hush" || !known.got()[0].secure {
		t.Errorf("credentials %q, mail %+v", known.password, known.got())
	}
}

// A relay on this machine may have a certificate that nobody signed; what is
// offered is used.
func TestLocalRelay(t *testing.T) {
	cert, _ := certificate(t)
	srv := listen(t, func(s *server) { s.cert = cert })
	if err := dial(t, mail.SMTPConfig{URL: srv.url("")}).Send(t.Context(), news("ada@example.org")); err != nil {
		t.Fatal(err)
	}
	if !srv.got()[0].secure {
		t.Error("STARTTLS was offered and not used")
	}
}

// smtps: TLS is there before the first word, and the name is proven.
func TestImplicitTLS(t *testing.T) {
	cert, pool := certificate(t)
	srv := listen(t, func(s *server) {
		s.auth = true
		s.ln = tls.NewListener(s.ln, &tls.Config{Certificates: []tls.Certificate{*cert}})
	})
	url := "smtps" + strings.TrimPrefix(srv.url("m:hush"), "smtp")
	if err := dial(t, mail.SMTPConfig{URL: url}).Send(t.Context(), news("ada@example.org")); err == nil || srv.said() != "" {
		t.Errorf("%v; it was told %q", err, srv.said())
	}
	if err := dial(t, mail.SMTPConfig{URL: url, Roots: pool}).Send(t.Context(), news("ada@example.org")); err != nil {
		t.Fatal(err)
	}
	if srv.password != "\x00m\x00hush" || len(srv.got()) != 1 {
		t.Errorf("credentials %q, mails %+v", srv.password, srv.got())
	}
}

func TestMistakes(t *testing.T) {
	for _, bad := range []mail.SMTPConfig{
		{URL: ""}, {URL: "http://m"}, {URL: "smtp://"}, {URL: "smtp://m:70000"}, {URL: "smtp://m/path"},
		{URL: "smtp://u:hush@m?tls=none"}, {URL: "smtps://m?tls=none"}, {URL: "smtp://m?tls=maybe"},
		{URL: "smtp://m", From: "a\r\nb@example.org"}, {URL: "smtp://m", From: "Latchkey <a@example.org>"}, {URL: "smtp://m", Name: "A\nB"},
	} {
		if bad.From == "" {
			bad.From = "noreply@example.org"
		}
		_, err := mail.NewSMTP(bad)
		if !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
		if err != nil && strings.Contains(err.Error(), "hush") {
			t.Errorf("the password is in the error: %v", err)
		}
	}
}

func TestSenderAddress(t *testing.T) {
	for issuer, want := range map[string]string{
		"https://id.example.org/x": "noreply@id.example.org", "http://127.0.0.1:8080": "noreply@localhost", "http://[::1]:80": "noreply@localhost",
	} {
		got, err := mail.SenderAddress(issuer)
		if err != nil || got != want {
			t.Errorf("%s: %q, %v", issuer, got, err)
		}
		if _, err := mail.NewSMTP(mail.SMTPConfig{URL: "smtp://localhost", From: got}); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

// §3: a server that hangs costs time, and only the sender's.
func TestHangingServer(t *testing.T) {
	srv := listen(t, func(s *server) { s.hang = true })
	s := dial(t, mail.SMTPConfig{URL: srv.url(""), Timeout: 200 * time.Millisecond})
	start := time.Now()
	if err := s.Send(t.Context(), news("ada@example.org")); err == nil {
		t.Error("nothing was said, and it was sent")
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}

// The question whether a server would take mail sends none.
func TestProbe(t *testing.T) {
	srv := listen(t, nil)
	if err := dial(t, mail.SMTPConfig{URL: srv.url("")}).Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if got := srv.got(); len(got) != 0 {
		t.Errorf("sent %+v", got)
	}
	hanging := listen(t, func(s *server) { s.hang = true })
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := dial(t, mail.SMTPConfig{URL: hanging.url("")}).Probe(ctx); err == nil {
		t.Error("a server that says nothing would take mail")
	}
}

// A line that breaks once the message is taken must not send it again.
func TestTakenIsSent(t *testing.T) {
	srv := listen(t, func(s *server) { s.hungUp = true })
	if err := dial(t, mail.SMTPConfig{URL: srv.url("")}).Send(t.Context(), news("ada@example.org")); err != nil {
		t.Error(err)
	}
	if n := len(srv.got()); n != 1 {
		t.Errorf("%d mails", n)
	}
}
