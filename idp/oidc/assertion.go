package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
)

// AuthKey is private_key_jwt: the client signs a statement about itself
// (OpenID Connect Core 1.0 §9, RFC 7523 §2.2).
const AuthKey = "private_key_jwt"

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// The numbers of client assertions (P-13).
const (
	maxAssertion  = 8 << 10         // bytes
	maxJTI        = 256             // bytes
	assertionLife = 5 * time.Minute // exp may not be further away
	skew          = 30 * time.Second
)

// AssertionAlgs sign client assertions. Nothing symmetric is among them.
var AssertionAlgs = []string{"RS256", "PS256", "ES256", "EdDSA"}

// KindAssertion is a client assertion that was presented. It is stored so that
// it cannot come twice.
const KindAssertion = "assertion"

// assertion is what a client states about itself.
type assertion struct {
	Issuer    string          `json:"iss"`
	Subject   string          `json:"sub"`
	Audience  json.RawMessage `json:"aud"`
	Expires   *float64        `json:"exp"`
	NotBefore *float64        `json:"nbf"`
	Issued    *float64        `json:"iat"`
	ID        string          `json:"jti"`
}

// readAssertion takes the credentials of a client that signs. It says which
// client claims to be there; the signature is judged later, with its keys.
func readAssertion(r *http.Request, form url.Values) (credentials, error) {
	switch {
	case r.Header.Get("Authorization") != "" || form.Get("client_secret") != "":
		return credentials{}, refuse(invalidRequest, "The client authenticates in two ways at once.")
	case form.Get("client_assertion_type") != assertionType:
		return credentials{}, refuse(invalidClient, "client_assertion_type must be "+assertionType+".")
	case len(form.Get("client_assertion")) > maxAssertion:
		return credentials{}, refuse(invalidClient, "The client assertion is too long.")
	}
	raw := form.Get("client_assertion")
	_, a, err := parseAssertion(raw)
	if err != nil {
		return credentials{}, err
	}
	if named := form.Get("client_id"); named != "" && named != a.Subject {
		return credentials{}, refuse(invalidClient, "client_id and the client assertion name different clients.") // RFC 7521 §4.2
	}
	return credentials{ClientID(a.Subject), raw, AuthKey}, nil
}

// parseAssertion reads an assertion without believing it.
func parseAssertion(raw string) (*jose.JSONWebSignature, assertion, error) {
	var a assertion
	object, err := parseSigned(raw, AssertionAlgs)
	if err != nil || json.Unmarshal(object.UnsafePayloadWithoutVerification(), &a) != nil {
		return nil, a, refuse(invalidClient, "The client assertion is not a JWT signed with one of "+strings.Join(AssertionAlgs, ", ")+".")
	}
	return object, a, nil
}

// proven holds an assertion against the client that it names: its keys, its
// words, its time, and that it has not been here before.
func (auth clientAuth) proven(ctx context.Context, c Client, raw, endpoint string) error {
	object, a, err := parseAssertion(raw)
	if err != nil {
		return err
	}
	signed, err := auth.shelf.signed(ctx, c, object, assertionTyp)
	switch {
	case errors.Is(err, idp.ErrInvalid):
		return refuse(invalidClient, "The keys at the jwks_uri of this client cannot be read.")
	case err != nil:
		return err
	case !signed:
		return errWrongClient
	}
	if c.AuthAlg != "" && c.AuthAlg != object.Signatures[0].Protected.Algorithm {
		return refuse(invalidClient, "This client is registered for assertions that are signed with "+c.AuthAlg+".")
	}
	if err := a.check(c.ID, []string{auth.issuer, auth.issuer + PathToken, auth.issuer + endpoint}, auth.now()); err != nil {
		return err
	}
	// Of many that come at once the first to insert wins.
	sum := sha256.Sum256([]byte(string(c.ID) + "\x00" + a.ID))
	err = auth.grants.Put(ctx, Grant{
		Kind: KindAssertion, Signature: hex.EncodeToString(sum[:]), Client: c.ID, Expires: seconds(*a.Expires).Add(skew),
	})
	if errors.Is(err, idp.ErrTaken) {
		return refuse(invalidClient, "The client assertion has already been used.")
	}
	return err
}

// assertionTyp is what the header of an assertion may say of it.
const assertionTyp = "client-authentication+jwt"

// signed reports whether one of the client's keys made the signature, for the
// purpose that its header may name. A kid selects among them.
func (c Client) signed(object *jose.JSONWebSignature, purpose string) bool {
	h := object.Signatures[0].Protected
	if typ, _ := h.ExtraHeaders[jose.HeaderType].(string); typ != "" && !strings.EqualFold(typ, "JWT") && !strings.EqualFold(typ, purpose) {
		return false // what the client signed for another purpose
	}
	return slices.ContainsFunc(c.Keys, func(k jose.JSONWebKey) bool {
		if h.KeyID != "" && k.KeyID != "" && h.KeyID != k.KeyID || k.Algorithm != "" && k.Algorithm != h.Algorithm {
			return false
		}
		if !slices.Contains(algsOf(k.Key), h.Algorithm) {
			return false
		}
		_, err := object.Verify(k.Key)
		return err == nil
	})
}

// check judges what a verified assertion says.
func (a assertion) check(c ClientID, audiences []string, now time.Time) error {
	switch {
	case a.Issuer != string(c) || a.Subject != string(c):
		return refuse(invalidClient, "iss and sub of the client assertion must be the client's id.")
	case !slices.Contains(audiences, audienceOf(a.Audience)):
		return refuse(invalidClient, "aud of the client assertion must be this issuer, and nobody else.")
	case a.ID == "" || len(a.ID) > maxJTI:
		return refuse(invalidClient, "jti of the client assertion is missing or too long.")
	case a.Expires == nil || !now.Before(seconds(*a.Expires)):
		return refuse(invalidClient, "The client assertion has expired, or has no exp.")
	case seconds(*a.Expires).After(now.Add(assertionLife + skew)):
		return refuse(invalidClient, "exp of the client assertion is more than 5 minutes away.")
	case a.NotBefore != nil && seconds(*a.NotBefore).After(now.Add(skew)):
		return refuse(invalidClient, "The client assertion is not good yet.")
	case a.Issued == nil:
		return nil
	}
	issued := seconds(*a.Issued)
	if issued.After(now.Add(skew)) || issued.Before(now.Add(-assertionLife-skew)) {
		return refuse(invalidClient, "iat of the client assertion is in the future, or more than 5 minutes ago.")
	}
	return nil
}

// audienceOf returns the one audience, alone or in a list. Of two, the other
// could present the assertion to us.
func audienceOf(raw json.RawMessage) string {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil && len(list) == 1 {
		return list[0]
	}
	return ""
}

// seconds turns a NumericDate (RFC 7519 §2) into a moment. What is out of all
// bounds becomes a moment long gone.
func seconds(n float64) time.Time {
	const latest = 1 << 40
	if !(n > 0 && n < latest) { // NaN, too
		return time.Time{}
	}
	return time.UnixMilli(int64(n * 1000))
}
