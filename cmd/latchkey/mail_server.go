package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"latchkey/config"
	"latchkey/idp/mail"
)

// mailServer is the operator's. Every mail goes through one that is made here,
// so all have the same sender.
func mailServer(cfg config.Config, now func() time.Time) (*mail.SMTP, error) {
	name, from := cfg.Mail.Sender()
	if from == "" {
		var err error
		if from, err = mail.SenderAddress(cfg.Issuer); err != nil {
			return nil, err
		}
		name = cfg.Branding.Name
	}
	c := mail.SMTPConfig{URL: cfg.Mail.SMTPURL, From: from, Name: name, ReplyTo: cfg.Mail.ReplyTo}
	if cfg.Mail.OAuth.TokenURL != "" {
		c.Tokens = &mailTokens{MailOAuth: cfg.Mail.OAuth, now: now}
	}
	return mail.NewSMTP(c)
}

// mailTokens are got by the client credentials grant (RFC 6749 §4.4), and shown
// to the mail server until shortly before they expire.
type mailTokens struct {
	config.MailOAuth
	now func() time.Time

	mu    sync.Mutex
	token string
	ends  time.Time // when it is not shown any more
}

var _ mail.Tokens = (*mailTokens)(nil)

const (
	// tokenMargin is how long before its end a token is replaced: clocks differ,
	// and a conversation takes a while.
	tokenMargin = 2 * time.Minute
	// tokenLife is how long a token is used whose end nobody told.
	tokenLife = 5 * time.Minute
	// tokenAnswer is how much of an answer is read, in bytes.
	tokenAnswer = 64 << 10
)

// tokenAnswered is an answer, good or bad (RFC 6749 §5).
type tokenAnswered struct {
	Token   string      `json:"access_token"`
	Expires json.Number `json:"expires_in"` // seconds; some write it as a text
	Error   string      `json:"error"`
	Why     string      `json:"error_description"`
}

// Token asks once for all who wait for one.
func (t *mailTokens) Token(ctx context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.token != "" && now.Before(t.ends) {
		return t.token, nil
	}
	got, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	life := tokenLife
	if n, err := got.Expires.Int64(); err == nil && n > 0 {
		life = time.Duration(min(n, 24*60*60)) * time.Second
	}
	t.token, t.ends = got.Token, now.Add(max(life-tokenMargin, life/2))
	return t.token, nil
}

// ask sends the request, with the limits of the house's own: ten seconds, no
// redirects. The secret is in the form and not in a header, as Microsoft and
// Google describe it; in an error there is neither.
func (t *mailTokens) ask(ctx context.Context) (got tokenAnswered, err error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {t.ClientID}, "client_secret": {t.ClientSecret}}
	if t.Scope != "" {
		form.Set("scope", t.Scope)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.TokenURL, strings.NewReader(form.Encode()))
	if err != nil {
		return got, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, err := ourselves().Do(req)
	if err != nil {
		var way *url.Error
		if errors.As(err, &way) {
			err = way.Err
		}
		return got, fmt.Errorf("%s cannot be asked: %w; is mail.oauth.token_url right?", req.Host, err)
	}
	defer resp.Body.Close()
	err = json.NewDecoder(io.LimitReader(resp.Body, tokenAnswer)).Decode(&got)
	switch {
	case resp.StatusCode != http.StatusOK || got.Error != "":
		return got, fmt.Errorf("%s refuses: %s; are mail.oauth.client_id, client_secret and scope right, and has the secret expired?",
			req.Host, cmp.Or(t.told(got.Error+" "+got.Why), resp.Status))
	case err != nil || got.Token == "":
		return got, fmt.Errorf("%s answered, and not with a token; is mail.oauth.token_url right?", req.Host)
	}
	return got, nil
}

// Forget makes the next Token ask again, unless somebody has already.
func (t *mailTokens) Forget(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

// told is what of the other side's answer is told: it is not trusted to be
// short, on one line and without what it was asked with.
func (t *mailTokens) told(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, t.ClientSecret, "xxxxx")), " ")
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(s, "")
}
