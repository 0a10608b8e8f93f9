package oidc

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// Bounds of a client's key set.
const (
	maxKeySet  = 64 << 10 // bytes
	maxKeys    = 16
	leastRSA   = 2048 // bits
	keySetName = "jwks"
)

// privateParts are the members of a JWK that are nobody's business (RFC 7518
// §6). A key that was shown is no longer secret, so it is refused and not
// merely shortened.
var privateParts = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// ParseKeys reads a JWK set (RFC 7517 §5) with the public keys of a client.
// All mistakes are reported together, each wrapping idp.ErrInvalid. Of a key
// only the key itself, its name and its algorithm are kept.
func ParseKeys(set []byte) ([]jose.JSONWebKey, error) {
	var raw struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if len(set) > maxKeySet {
		return nil, invalid(keySetName, "must be at most %d bytes", maxKeySet)
	}
	if err := json.Unmarshal(set, &raw); err != nil || raw.Keys == nil {
		return nil, invalid(keySetName, `must be a JWK set, that is, {"keys": [...]}`)
	}
	if len(raw.Keys) == 0 || len(raw.Keys) > maxKeys {
		return nil, invalid(keySetName, "must hold 1 to %d keys", maxKeys)
	}
	var out []jose.JSONWebKey
	var errs []error
	var names []string
	for i, one := range raw.Keys {
		k, err := parsePublic(one)
		switch {
		case err != nil:
			errs = append(errs, invalid(keySetName, "key %d: %v", i+1, err))
		case slices.Contains(names, k.KeyID):
			errs = append(errs, invalid(keySetName, "key %d: several keys need a kid each, and %q comes twice", i+1, k.KeyID))
		}
		names, out = append(names, k.KeyID), append(out, k)
	}
	return out, errors.Join(errs...)
}

func parsePublic(raw []byte) (jose.JSONWebKey, error) {
	if private(raw) {
		return jose.JSONWebKey{}, errors.New("is not public alone: make a new pair, this one has been shown, and give the public half only")
	}
	var k jose.JSONWebKey
	if err := k.UnmarshalJSON(raw); err != nil {
		return jose.JSONWebKey{}, errors.New("is not a public key of the type RSA, EC or OKP")
	}
	algs := algsOf(k.Key)
	switch {
	case len(algs) == 0:
		return k, errors.New("must be RSA with 2048 bits or more, P-256 or Ed25519")
	case k.Use != "" && k.Use != "sig":
		return k, errors.New(`is not for signatures ("use" must be "sig")`)
	case k.Algorithm != "" && !slices.Contains(algs, k.Algorithm):
		return k, errors.New(`"alg" must be ` + strings.Join(algs, " or "))
	case len(k.KeyID) > maxJTI:
		return k, errors.New("has too long a kid")
	}
	return jose.JSONWebKey{Key: k.Key, KeyID: k.KeyID, Algorithm: k.Algorithm, Use: "sig"}, nil
}

// private reports whether a key shows more than its public half.
func private(raw []byte) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return false
	}
	return slices.ContainsFunc(privateParts, func(name string) bool { _, there := members[name]; return there })
}

// algsOf lists the algorithms that a public key is good for; none for keys
// that are too weak or of other kinds.
func algsOf(public any) []string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() >= leastRSA {
			return []string{"RS256", "PS256"}
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return []string{"ES256"}
		}
	case ed25519.PublicKey:
		return []string{"EdDSA"}
	}
	return nil
}

// checkAuth checks that a client holds what its way of authentication needs,
// and nothing else.
func (c Client) checkAuth() error {
	switch {
	case len(c.Keys) > 0 && c.KeysURI != "":
		return invalid(keySetName, "keys are here or at jwks_uri, not both") // RFC 7591 §2
	case c.AuthMethod == AuthKey && !c.keyed():
		return invalid(keySetName, "auth_method %s needs the client's public keys", AuthKey)
	case c.AuthMethod != AuthKey && c.keyed() && !c.signsRequests():
		return invalid(keySetName, "keys are for auth_method %s, and for clients that sign their requests", AuthKey)
	}
	return nil
}

// keyed reports whether a client has keys, or an address for them.
func (c Client) keyed() bool { return len(c.Keys) > 0 || c.KeysURI != "" }

// signsRequests reports whether a client's authorization requests may be signed.
// One that registered itself need not say so ahead.
func (c Client) signsRequests() bool {
	return c.Type == Web && (c.RequestAlg != "" || len(c.RequestURIs) > 0 || c.Self != nil)
}

// checkLogout checks where the client is told of the end of a session.
func (r *Registered) checkLogout() error {
	c := r.Client
	var errs []error
	for _, one := range []struct {
		field, uri string
		framed     bool
	}{{"backchannel_logout_uri", c.BackchannelURI, false}, {"frontchannel_logout_uri", c.FrontchannelURI, true}} {
		if one.uri == "" {
			continue
		}
		if c.Type == Service {
			errs = append(errs, invalid(one.field, "a service has no sessions"))
		} else if _, err := checkURI(Web, one.uri); err != nil { // our own server or a frame goes there: no exceptions for Odoo or apps
			errs = append(errs, invalid(one.field, "%q %s", one.uri, err))
		} else if !one.framed && !callable(one.uri) {
			errs = append(errs, invalid(one.field, "%q is in a private or special network, which is never called", one.uri)) // P-28
		} else if one.framed && !slices.ContainsFunc(c.RedirectURIs, func(u string) bool { return origin(u) == origin(one.uri) }) {
			// OpenID Connect Front-Channel Logout 1.0 §2
			errs = append(errs, invalid(one.field, "%q must have scheme, host and port of one of the redirect_uris", one.uri))
		}
	}
	if c.FrontchannelPlain && c.FrontchannelURI == "" {
		errs = append(errs, invalid("frontchannel_logout_session_required", "there is no frontchannel_logout_uri"))
	}
	return errors.Join(errs...)
}

// origin is scheme, host and port of an address.
func origin(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

// Revise brings a client that somebody has changed into order and checks it
// as [NewClient] does. A client whose way of authentication needs a secret that
// it has not got gets one, and one that needs none any more loses it.
func Revise(c Client) (Registered, error) {
	c.ResponseTypes = responsesOf(c.ResponseTypes)
	c.GrantTypes = grantsOf(slices.Clone(c.GrantTypes), c.ResponseTypes)
	out := Registered{Client: c}
	switch {
	case c.AuthMethod == AuthNone || c.AuthMethod == AuthKey:
		out.Client.Secret, out.Client.FormerSecret = "", nil
	case c.Secret == "":
		out.Secret = newSecret()
		out.Client.Secret = hashSecret(out.Secret)
	}
	warnings, err := out.Client.Check()
	if err != nil {
		return Registered{}, err
	}
	out.Warnings = warnings
	return out, nil
}
