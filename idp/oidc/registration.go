package oidc

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
)

// maxClientID is in bytes.
const maxClientID = 128

// Input is what an administrator says about a new client. What is empty gets
// the default of its type.
type Input struct {
	ID                              ClientID // empty: random
	Name                            string
	Type                            Type
	RedirectURIs                    []string
	PostLogoutURIs                  []string
	GrantTypes                      []string
	ResponseTypes                   []string // words in any order
	Scopes                          []string
	AuthMethod                      string
	Secret                          string // empty: made, if the client has one
	IDTokenAlg                      string
	Keys                            []jose.JSONWebKey // of a client that signs; see ParseKeys
	BackchannelURI, FrontchannelURI string
	FrontchannelPlain               bool // without iss and sid
	Trusted                         bool
	Groups                          []string
	Choose                          bool
	Sessions                        string // Odoo
	Validations                     int    // Odoo
	Requests
	Details
}

// Registered is a client that has been checked, but not stored.
type Registered struct {
	Client   Client
	Secret   string // shown once; empty: the client has none
	Warnings []Note // what is allowed, but should be thought about
}

// kinds says what each type of client gets unless its registration says
// otherwise, and what it may have at all.
var kinds = map[Type]struct {
	grants, responses, scopes []string
	auth                      []string // the first is the default
	mayGrant                  []string
	mayRespond                []string
}{
	Odoo: {
		grants: []string{grantCode, grantImplicit}, responses: []string{"code", "token"},
		scopes: []string{"openid", "profile", "email", "groups"}, auth: []string{AuthNone, AuthBasic, AuthPost},
		mayGrant: []string{grantCode, grantImplicit, grantRefresh}, mayRespond: []string{"code", "token", "id_token", "id_token token"},
	},
	Web: {
		grants: []string{grantCode, grantRefresh}, responses: []string{"code"}, scopes: Scopes, auth: []string{AuthBasic, AuthPost, AuthKey},
		mayGrant:   []string{grantCode, grantImplicit, grantRefresh, grantClient, GrantDevice},
		mayRespond: []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"},
	},
	SPA: {
		grants: []string{grantCode, grantRefresh}, responses: []string{"code"}, scopes: Scopes, auth: []string{AuthNone},
		mayGrant:   []string{grantCode, grantImplicit, grantRefresh},
		mayRespond: []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"},
	},
	Native: {
		grants: []string{grantCode, grantRefresh}, responses: []string{"code"}, scopes: Scopes, auth: []string{AuthNone},
		mayGrant: []string{grantCode, grantRefresh, GrantDevice}, mayRespond: []string{"code"},
	},
	Service: {
		grants: []string{grantClient}, auth: []string{AuthBasic, AuthPost, AuthKey}, mayGrant: []string{grantClient},
	},
}

// NewClient checks a registration and completes it. All mistakes are reported
// together, each wrapping idp.ErrInvalid with the field and what is allowed
// (P-03, P-07, P-17).
func NewClient(in Input, now time.Time) (Registered, error) {
	k, ok := kinds[in.Type]
	if !ok {
		return Registered{}, fmt.Errorf("%w: type: %q is none of odoo, web, spa, native, service", idp.ErrInvalid, in.Type)
	}
	c := Client{
		ID: in.ID, Name: strings.TrimSpace(in.Name), Type: in.Type, AuthMethod: in.AuthMethod,
		RedirectURIs: in.RedirectURIs, PostLogoutURIs: in.PostLogoutURIs, Scopes: or(in.Scopes, k.scopes),
		IDTokenAlg: in.IDTokenAlg, Keys: in.Keys, BackchannelURI: in.BackchannelURI, FrontchannelURI: in.FrontchannelURI,
		FrontchannelPlain: in.FrontchannelPlain, Groups: in.Groups, Choose: in.Choose, Created: now, Requests: in.Requests, Details: in.Details,
		// Whoever connects their own Odoo does not ask themselves for consent.
		Trusted: in.Trusted || in.Type == Odoo,
	}
	if c.ID == "" {
		c.ID = ClientID(rand.Text())
	}
	if c.Name == "" {
		c.Name = string(c.ID)
	}
	if c.AuthMethod == "" {
		c.AuthMethod = k.auth[0]
		switch {
		case in.Type == Odoo && in.Secret != "":
			c.AuthMethod = AuthBasic
		case len(in.Keys) > 0 || in.KeysURI != "":
			c.AuthMethod = AuthKey
		}
	}
	if c.IDTokenAlg == "" {
		c.IDTokenAlg = "RS256"
	}
	c.ResponseTypes = responsesOf(or(in.ResponseTypes, k.responses))
	if asksLone(in) {
		c.ResponseTypes = []string{}
	}
	c.GrantTypes = grantsOf(or(in.GrantTypes, k.grants), c.ResponseTypes)
	out := Registered{Client: c}
	err := errors.Join(
		out.Client.checkWords(k.auth, k.mayGrant, k.mayRespond),
		out.checkURIs(),
		out.checkLogout(),
		out.Client.checkAuth(),
		out.Client.checkRequests(),
		out.Client.checkDetails(),
		out.setOdoo(in),
		out.setSecret(in.Secret),
	)
	if err != nil {
		return Registered{}, err
	}
	return out, nil
}

