package oidc

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ory/fosite"

	"latchkey/idp"
)

// Config sets up a [Provider]. Everything is required unless it says so.
type Config struct {
	Issuer   string // https URL without query, fragment and final slash
	Secret   []byte // 32 random bytes; codes and tokens are signed with keys derived from it
	Grants   Grants
	Clients  Clients
	Consents Consents
	Logins   Logins
	Keys     *KeyRing
	Browser  Browser
	Pages    Pages
	Log      idp.Log
	Atomic   idp.Atomic
	Now      func() time.Time

	// Optional:
	Lifetimes Lifetimes
	Locales   []string // ui_locales_supported
	// Origin says where a request came from; by default the peer's address.
	Origin func(*http.Request) idp.Origin
	// Fault takes what went wrong inside and is never shown; by default it is
	// logged.
	Fault func(*http.Request, error)
	// Implicit answers response_type=token, which only clients of type Odoo
	// may ask for. Without it nobody may.
	Implicit func(ctx context.Context, a Authorized) (url.Values, error)
	// Prepare is called before clients of type Odoo are answered, outside any
	// transaction: it may take its time, and what it writes stays whatever comes
	// of the answer. See [Shown].
	Prepare func(ctx context.Context, a Authorized) error
	// Out calls addresses that clients have registered, such as a jwks_uri.
	Out Calls
	// Dynamic lets clients register themselves while the house wants that; nil:
	// never (P-29).
	Dynamic *Dynamic
	// Devices lets devices without a browser in; nil: there are none.
	Devices *Devices
	// Creating reports whether people may make an account of their own; nil: they
	// may not.
	Creating func(context.Context) bool
	// LastUses is told when clients have proven who they are; nil: nobody is.
	LastUses *LastUses
}

// Authorized is a request that has passed every check and awaits its answer.
type Authorized struct {
	Client  Client
	User    idp.User
	Session idp.Session
	Scopes  []string // granted
	State   string   // as the client sent it
	Origin  idp.Origin
}

// Lifetimes are bounded by SECURITY.md §1.1; zero values get the defaults.
type Lifetimes struct {
	Code            time.Duration // 60 s, at most 10 min
	Access          time.Duration // 10 min, at most 60 min
	ID              time.Duration // 1 h, at most 24 h
	RefreshIdle     time.Duration // 7 d
	RefreshAbsolute time.Duration // 30 d from the sign-in on
}

// defaults fills in what is unset and refuses what is out of bounds.
func (l *Lifetimes) defaults() error {
	var errs []error
	for _, f := range []struct {
		name      string
		value     *time.Duration
		def, most time.Duration
	}{
		{"Code", &l.Code, time.Minute, 10 * time.Minute},
		{"Access", &l.Access, 10 * time.Minute, time.Hour},
		{"ID", &l.ID, time.Hour, 24 * time.Hour},
		{"RefreshIdle", &l.RefreshIdle, 7 * 24 * time.Hour, 90 * 24 * time.Hour},
		{"RefreshAbsolute", &l.RefreshAbsolute, 30 * 24 * time.Hour, 365 * 24 * time.Hour},
	} {
		if *f.value == 0 {
			*f.value = f.def
		}
		if *f.value < 0 || *f.value > f.most {
			errs = append(errs, fmt.Errorf("%w: lifetime %s is %s, at most %s is allowed", idp.ErrInvalid, f.name, *f.value, f.most))
		}
	}
	return errors.Join(errs...)
}

// Provider serves the protocol's endpoints; its exported methods are their
// handlers. [Provider.Routes] lists them.
type Provider struct {
	Config
	registry   registry
	auth       clientAuth
	bearers    *Bearers
	fronts     fronts
	refusals   refusals
	engine     *fosite.Fosite
	tokens     *opaque
	marks      marks
	late       *strangers // who comes with pushed requests that are gone
	pushes     pushes
	polls      polls
	subjects   Subjects
	hints      hints
	teller     teller
	enrolments enrolments
	requests   requestShelf
	base       string // path of the issuer
	discovery  []byte
	enrolling  []byte // discovery while clients may register themselves
}

// New builds a provider, or fails with idp.ErrInvalid and all that is missing
// or out of bounds.
func New(c Config) (*Provider, error) {
	base, err := c.check()
	if err != nil {
		return nil, err
	}
	clients, shelf := registry{c.Clients}, keyShelf{newShelf(c.Out, c.Now)}
	p := &Provider{
		Config: c, base: base, registry: clients, requests: requestShelf{newShelf(c.Out, c.Now)},
		auth:     clientAuth{clients, c.Grants, c.Issuer, c.Now, c.LastUses, &strangers{log: c.Log, now: c.Now, origin: c.Origin}, shelf},
		refusals: refusals{c.Fault, c.Pages},
	}
	p.late = &strangers{log: c.Log, now: c.Now, origin: c.Origin}
	if p.subjects, err = NewSubjects(c.Secret); err != nil {
		return nil, err
	}
	p.fronts = fronts{clients, c.Logins, c.Issuer, p.subjects}
	p.hints, p.teller = hints{c.Keys, c.Clients, p.subjects, c.Issuer}, teller{c.Keys, p.subjects, c.Issuer}
	p.enrolments = enrolments{c.Dynamic, clients, p.refusals, c.Origin, c.Issuer}
	if p.marks, err = hkdf.Key(sha256.New, c.Secret, nil, "oidc marks", 32); err != nil {
		return nil, err
	}
	signing, err := hkdf.Key(sha256.New, c.Secret, nil, "oidc tokens", 32)
	if err != nil {
		return nil, err
	}
	p.assemble(signing)
	if p.discovery, err = metadata(c, false); err == nil {
		p.enrolling, err = metadata(c, true)
	}
	return p, err
}

