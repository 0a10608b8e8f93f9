package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/config"
	"latchkey/idp/mail"
	"latchkey/idp/store/storetest"
)

// tokenEndpoint gives out token1, token2 and so on, for an hour each, until it
// is told what to answer instead.
type tokenEndpoint struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []url.Values
	status int
	says   string
}

func newTokenEndpoint(t *testing.T) *tokenEndpoint {
	e := &tokenEndpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		_ = r.ParseForm()
		e.asked = append(e.asked, r.PostForm)
		w.Header().Set("Content-Type", "application/json")
		if e.status != 0 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(e.status)
			fmt.Fprint(w, e.says)
			return
		}
		fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":3599,"access_token":"token%d"}`, len(e.asked))
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *tokenEndpoint) refuse(status int, says string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.status, e.says = status, says
}

func (e *tokenEndpoint) config() config.MailOAuth {
	return config.MailOAuth{TokenURL: e.URL + "/t", ClientID: "app", ClientSecret: "hush~hush", Scope: "https://outlook.office365.com/.default"}
}

// One token serves until shortly before it expires, and one that the mail
// server does not take is asked for anew.
func TestMailTokens(t *testing.T) {
	e, clock := newTokenEndpoint(t), storetest.NewClock()
	tokens := &mailTokens{MailOAuth: e.config(), now: clock.Now}
	want := func(token string, asked int) {
		t.Helper()
		if got, err := tokens.Token(t.Context()); err != nil || got != token || len(e.asked) != asked {
			t.Errorf("%q, %v, asked %d times; want %q and %d", got, err, len(e.asked), token, asked)
		}
	}
	want("token1", 1)
	clock.Pass(57 * time.Minute)
	want("token1", 1)
	clock.Pass(time.Minute)
	want("token2", 2)
	tokens.Forget("token1") // somebody who had the old one
	want("token2", 2)
	tokens.Forget("token2")
	want("token3", 3)
	form := e.asked[0]
	for name, v := range map[string]string{
		"grant_type": "client_credentials", "client_id": "app", "client_secret": "hush~hush", "scope": "https://outlook.office365.com/.default",
	} {
		if form.Get(name) != v {
			t.Errorf("%s is %q, want %q", name, form.Get(name), v)
		}
	}
}

// A token endpoint that refuses, redirects or says what nobody understands is
// told with what to do, in few words and without the secret; the doctor says
// the same.
func TestMailTokensRefused(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		says   string
		want   string
	}{
		"refused":   {401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret\r\nprovided: hush~hush."}`, "refuses: invalid_client AADSTS7000215: Invalid client secret provided: xxxxx.; are mail.oauth.client_id"},
		"no reason": {503, `{}`, "refuses: 503 Service Unavailable"},
		"elsewhere": {302, `{}`, "refuses: 302 Found"},
		"no token":  {200, `{}`, "is mail.oauth.token_url right?"},
		"not JSON":  {200, `<html>hush~hush` + strings.Repeat("x", 5000), "is mail.oauth.token_url right?"},
		"very long": {400, `{"error":"x","error_description":"` + strings.Repeat("é", 5000) + `"}`, "…; are mail.oauth.client_id"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newTokenEndpoint(t)
			e.refuse(c.status, c.says)
			f := lookAtMail(t.Context(), config.Config{Issuer: "https://id.example.org", Mail: config.Mail{SMTPURL: "smtp://127.0.0.1:1", From: "box@example.org", OAuth: e.config()}})
			if f.State != "fail" || !strings.Contains(f.Says, c.want) || !strings.Contains(f.Says, "mails wait until then") {
				t.Errorf("%+v", f)
			}
			if strings.Contains(f.Says, "hush") || len(f.Says) > 700 || strings.Contains(f.Says, "\n") {
				t.Errorf("it tells too much: %s", f.Says)
			}
			if len(e.asked) != 1 {
				t.Errorf("asked %d times", len(e.asked))
			}
		})
	}
	e := newTokenEndpoint(t)
	e.Close()
	if _, err := (&mailTokens{MailOAuth: e.config(), now: time.Now}).Token(t.Context()); err == nil || !strings.Contains(err.Error(), "cannot be asked") {
		t.Errorf("nobody there: %v", err)
	}
}

// The whole way: a token from the endpoint, shown to the mail server, which
// takes only the second one.
func TestMailByToken(t *testing.T) {
	e := newTokenEndpoint(t)
	address, pool, shown := xoauth2Sink(t, "token2")
	s, err := mail.NewSMTP(mail.SMTPConfig{URL: "smtps://" + address, From: "box@example.org", Roots: pool, Tokens: &mailTokens{MailOAuth: e.config(), now: time.Now}})
	if err != nil {
		t.Fatal(err)
	}
	m := mail.New(mail.Mail, "ada@example.org", time.Now())
	m.Subject, m.Text = "news", "text"
	for range 2 {
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	want := "user=box@example.org\x01auth=Bearer token1\x01\x01 user=box@example.org\x01auth=Bearer token2\x01\x01 user=box@example.org\x01auth=Bearer token2\x01\x01"
	if got := strings.Join(shown(), " "); got != want || len(e.asked) != 2 {
		t.Errorf("shown %q, asked %d times", got, len(e.asked))
	}
}

// The sender is the configured one, or else noreply at the issuer's host under
// the name of the service.
func TestMailSender(t *testing.T) {
	for from, want := range map[string]string{
		"": `"Latchkey" <noreply@id.example.org>`, "box@example.org": "<box@example.org>", "Haus <box@example.org>": `"Haus" <box@example.org>`,
	} {
		s, err := mailServer(config.Config{Issuer: "https://id.example.org", Branding: config.Branding{Name: "Latchkey"}, Mail: config.Mail{SMTPURL: "smtp://m", From: from}}, time.Now)
		if err != nil || s.Sender() != want {
			t.Errorf("%q: %v, %v; want %s", from, s.Sender(), err, want)
		}
	}
}

// xoauth2Sink is a mail server that takes mail from who shows a token, and tells
// what it was shown.
func xoauth2Sink(t *testing.T, good string) (address string, pool *x509.CertPool, shown func() []string) {
	t.Helper()
	web := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(web.Close)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	pool = x509.NewCertPool()
	pool.AddCert(web.Certificate())
	var mu sync.Mutex
	var seen []string
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				in := bufio.NewScanner(c)
				say := func(s string) { fmt.Fprint(c, s+"\r\n") }
				say("220 mail.test")
				for in.Scan() {
					switch verb, rest, _ := strings.Cut(in.Text(), " "); verb {
					case "EHLO":
						say("250-mail.test\r\n250 AUTH LOGIN XOAUTH2")
					case "AUTH":
						b, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "XOAUTH2 "))
						mu.Lock()
						seen = append(seen, string(b))
						mu.Unlock()
						if strings.Contains(string(b), "Bearer "+good+"\x01") {
							say("235 welcome")
						} else {
							say("334 e30=")
						}
					case "":
						say("535 5.7.3 no")
					case "DATA":
						say("354 go on")
						for in.Scan() && in.Text() != "." {
						}
						say("250 taken")
					default:
						say("250 ok")
					}
				}
			}()
		}
	}()
	return ln.Addr().String(), pool, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), seen...)
	}
}