func or(given, otherwise []string) []string {
	if len(given) == 0 {
		given = otherwise
	}
	return slices.Clone(given)
}

// responsesOf brings the words of each response type into order.
func responsesOf(types []string) []string {
	var out []string
	for _, t := range types {
		words := strings.Fields(t)
		slices.Sort(words)
		if t = strings.Join(words, " "); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// grantsOf adds the grant types that response types imply (OpenID Connect
// Dynamic Client Registration 1.0 §2).
func grantsOf(grants, responses []string) []string {
	add := func(g string) {
		if !slices.Contains(grants, g) {
			grants = append(grants, g)
		}
	}
	for _, t := range responses {
		words := strings.Fields(t)
		if slices.Contains(words, "code") {
			add(grantCode)
		}
		if slices.Contains(words, "token") || slices.Contains(words, "id_token") {
			add(grantImplicit)
		}
	}
	return grants
}

func invalid(field, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s", idp.ErrInvalid, field, fmt.Sprintf(format, args...))
}

// checkWords checks what comes from fixed lists.
func (c Client) checkWords(auth, mayGrant, mayRespond []string) error {
	var errs []error
	among := func(field string, values, allowed []string) {
		for _, v := range values {
			if !slices.Contains(allowed, v) {
				errs = append(errs, invalid(field, "%q is not possible for type %s; allowed: %s", v, c.Type, strings.Join(allowed, ", ")))
			}
		}
	}
	among("auth_method", []string{c.AuthMethod}, auth)
	among("grant_types", c.GrantTypes, mayGrant)
	among("response_types", c.ResponseTypes, mayRespond)
	among("id_token_alg", []string{c.IDTokenAlg}, Algs)
	if len(c.ID) > maxClientID || !idChars(string(c.ID)) {
		errs = append(errs, invalid("id", "%q must be at most %d of a-z, A-Z, 0-9, '-', '.', '_'", c.ID, maxClientID))
	}
	if len(c.Name) > 200 || strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' }) {
		errs = append(errs, invalid("name", "must be at most 200 bytes on one line"))
	}
	for _, s := range c.Scopes {
		if !scopeChars(s) {
			errs = append(errs, invalid("scopes", "%q is not a scope token (RFC 6749 §3.3)", s))
		}
		if c.Type == Service && slices.Contains(Scopes, s) {
			errs = append(errs, invalid("scopes", "%q is about people; a service has none", s))
		}
	}
	return errors.Join(errs...)
}

// idChars keeps ids good for paths and for Basic credentials that a sloppy
// client does not encode.
func idChars(s string) bool {
	return s != "" && s != "." && s != ".." && urlSafe(strings.ReplaceAll(s, ".", ""))
}

func scopeChars(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' })
}

// checkURIs checks where answers may go.
func (r *Registered) checkURIs() error {
	c := &r.Client
	var errs []error
	switch {
	case c.Type == Service && len(c.RedirectURIs)+len(c.PostLogoutURIs) > 0:
		errs = append(errs, invalid("redirect_uris", "a service has none"))
	case c.Type != Service && len(c.RedirectURIs) == 0 && !lone(*c):
		errs = append(errs, invalid("redirect_uris", "at least one is needed"))
	}
	for _, list := range []struct {
		field string
		uris  []string
	}{{"redirect_uris", c.RedirectURIs}, {"post_logout_uris", c.PostLogoutURIs}} {
		for _, uri := range list.uris {
			warning, err := checkURI(c.Type, uri)
			if err != nil {
				errs = append(errs, invalid(list.field, "%q %s", uri, err))
			} else if warning != "" {
				r.Warnings = append(r.Warnings, say(warning, list.field, uri))
			}
		}
	}
	return errors.Join(errs...)
}

// checkURI gives the warning as one of [Sentences]. It allows https; http on the own machine and, with a warning, for an
// Odoo in the house; own schemes for programs on a device (P-03, RFC 8252).
func checkURI(t Type, uri string) (warning string, err error) {
	u, err := url.Parse(uri)
	switch {
	case err != nil || u.Scheme == "" || strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }):
		return "", errors.New("is not an absolute URI in ASCII")
	case strings.Contains(uri, "#"):
		return "", errors.New("has a fragment")
	case u.User != nil:
		return "", errors.New("has a user name")
	case strings.Contains(uri, "*"):
		return "", errors.New("has a wildcard; URIs are compared as they are")
	case u.Scheme == "https" || u.Scheme == "http":
		return checkHTTP(t, u)
	}
	// A name of one's own contains a dot (RFC 8252 §7.1); javascript: and
	// data: do not.
	if t == Native && strings.Contains(u.Scheme, ".") {
		return "", nil
	}
	return "", errors.New("must be https; own schemes, such as com.example.app, are for native clients")
}

