package odoo_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// house is a provider with the Odoo service on a real store.
type house struct {
	*testing.T
	db       *store.DB
	url      string
	faults   []error
	service  *odoo.Service
	prepared []string // clients and people that were made ready
	ahead    *atomic.Int64
}

func (h *house) now() time.Time       { return time.Now().Add(time.Duration(h.ahead.Load())) }
func (h *house) move(d time.Duration) { h.ahead.Add(int64(d)) }
func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// each runs f on every database. The clock is one for all, and only goes on.
func each(t *testing.T, f func(h *house)) {
	t.Helper()
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	storetest.EachAt(t, now, func(t *testing.T, db *store.DB) {
		h := &house{T: t, db: db, ahead: &ahead}
		h.serve()
		f(h)
	})
}

// front is a browser in which Ada is always signed in, and pages that say
// only what they are.
type front struct {
	oidc.Pages
	h *house
}

func (f front) Check(r *http.Request, _ idp.Need) (idp.Session, idp.User, error) {
	u, err := f.h.db.Users.ByID(r.Context(), "u-ada")
	return idp.Session{ID: "s-1", User: u.ID, Proofs: []idp.Proof{{Kind: idp.Password, At: f.h.now()}}}, u, err
}
func (front) SignIn(http.ResponseWriter, *http.Request, oidc.Ask) {}
func (front) Binding(http.ResponseWriter, *http.Request) string   { return "b" }
func (front) Forget(http.ResponseWriter, *http.Request) error     { return nil }
func (front) Error(w http.ResponseWriter, _ *http.Request, p oidc.Problem) {
	w.WriteHeader(p.Status)
	io.WriteString(w, "page:"+p.Key)
}

func (h *house) serve() {
	h.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	h.Cleanup(server.Close)
	h.url = server.URL
	fault := func(_ *http.Request, err error) { h.faults = append(h.faults, err) }
	service := &odoo.Service{
		Tokens: h.db.OdooTokens, Grants: h.db.Grants, Users: h.db.Users, Clients: h.db.Clients, Log: h.db.Log, Atomic: h.db.Atomic,
		Secret: []byte(strings.Repeat("o", 32)), Now: h.now, Note: func(*http.Request, oidc.ClientID, string) {}, Fault: fault,
		Origin: func(r *http.Request) idp.Origin { return idp.Origin{Address: r.RemoteAddr} },
	}
	p, err := oidc.New(oidc.Config{
		Issuer: server.URL, Secret: []byte(strings.Repeat("k", 32)), Grants: h.db.Grants, Clients: h.db.Clients, Consents: h.db.Consents, Logins: h.db.Logins,
		Keys: oidc.NewKeyRing(h.db.Keys, h.db.Atomic, h.now), Browser: front{h: h}, Pages: front{h: h}, Log: h.db.Log, Atomic: h.db.Atomic,
		Now: h.now, Fault: fault, Implicit: service.Issue,
		Prepare: func(_ context.Context, a oidc.Authorized) error {
			h.prepared = append(h.prepared, string(a.Client.ID)+" "+a.User.Login)
			return nil
		},
	})
	h.must(err)
	for _, r := range p.Routes() {
		mux.HandleFunc(r.Path, r.Handler)
	}
	h.service = service
	mux.HandleFunc(odoo.Pattern, service.Validate)
	h.must(h.db.Users.Add(h.Context(), idp.User{
		ID: "u-ada", Login: "ada", Email: "ada@example.org", EmailVerified: true, Name: "Ada Lovelace", Kind: idp.Portal, Locale: "fr",
		Profile: idp.Profile{Zoneinfo: "Europe/Paris"}, Created: h.now(), Updated: h.now(),
	}, []idp.Identifier{{Canonical: "ada", Skeleton: "ada"}, {Canonical: "ada@example.org", Skeleton: "ada@example.org"}}))
}

func (h *house) add(id oidc.ClientID, change func(*oidc.Input)) oidc.Client {
	h.Helper()
	in := oidc.Input{ID: id, Type: oidc.Odoo, RedirectURIs: []string{signin(id)}}
	if change != nil {
		change(&in)
	}
	r, err := oidc.NewClient(in, h.now())
	h.must(err)
	h.must(h.db.Clients.Add(h.Context(), r.Client))
	return r.Client
}

func signin(id oidc.ClientID) string {
	return "https://" + string(id) + ".example.org/auth_oauth/signin"
}

// state is what Odoo sends, spaces and double quoting included.
const state = `{"d": "erp", "p": 4, "r": "https%3A%2F%2Ferp.example.org%2Fweb%3Fa%3Db%2Bc"}`

// link is the address behind Odoo's button: these five parameters, no others.
func (h *house) link(c oidc.Client, scope string) string {
	return h.url + oidc.PathAuthorize + "?response_type=token&client_id=" + string(c.ID) + "&redirect_uri=" + url.QueryEscape(signin(c.ID)) +
		"&scope=" + url.QueryEscape(scope) + "&state=" + url.QueryEscape(state)
}

func (h *house) get(to string, headers ...string) (*http.Response, string) {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), "GET", to, nil)
	h.must(err)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	c := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := c.Do(r)
	h.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	h.must(err)
	return resp, string(b)
}

// token goes through the browser's part of a sign-in.
func (h *house) token(c oidc.Client) string {
	h.Helper()
	resp, body := h.get(h.link(c, "openid profile email"))
	_, fragment, _ := strings.Cut(resp.Header.Get("Location"), "#")
	v, err := url.ParseQuery(fragment)
	if err != nil || v.Get("access_token") == "" {
		h.Fatalf("%d %v %s; %v", resp.StatusCode, resp.Header, body, h.faults)
	}
	return v.Get("access_token")
}

// validate is the call of Odoo's server.
func (h *house) validate(c oidc.Client, token string) (int, map[string]any) {
	h.Helper()
	resp, body := h.get(h.url + odoo.ValidationPath(c) + "?access_token=" + url.QueryEscape(token))
	return resp.StatusCode, h.object(resp, body)
}

func (h *house) object(resp *http.Response, body string) map[string]any {
	h.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		h.Fatalf("%d %q", resp.StatusCode, body)
	}
	if resp.Header.Get("Cache-Control") != "no-store" {
		h.Error("the answer may be cached")
	}
	if resp.StatusCode == 401 && (m["error"] != "invalid_token" || !strings.Contains(resp.Header.Get("WWW-Authenticate"), `error="invalid_token"`)) {
		h.Errorf("%v %v", resp.Header, m)
	}
	return m
}

// refusals counts what the log says, which never includes a token.
func (h *house) refusals() (n int) {
	h.Helper()
	h.must(h.db.Log.Events(h.Context(), idp.EventQuery{}, func(e idp.Event) error {
		if e.What == "odoo.validate" && e.Result == "refused" {
			n++
		}
		for _, v := range e.Detail {
			if strings.HasPrefix(v, "lko_") {
				h.Error("a token in the log")
			}
		}
		return nil
	}))
	return n
}

func oidcKey() (oidc.Key, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return oidc.Key{}, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	return oidc.Key{ID: rand.Text(), Alg: "ES256", State: oidc.Current, Private: der, Created: time.Now(), Changed: time.Now()}, err
}

// payload reads a JWS without judging it.
func payload(h *house, token string) map[string]any {
	h.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		h.Fatalf("%q", token)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	h.must(err)
	var m map[string]any
	h.must(json.Unmarshal(b, &m))
	return m
}
