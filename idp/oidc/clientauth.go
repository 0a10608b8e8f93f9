package oidc

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/ory/fosite"

	"latchkey/idp"
)

// Ways in which a client proves who it is; [AuthKey] is another.
const (
	AuthBasic = "client_secret_basic"
	AuthPost  = "client_secret_post"
	AuthNone  = "none"
)

// public reports whether a client cannot be trusted to keep a secret. Odoo's
// can, but stock Odoo has no field for one.
func (c Client) public() bool {
	return c.Type == SPA || c.Type == Native || c.Type == Odoo
}

// confidential reports whether a client can prove who it is.
func (c Client) confidential() bool { return c.Secret != "" || c.AuthMethod == AuthKey }

// hashSecret is how client secrets are stored. They have 256 random bits, so
// a plain hash is enough; bcrypt would cost 0.3 s per request.
func hashSecret(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// credentials is what a request says about its client.
type credentials struct {
	id     ClientID
	secret string
	method string
}

// readCredentials takes exactly one way of authentication (RFC 6749 §2.3;
// P-12).
func readCredentials(r *http.Request, form url.Values) (credentials, error) {
	if form.Get("client_assertion") != "" || form.Get("client_assertion_type") != "" {
		return readAssertion(r, form)
	}
	named, posted := form.Get("client_id"), form.Get("client_secret")
	user, pass, basic := r.BasicAuth()
	if !basic {
		switch {
		case r.Header.Get("Authorization") != "":
			return credentials{}, refuse(invalidClient, "The Authorization header is not Basic.")
		case named == "":
			return credentials{}, refuse(invalidClient, "The request names no client.")
		case posted != "":
			return credentials{ClientID(named), posted, AuthPost}, nil
		}
		return credentials{ClientID(named), "", AuthNone}, nil
	}
	// Both halves are form-encoded (§2.3.1).
	id, err := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(pass)
	switch {
	case err != nil || err2 != nil || id == "":
		return credentials{}, refuse(invalidClient, "The Basic credentials are not form-encoded.")
	case posted != "":
		return credentials{}, refuse(invalidRequest, "The client authenticates in two ways at once.")
	case named != "" && named != id:
		return credentials{}, refuse(invalidRequest, "Header and form name different clients.")
	case secret == "":
		return credentials{ClientID(id), "", AuthNone}, nil
	}
	return credentials{ClientID(id), secret, AuthBasic}, nil
}

// clientAuth finds out which client is there (RFC 6749 §2.3).
type clientAuth struct {
	registry registry
	grants   Grants // where assertions are kept that came
	issuer   string
	now      func() time.Time
	uses     *LastUses // nil: nobody is told
	failures *strangers
	shelf    keyShelf
}

// client finds out which client sends a request to an endpoint. Every way
// to fail looks the same from outside, unless the client has proven itself.
func (a clientAuth) client(ctx context.Context, r *http.Request, form url.Values, endpoint string) (Client, error) {
	given, err := readCredentials(r, form)
	if err != nil {
		return Client{}, err
	}
	c, err := a.registry.client(ctx, given.id)
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return Client{}, err
	}
	known := err == nil
	serial, by, err := a.judge(ctx, c, given, known, endpoint)
	if errors.Is(err, errWrongClient) && known {
		if lost := a.failures.note(r, c.ID, given.method); lost != nil {
			return Client{}, lost
		}
	}
	if err != nil {
		return Client{}, err
	}
	a.uses.Note(c.ID, by, serial)
	return c, nil
}

// judge holds what was given against a client, and says what has proven it.
func (a clientAuth) judge(ctx context.Context, c Client, given credentials, known bool, endpoint string) (serial int, by Proof, err error) {
	switch given.method {
	case AuthKey:
		if !known || c.AuthMethod != AuthKey {
			return 0, "", errWrongClient
		}
		return 0, ProofOther, a.proven(ctx, c, given.secret, endpoint)
	case AuthNone:
		// A client that has a secret must show it, also an Odoo (P-12).
		if !known || !c.public() || c.Secret != "" {
			return 0, "", errWrongClient
		}
		return 0, ProofOther, nil
	}
	serial, err = c.knows(given, known, a.now())
	return serial, ProofSecret, err
}

// errWrongClient is every way to fail in which nothing was proven.
var errWrongClient = refuse(invalidClient, "Client authentication failed.")

// knows holds a secret against the client's, and against the one before that
// while it is good, and says which it was. Both comparisons happen in any case,
// for unknown clients, too (C-05).
func (c Client) knows(given credentials, known bool, now time.Time) (serial int, err error) {
	hash := hashSecret(given.secret)
	right, former := equal(hash, c.Secret), c.FormerSecret.is(hash, now)
	switch {
	case !known || c.Secret == "" || !right && !former:
		return 0, errWrongClient
	case given.method != c.AuthMethod && c.Type != Odoo:
		return 0, refuse(invalidClient, "This client is registered for "+c.AuthMethod+".") // it has shown its secret
	case right:
		return c.SecretSerial, nil
	}
	return c.FormerSecret.Serial, nil
}

func equal(given, want string) bool {
	return subtle.ConstantTimeCompare([]byte(given), []byte(want)) == 1
}

// fosite is client for the token endpoint.
func (a clientAuth) fosite(ctx context.Context, r *http.Request, form url.Values) (fosite.Client, error) {
	c, err := a.client(ctx, r, form, PathToken)
	if err != nil {
		if refusalOf(err).Code == serverError {
			unitOf(ctx).fault = err
		}
		return nil, err
	}
	return relying{c}, nil
}