func checkHTTP(t Type, u *url.URL) (warning string, err error) {
	switch {
	case u.Hostname() == "":
		return "", errors.New("has no host")
	case u.Scheme == "https" || loopback(u.Hostname()):
		return "", nil
	case t == Odoo:
		return "clear_text", nil
	}
	return "", errors.New("must be https; http is for the own machine only")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// setOdoo fills in what only Odoo has.
func (r *Registered) setOdoo(in Input) error {
	c := &r.Client
	c.Sessions, c.Validations = in.Sessions, in.Validations
	if c.Type == Odoo {
		c.ValidationSecret = newSecret()
		if c.Sessions == "" {
			c.Sessions = SessionsMulti
		}
		if c.Validations == 0 {
			c.Validations = 1
		}
	}
	return c.checkOdoo()
}

// checkOdoo checks what only Odoo has.
func (c Client) checkOdoo() error {
	if c.Type != Odoo {
		if c.Sessions != "" || c.Validations != 0 {
			return invalid("sessions, validations", "are for type odoo only")
		}
		return nil
	}
	var errs []error
	if c.Sessions != SessionsMulti && c.Sessions != SessionsSingle {
		errs = append(errs, invalid("sessions", "%q is neither multi nor single", c.Sessions))
	}
	if c.Validations < 1 || c.Validations > 2 {
		errs = append(errs, invalid("validations", "must be 1 or, with a data endpoint, 2"))
	}
	if !c.Trusted {
		errs = append(errs, invalid("trusted", "an Odoo never asks for consent; use type web for an application of others"))
	}
	return errors.Join(errs...)
}

// Check holds a client that somebody has changed against the rules of
// [NewClient]. All mistakes are reported together, each wrapping
// idp.ErrInvalid; what is allowed, but should be thought about, is a warning.
func (c Client) Check() (warnings []Note, err error) {
	k, ok := kinds[c.Type]
	if !ok {
		return nil, fmt.Errorf("%w: type: %q is none of odoo, web, spa, native, service", idp.ErrInvalid, c.Type)
	}
	r := Registered{Client: c}
	err = errors.Join(c.checkWords(k.auth, k.mayGrant, k.mayRespond), r.checkURIs(), r.checkLogout(), c.checkAuth(), c.checkRequests(), c.checkDetails(), c.checkOdoo())
	return r.Warnings, err
}

// How many sessions of one person Odoo keeps; see package odoo.
const (
	SessionsMulti  = "multi"
	SessionsSingle = "single"
)

// minSecret is for secrets that somebody brings along.
const minSecret = 16

// setSecret makes a secret, or takes the one that somebody brings along.
func (r *Registered) setSecret(given string) error {
	if r.Client.AuthMethod == AuthNone || r.Client.AuthMethod == AuthKey {
		if given != "" {
			return invalid("secret", "this client has none")
		}
		return nil
	}
	if given == "" {
		given = newSecret()
	}
	if len(given) < minSecret || len(given) > 256 || strings.ContainsFunc(given, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return invalid("secret", "must be %d to 256 characters of ASCII without spaces", minSecret)
	}
	r.Secret, r.Client.Secret = given, hashSecret(given)
	return nil
}

// newSecret makes 256 random bits in characters that need no encoding in
// forms, Basic credentials and paths.
func newSecret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