// check fills in the defaults and returns the path of the issuer.
func (c *Config) check() (string, error) {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, fmt.Errorf("%w: oidc.Config.%s", idp.ErrInvalid, what))
		}
	}
	base, ok := issuerPath(c.Issuer)
	need(ok, "Issuer must be an https URL without query, fragment and final slash")
	need(len(c.Secret) >= 32, "Secret must have at least 32 bytes")
	need(c.Grants != nil && c.Clients != nil && c.Consents != nil && c.Keys != nil && c.Logins != nil, "Grants, Clients, Consents, Logins and Keys must be set")
	need(c.Browser != nil && c.Pages != nil, "Browser and Pages must be set")
	need(c.Log != nil && c.Atomic != nil && c.Now != nil, "Log, Atomic and Now must be set")
	errs = append(errs, c.Lifetimes.defaults())
	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	if c.Origin == nil {
		c.Origin = peer
	}
	if c.Fault == nil {
		c.Fault = func(r *http.Request, err error) {
			slog.ErrorContext(r.Context(), "protocol endpoint failed", "path", r.URL.Path, "err", err)
		}
	}
	return base, nil
}

// issuerPath returns the path of a well-formed issuer.
func issuerPath(issuer string) (string, bool) {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || strings.HasSuffix(issuer, "/") {
		return "", false
	}
	return u.EscapedPath(), u.Scheme == "https" || u.Scheme == "http"
}

func peer(r *http.Request) idp.Origin {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	const longest = 256
	agent := r.UserAgent()
	return idp.Origin{Address: host, Agent: strings.ToValidUTF8(agent[:min(len(agent), longest)], "")}
}

// Route is where a handler belongs.
type Route struct {
	Path    string // below the issuer; {client_id} stands for one segment
	Methods []string
	Handler http.HandlerFunc
}

// Paths of the endpoints, below the issuer.
const (
	PathAuthorize  = "/oauth2/authorize"
	PathConsent    = "/oauth2/consent"
	PathToken      = "/oauth2/token" //nolint:gosec // an address
	PathUserInfo   = "/oauth2/userinfo"
	PathIntrospect = "/oauth2/introspect"
	PathRevoke     = "/oauth2/revoke"
	PathPAR        = "/oauth2/par"
	PathLogout     = "/oauth2/logout"
	PathRegister   = "/oauth2/register"
	PathLogo       = "/oauth2/logo"
	PathJWKS       = "/oauth2/jwks"
	PathDiscovery  = "/.well-known/openid-configuration"
	PathMetadata   = "/.well-known/oauth-authorization-server" // RFC 8414
)

// Routes lists every endpoint with the methods that it must get. OPTIONS is
// for CORS (SECURITY.md X-06).
func (p *Provider) Routes() []Route {
	get, post, options := http.MethodGet, http.MethodPost, http.MethodOptions
	out := []Route{
		{PathAuthorize, []string{get, post}, p.Authorize},
		{PathConsent, []string{post}, p.AuthorizeConsent},
		{PathPAR, []string{post, options}, p.Push},
		{PathToken, []string{post, options}, p.Token},
		{PathUserInfo, []string{get, post, options}, p.UserInfo},
		{PathIntrospect, []string{post}, p.Introspect},
		{PathRevoke, []string{post, options}, p.Revoke},
		{PathLogout, []string{get, post}, p.Logout},
		{PathRegister, []string{post}, p.enrolments.register},
		{PathRegister + "/{client_id}", []string{get, http.MethodPut, http.MethodDelete}, p.enrolments.manage},
		{PathLogo + "/{client_id}", []string{get}, p.enrolments.logo},
		{PathJWKS, []string{get, options}, p.JWKS},
		{PathDiscovery, []string{get, options}, p.Discovery},
		{PathMetadata, []string{get, options}, p.Discovery},
	}
	return append(out, deviceDoor{p}.routes()...)
}

// Bearers knows who brings a token.
func (p *Provider) Bearers() *Bearers { return p.bearers }

// event starts a line of the log.
func (p *Provider) event(r *http.Request, what string, c ClientID, u idp.UserID, s idp.SessionID) idp.Event {
	return idp.Event{
		ID: rand.Text(), At: p.Now(), What: what, User: u, Actor: u, Client: c, Session: s, Origin: p.Origin(r), Result: "ok",
	}
}
