package oidc

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
)

// The numbers of back-channel logout.
const (
	// logoutLife is how long a logout token is good (OpenID Connect
	// Back-Channel Logout 1.0 §2.4 advises at most two minutes; P-31).
	logoutLife = 2 * time.Minute
	// maxLogoutAnswer is how much of an answer is read, in bytes.
	maxLogoutAnswer = 4 << 10
)

// eventBackchannel names what a logout token tells (§2.4).
const eventBackchannel = "http://schemas.openid.net/event/backchannel-logout"

// typLogout keeps a logout token from being taken for an ID token (§2.4).
const typLogout = "logout+jwt"

// Farewells sends logout tokens; it is the [mail.Transport] of the channel
// mail.Logout. A token is made when it is sent, because a message may wait for
// longer than a token may live.
type Farewells struct {
	Issuer  string
	Clients Clients
	Keys    *KeyRing
	Now     func() time.Time
	HTTP    Calls
	// Subjects are those of the provider; nil: no pairwise client is told.
	Subjects func(context.Context) (Subjects, error)
}

var _ mail.Transport = Farewells{}

// Send tells one client of the end of one session. A client that is gone,
// disabled, or has no address any more has nothing to hear.
func (f Farewells) Send(ctx context.Context, m mail.Message) error {
	l, err := ParseFarewell(m.To)
	if err != nil {
		return fmt.Errorf("logout: recipient: %w", err)
	}
	c, err := f.Clients.ByID(ctx, l.Client)
	if errors.Is(err, idp.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	if c.BackchannelURI == "" || c.Disabled {
		return nil
	}
	token, err := f.token(ctx, c, l)
	if err != nil {
		return err
	}
	body := strings.NewReader(url.Values{"logout_token": {token}}.Encode())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.BackchannelURI, body)
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := f.HTTP.For(c).Do(r)
	if err != nil {
		return withoutAddress(err)
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, maxLogoutAnswer) // what it says beyond its status is not read
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusNoContent {
		return fmt.Errorf("logout: client %s answered %d", c.ID, resp.StatusCode) // §2.8
	}
	return nil
}

// token makes a logout token (§2.4): no nonce, and an identifier of its own
// for every try.
func (f Farewells) token(ctx context.Context, c Client, l Login) (string, error) {
	now := f.Now()
	var names Subjects
	if c.Pairwise() && f.Subjects != nil {
		var err error
		if names, err = f.Subjects(ctx); err != nil {
			return "", err
		}
	}
	sub, err := names.Sub(c, l.User)
	if err != nil {
		return "", err
	}
	sid, err := names.SID(c, l.SID)
	if err != nil {
		return "", err
	}
	return f.Keys.signAs(ctx, c.IDTokenAlg, typLogout, map[string]any{
		"iss": f.Issuer, "sub": sub, "aud": c.ID, "iat": now.Unix(), "exp": now.Add(logoutLife).Unix(), "jti": rand.Text(),
		"sid": sid, "events": map[string]any{eventBackchannel: struct{}{}},
	})
}

// withoutAddress keeps the address out of a failure: its query may hold a
// secret of the client's, and failures are shown to administrators.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return fmt.Errorf("logout: %w", u.Err)
	}
	return err
}
