package oidc_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// clock is a clock that tests can move.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time           { return time.Now().Add(time.Duration(c.ahead.Load())) }
func (c *clock) move(d time.Duration)     { c.ahead.Add(int64(d)) }
func each(t *testing.T, f func(h *house)) { eachWith(t, nil, f) }

func eachWith(t *testing.T, change func(*oidc.Config), f func(h *house)) {
	t.Helper()
	c := &clock{}
	storetest.EachAt(t, c.now, func(t *testing.T, db *store.DB) { f(build(t, db, c, change)) })
}

// house is a provider on a real store behind a real server. Who sits in front
// of the browser is decided by the test.
type house struct {
	*testing.T
	*clock
	db     *store.DB
	p      *oidc.Provider
	ring   *oidc.KeyRing
	url    string
	pages  *pages
	asks   []oidc.Ask // what the sign-in pages were asked
	faults []error
	mu     sync.Mutex
	client *http.Client
}

var madeKeys = sync.OnceValues(func() ([]oidc.Key, error) {
	var out []oidc.Key
	for _, alg := range oidc.Algs {
		for _, s := range []oidc.KeyState{oidc.Current, oidc.Next} {
			k, err := oidc.NewKey(alg, s, time.Now())
			if err != nil {
				return nil, err
			}
			out = append(out, k)
		}
	}
	return out, nil
})

func open(t *testing.T) *house {
	t.Helper()
	c := &clock{}
	return build(t, storetest.OpenAt(t, c.now), c, nil)
}

func build(t *testing.T, db *store.DB, c *clock, change func(*oidc.Config)) *house {
	t.Helper()
	h := &house{T: t, clock: c, db: db, pages: &pages{}}
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	h.url = s.URL
	keys, err := madeKeys()
	h.must(err)
	for _, k := range keys {
		h.must(db.Keys.Add(t.Context(), k))
	}
	h.ring = oidc.NewKeyRing(db.Keys, db.Atomic, h.now)
	cfg := oidc.Config{
		Issuer: s.URL, Secret: []byte(strings.Repeat("k", 32)), Grants: db.Grants, Clients: db.Clients, Consents: db.Consents, Logins: db.Logins,
		Keys: h.ring, Browser: browser{h}, Pages: h.pages, Log: db.Log, Atomic: db.Atomic, Now: h.now, Locales: []string{"en", "fr"},
		Devices: &oidc.Devices{Limiter: db.Limiter, Network: func(a string) string { return a }, Place: func(string) string { return "Lyon" }},
		Fault:   func(_ *http.Request, err error) { h.mu.Lock(); h.faults = append(h.faults, err); h.mu.Unlock() },
	}
	if change != nil {
		change(&cfg)
	}
	h.p, err = oidc.New(cfg)
	h.must(err)
	for _, r := range h.p.Routes() {
		for _, m := range r.Methods {
			mux.HandleFunc(m+" "+r.Path, r.Handler)
		}
	}
	h.client = agent()
	h.user("ada")
	return h
}

// agent is a browser: it keeps cookies and shows us redirects.
func agent() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) user(login string) idp.User {
	h.Helper()
	u := idp.User{
		ID: idp.UserID("u-" + login), Login: login, Email: login + "@example.org", EmailVerified: true, Name: "Ada Lovelace", Kind: idp.Internal,
		Phone: "+33123456789", PhoneVerified: true, Locale: "fr", Created: h.now(), Updated: h.now(),
		Profile: idp.Profile{
			GivenName: "Ada", FamilyName: "Lovelace", MiddleName: "A", Nickname: "al", Website: "https://ada.example", Page: "https://ada.example/p",
			Picture: "https://ada.example/i", Gender: "female", Birthdate: "1815-12-10", Zoneinfo: "Europe/Paris",
			Address: &idp.Address{Locality: "London"},
		},
	}
	h.must(h.db.Users.Add(h.Context(), u, []idp.Identifier{{Canonical: login, Skeleton: login}, {Canonical: u.Email, Skeleton: u.Email}}))
	return u
}

// signIn opens a session for the browser, as of now.
func (h *house) signIn(login string, kinds ...mfa.Kind) idp.Session {
	h.Helper()
	token := rand.Text()
	s := idp.Session{
		ID: idp.SessionID("s-" + rand.Text()), Hash: token, User: idp.UserID("u-" + login), Created: h.now(), Seen: h.now(),
		Expires: h.now().Add(1000 * time.Hour), Idle: 1000 * time.Hour, Proofs: []idp.Proof{{Kind: idp.Password, At: h.now()}},
	}
	for _, k := range kinds {
		s.Proofs = append(s.Proofs, idp.Proof{Kind: k, At: h.now()})
	}
	u, err := h.db.Users.ByID(h.Context(), s.User)
	h.must(err)
	s.Epoch = u.Epoch
	h.must(h.db.Sessions.Open(h.Context(), s))
	h.cookie("s", token)
	return s
}

func (h *house) cookie(name, value string) {
	u, err := url.Parse(h.url)
	h.must(err)
	h.client.Jar.SetCookies(u, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// add registers a client, with a secret from its id for those that have one.
func (h *house) add(in oidc.Input) oidc.Client {
	h.Helper()
	if in.Type == oidc.Web || in.Type == oidc.Service {
		in.Secret = secretOf(in.ID)
	}
	if len(in.RedirectURIs) == 0 && in.Type != oidc.Service {
		in.RedirectURIs = []string{callback}
	}
	r, err := oidc.NewClient(in, h.now())
	h.must(err)
	h.must(h.db.Clients.Add(h.Context(), r.Client))
	return r.Client
}

const callback = "https://rp.example.org/cb"

func secretOf(id oidc.ClientID) string { return string(id) + "-secret-0123456789" }

// web is the usual confidential, trusted client.
func (h *house) web(id oidc.ClientID, responses ...string) oidc.Client {
	h.Helper()
	return h.add(oidc.Input{ID: id, Type: oidc.Web, Trusted: true, ResponseTypes: responses})
}

// answer is what came back, from wherever the mode put it.
type answer struct {
	status int
	header http.Header
	body   string
	to     *url.URL   // redirect, if any
	params url.Values // of the redirect, or of form_post
}

func (a answer) json(t testing.TB) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.body), &m); err != nil {
		t.Fatalf("%d %q: %v", a.status, a.body, err)
	}
	return m
}

func (h *house) do(method, to string, form url.Values, headers ...string) answer {
	h.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	if strings.HasPrefix(to, "/") {
		to = h.url + to
	}
	r, err := http.NewRequestWithContext(h.Context(), method, to, body)
	h.must(err)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for pair := range slices.Chunk(headers, 2) {
		r.Header.Set(pair[0], pair[1])
		if pair[0] == "Host" {
			r.Host = pair[1]
		}
	}
	return h.roundTrip(r)
}

func (h *house) roundTrip(r *http.Request) answer {
	h.Helper()
	resp, err := h.client.Do(r)
	h.must(err)
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	h.must(err)
	a := answer{status: resp.StatusCode, header: resp.Header, body: string(b)}
	if l := resp.Header.Get("Location"); l != "" {
		a.to, err = url.Parse(l)
		h.must(err)
		raw := a.to.RawQuery
		if _, after, ok := strings.Cut(l, "#"); ok {
			raw = after
		}
		a.params, err = url.ParseQuery(raw)
		h.must(err)
	} else if strings.HasPrefix(a.body, "page:post:") {
		a.params = h.pages.posted
	}
	return a
}

// ask is a usual authorization request, changed by pairs of name and value; an
// empty value takes the parameter away.
func ask(client oidc.ClientID, pairs ...string) url.Values {
	v := url.Values{
		"response_type": {"code"}, "client_id": {string(client)}, "redirect_uri": {callback},
		"scope": {"openid profile email offline_access"}, "state": {"the state"}, "nonce": {"the nonce"},
	}
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == "" {
			v.Del(pair[0])
		} else {
			v.Set(pair[0], pair[1])
		}
	}
	return v
}

func (h *house) authorize(v url.Values) answer {
	h.Helper()
	return h.do("GET", oidc.PathAuthorize+"?"+v.Encode(), nil)
}

// code asks for a code, which it must get.
func (h *house) code(v url.Values) string {
	h.Helper()
	a := h.authorize(v)
	if a.params.Get("code") == "" {
		h.Fatalf("no code: %d %v %s", a.status, a.to, a.body)
	}
	return a.params.Get("code")
}

func basic(id oidc.ClientID) []string {
	return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(string(id)+":"+secretOf(id)))}
}

func (h *house) exchange(code string, id oidc.ClientID, more ...string) answer {
	h.Helper()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}}
	for pair := range slices.Chunk(more, 2) {
		form.Set(pair[0], pair[1])
	}
	if form.Get("client_id") != "" {
		return h.do("POST", oidc.PathToken, form)
	}
	return h.do("POST", oidc.PathToken, form, basic(id)...)
}

func (h *house) refresh(token string, id oidc.ClientID, more ...string) answer {
	h.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	for pair := range slices.Chunk(more, 2) {
		form.Set(pair[0], pair[1])
	}
	return h.do("POST", oidc.PathToken, form, basic(id)...)
}

// tokens are what a code was exchanged for.
func (h *house) tokens(id oidc.ClientID) map[string]any {
	h.Helper()
	return h.good(h.exchange(h.code(ask(id)), id))
}

func (h *house) good(a answer) map[string]any {
	h.Helper()
	if a.status != 200 {
		h.Fatalf("%d %s; faults %v", a.status, a.body, h.faults)
	}
	return a.json(h)
}

// refused checks for an error in JSON.
func (h *house) refused(a answer, status int, code string) {
	h.Helper()
	if a.status != status || a.json(h)["error"] != code {
		h.Errorf("got %d %s, want %d %s", a.status, a.body, status, code)
	}
}

func (h *house) userInfo(token any) answer {
	h.Helper()
	s, _ := token.(string)
	return h.do("GET", oidc.PathUserInfo, nil, "Authorization", "Bearer "+s)
}

// claims reads an ID token that must be ours.
func (h *house) claims(token any) map[string]any {
	h.Helper()
	s, _ := token.(string)
	b, err := oidc.Verify(h.ring, h.Context(), s)
	h.must(err)
	var m map[string]any
	h.must(json.Unmarshal(b, &m))
	return m
}

func half(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

func s256(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// events counts lines of the log.
func (h *house) events(what, result string) int {
	h.Helper()
	n := 0
	h.must(h.db.Log.Events(h.Context(), idp.EventQuery{}, func(e idp.Event) error {
		if e.What == what && e.Result == result {
			n++
		}
		return nil
	}))
	return n
}

func (h *house) lastAsk() oidc.Ask {
	h.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.asks) == 0 {
		h.Fatal("nobody was asked to sign in")
	}
	return h.asks[len(h.asks)-1]
}

// broken is a store that does not answer.
type broken struct{ oidc.Grants }

var errDown = errors.New("the store is down")

func (broken) Get(context.Context, string, string) (oidc.Grant, idp.User, error) {
	return oidc.Grant{}, idp.User{}, errDown
}
