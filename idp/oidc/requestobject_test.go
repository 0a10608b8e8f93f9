package oidc_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
)

// bank registers a client that authenticates with a secret and signs its requests.
func (h *house) bank(r oidc.Requests, keys ...signer) oidc.Client {
	h.Helper()
	set, err := oidc.ParseKeys(keySet(h, keys...))
	h.must(err)
	if r.RequestAlg == "" && len(r.RequestURIs) == 0 {
		r.RequestAlg = keys[0].alg
	}
	return h.add(oidc.Input{ID: "bank", Type: oidc.Web, Trusted: true, AuthMethod: oidc.AuthBasic, Keys: set, Requests: r})
}

// words are the claims of a usual request object, changed by change; nil takes
// one away.
func (h *house) words(change map[string]any) map[string]any {
	m := map[string]any{
		"iss": "bank", "aud": h.url, "iat": h.now().Unix(), "exp": h.now().Add(time.Minute).Unix(),
		"client_id": "bank", "response_type": "code", "redirect_uri": callback, "scope": "openid profile", "state": "the state", "nonce": "the nonce",
	}
	maps.Copy(m, change)
	maps.DeleteFunc(m, func(_ string, v any) bool { return v == nil })
	return m
}

// least is what stands outside of a request object (OpenID Connect Core 1.0
// §6.1).
func least(pairs ...string) url.Values {
	v := url.Values{"client_id": {"bank"}, "response_type": {"code"}, "scope": {"openid"}}
	for pair := range slices.Chunk(pairs, 2) {
		v.Set(pair[0], pair[1])
	}
	return v
}

// P-26, P-27: request objects by value, with every algorithm; what stands inside
// is what counts (RFC 9101 §6.3), whatever JSON it is.
func TestRequestObject(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	eachWith(t, nil, func(h *house) {
		h.bank(oidc.Requests{RequestURIs: []string{"https://rp.example.org/r"}}, keys["RS256"], keys["ES256"], keys["EdDSA"], keys["PS256"])
		h.signIn("ada")
		for alg, k := range keys {
			object := k.sign(h, h.words(map[string]any{"max_age": 3600, "claims": map[string]any{"id_token": map[string]any{"email": nil}}}), "typ", "oauth-authz-req+jwt")
			a := h.authorize(least("request", object, "redirect_uri", "https://evil.example/", "state", "evil", "scope", "openid groups", "prompt", "login"))
			if a.params.Get("state") != "the state" {
				h.Fatalf("%s: %d %v %s", alg, a.status, a.to, a.body)
			}
			m := h.good(h.exchange(a.params.Get("code"), "bank"))
			if c := h.claims(m["id_token"]); c["nonce"] != "the nonce" || c["email"] != "ada@example.org" || m["scope"] != "openid profile" {
				h.Errorf("%s: %v %v", alg, m, c)
			}
			name := h.pushed(url.Values{"request": {object}, "state": {"evil"}, "nonce": {"evil"}}, basic("bank")...) // RFC 9126 §3
			if a = h.authorize(named("bank", name)); a.params.Get("state") != "the state" || a.params.Get("code") == "" {
				h.Errorf("%s, pushed: %d %v %s", alg, a.status, a.to, a.body)
			}
		}
	})
}

// An object is judged when it arrives: it may expire while somebody types a
// password. state and nonce may vary beside one that was signed beforehand
// (OpenID Connect Core 1.0 §6.1).
func TestRequestObjectOnTheWay(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	h := open(t)
	h.bank(oidc.Requests{}, keys["ES256"])
	object := keys["ES256"].sign(h, h.words(map[string]any{"state": nil, "nonce": nil}))
	if a := h.authorize(least("request", object, "state", "mine", "nonce", "one", "prompt", "none")); a.params.Get("error") != "" || a.to.Path != "/login" {
		h.Fatalf("%d %v %s", a.status, a.to, a.body) // prompt stands outside
	}
	back := h.lastAsk().ReturnTo
	h.move(10 * time.Minute)
	h.signIn("ada")
	a := h.do("GET", back, nil)
	if a.params.Get("state") != "mine" || a.params.Get("code") == "" {
		h.Fatalf("%d %v %s", a.status, a.to, a.body)
	}
	if c := h.claims(h.good(h.exchange(a.params.Get("code"), "bank"))["id_token"]); c["nonce"] != "one" {
		h.Errorf("%v", c)
	}
	if a = h.authorize(least("request", object, "redirect_uri", callback, "state", "mine")); a.params.Get("error") != "invalid_request_object" || a.params.Get("state") != "mine" {
		h.Errorf("an expired one: %d %v %s", a.status, a.to, a.body)
	}
	pushed := keys["ES256"].sign(h, h.words(map[string]any{"nonce": nil, "response_type": "code id_token"}))
	h.refused(h.push(url.Values{"request": {pushed}, "nonce": {"outside"}}, basic("bank")...), 400, "unauthorized_client")
}

// P-26, P-27: what is not taken for a request of the client. It is told where
// that is safe (RFC 9101 §7), and nobody else.
func TestRequestObjectRefused(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	h := open(t)
	h.bank(oidc.Requests{RequestAlg: "ES256"}, keys["ES256"], keys["RS256"])
	h.web("plain")
	h.signIn("ada")
	es := keys["ES256"]
	sign := func(change map[string]any, header ...string) string { return es.sign(h, h.words(change), header...) }
	good := sign(nil)
	part := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))
	hmac := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`))
	other := signer{"ES256", "e", keys["EdDSA"].private}
	other.alg, other.kid = "EdDSA", "e"
	twice := base64.RawURLEncoding.EncodeToString([]byte(`{"client_id":"bank","scope":"openid","scope":"openid groups"}`))
	for name, c := range map[string]struct{ object, code string }{
		"alg none":              {none + "." + part[1] + ".", ""},
		"HMAC":                  {hmac + "." + part[1] + "." + part[2], ""},
		"changed":               {part[0] + "." + twice + "." + part[2], ""},
		"cut off":               {part[0] + "." + part[1] + ".", ""},
		"not the client's key":  {other.sign(h, h.words(nil)), ""},
		"not the client's alg":  {keys["RS256"].sign(h, h.words(nil)), ""},
		"no JWS":                {"x", ""},
		"an assertion":          {es.sign(h, h.statement("bank", nil)), ""},
		"another purpose":       {sign(nil, "typ", "client-authentication+jwt"), ""},
		"sub":                   {sign(map[string]any{"sub": "bank"}), ""},
		"another issuer":        {sign(map[string]any{"iss": "other"}), ""},
		"another client":        {sign(map[string]any{"client_id": "plain"}), ""},
		"nobody's":              {sign(map[string]any{"client_id": nil, "iss": nil}), ""},
		"client_id, no string":  {sign(map[string]any{"client_id": 1}), ""},
		"another audience":      {sign(map[string]any{"aud": "https://other.example"}), ""},
		"no audience at all":    {sign(map[string]any{"aud": []string{}}), ""},
		"expired":               {sign(map[string]any{"exp": h.now().Add(-time.Second).Unix()}), ""},
		"exp, no number":        {sign(map[string]any{"exp": "tomorrow"}), ""},
		"of tomorrow":           {sign(map[string]any{"nbf": h.now().Add(time.Hour).Unix()}), ""},
		"made tomorrow":         {sign(map[string]any{"iat": h.now().Add(time.Hour).Unix()}), ""},
		"an object inside":      {sign(map[string]any{"request": "x"}), ""},
		"an address inside":     {sign(map[string]any{"request_uri": "x"}), ""},
		"another response_type": {sign(map[string]any{"response_type": "code id_token"}), ""},
		"NUL":                   {sign(map[string]any{"login_hint": "a\x00"}), ""},
		"too long":              {sign(map[string]any{"login_hint": strings.Repeat("€", 1500)}), ""},
		"prompt as a list":      {sign(map[string]any{"prompt": []string{"none"}}), "invalid_request"},
		"max_age":               {sign(map[string]any{"max_age": 1.5}), "invalid_request"},
		"scope":                 {sign(map[string]any{"scope": "openid everything"}), "invalid_scope"},
		"registration":          {sign(map[string]any{"registration": map[string]any{}}), "registration_not_supported"},
	} {
		want := c.code
		if want == "" {
			want = "invalid_request_object"
		}
		a := h.authorize(least("request", c.object, "redirect_uri", callback, "state", "s"))
		if a.params.Get("error") != want || !strings.HasPrefix(a.to.String(), callback) {
			h.Errorf("%s: %d %v %s", name, a.status, a.to, a.body)
		}
		h.refused(h.push(url.Values{"request": {c.object}}, basic("bank")...), 400, map[bool]string{true: "unauthorized_client", false: want}[name == "another response_type"])
	}
	// Where nothing outside of the object says where to go, or another address, a
	// page does.
	h.page(h.authorize(least("request", "x")), 400, "malformed")
	if h.pages.problem.Detail["invalid_request_object"] == "" {
		h.Errorf("%+v", h.pages.problem)
	}
	h.page(h.authorize(least("request", "x", "redirect_uri", "https://evil.example/")), 400, "redirect_uri")
	h.page(h.authorize(least("request", sign(map[string]any{"redirect_uri": "https://evil.example/"}), "redirect_uri", callback)), 400, "redirect_uri") // P-01
	h.page(h.authorize(least("request", sign(map[string]any{"redirect_uri": nil}), "redirect_uri", callback)), 400, "redirect_uri")
	h.page(h.do("GET", oidc.PathAuthorize+"?"+least("request", good).Encode()+"&request=x", nil), 400, "malformed")
	for param, code := range map[string]string{"request": "request_not_supported", "request_uri": "request_uri_not_supported"} {
		a := h.authorize(ask("plain", param, "https://x.example/"))
		if a.params.Get("error") != code || !strings.Contains(a.params.Get("error_description"), "jwks") {
			h.Errorf("%s: %v", param, a.to)
		}
	}
	if a := h.authorize(least("request", good)); a.params.Get("code") == "" {
		h.Errorf("the good one: %d %v %s", a.status, a.to, a.body)
	}
}

// P-27, P-28: a request is fetched from an address that the client has registered
// letter by letter, once, and only if it is signed.
func TestRequestURI(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	var object atomic.Value
	var hits atomic.Int64
	rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hits.Add(1)
		if r.URL.Path == "/away" {
			http.Redirect(w, r, "/r", http.StatusFound)
			return
		}
		w.Write([]byte(object.Load().(string)))
	}))
	t.Cleanup(rp.Close)
	c := &clock{}
	h := build(t, storetest.OpenAt(t, c.now), c, func(c *oidc.Config) { c.Out = oidc.NewCalls(oidc.Outbound{Issuer: c.Issuer}) })
	es := keys["ES256"]
	registered := rp.URL + "/r#hash"
	h.bank(oidc.Requests{RequestURIs: []string{registered, rp.URL + "/away", "https://10.0.0.1.example/r"}}, es)
	h.signIn("ada")
	object.Store("\n" + es.sign(h, h.words(map[string]any{"state": nil})) + "\n")
	if a := h.authorize(least("request_uri", registered, "state", "mine")); a.params.Get("code") == "" || a.params.Get("state") != "mine" || hits.Load() != 1 {
		h.Fatalf("%d %v %s, %d calls", a.status, a.to, a.body, hits.Load())
	}
	for _, uri := range []string{rp.URL + "/r", rp.URL + "/r#other", rp.URL + "/r?x#hash", "https://169.254.169.254/latest", "http://127.0.0.1:1/", "urn:x", "file:///etc/passwd"} {
		a := h.authorize(least("request_uri", uri, "redirect_uri", callback))
		if a.params.Get("error") != "invalid_request_uri" {
			h.Errorf("%s: %d %v %s", uri, a.status, a.to, a.body)
		}
	}
	if hits.Load() != 1 {
		h.Errorf("%d calls to addresses that are not registered", hits.Load()-1)
	}
	for name, what := range map[string]string{"unsigned": "e30.e30.", "too long": strings.Repeat("x", 65<<10), "another's": keys["EdDSA"].sign(h, h.words(nil))} {
		object.Store(what)
		h.move(11 * time.Second)
		want := "invalid_request_object"
		if name == "too long" {
			want = "invalid_request_uri"
		}
		if a := h.authorize(least("request_uri", registered, "redirect_uri", callback)); a.params.Get("error") != want {
			h.Errorf("%s: %d %v %s", name, a.status, a.to, a.body)
		}
	}
	h.move(11 * time.Second)
	object.Store(es.sign(h, h.words(nil)))
	if a := h.authorize(least("request_uri", rp.URL+"/away", "redirect_uri", callback)); a.params.Get("error") != "invalid_request_uri" {
		h.Errorf("a redirect was followed: %d %v %s", a.status, a.to, a.body)
	}
	// Between the consent page and the answer nothing changes.
	if a := h.authorize(least("request_uri", registered, "redirect_uri", callback, "request", "x")); a.params.Get("error") != "invalid_request" {
		h.Errorf("%d %v %s", a.status, a.to, a.body)
	}
	before := hits.Load()
	object.Store(es.sign(h, h.words(map[string]any{"prompt": "login"})))
	h.authorize(least("request_uri", registered))
	object.Store(es.sign(h, h.words(map[string]any{"scope": "openid email phone"})))
	back := h.lastAsk().ReturnTo
	h.move(11 * time.Second)
	h.signIn("ada")
	if m := h.good(h.exchange(h.do("GET", back, nil).params.Get("code"), "bank")); m["scope"] != "openid profile" || hits.Load() != before+1 {
		h.Errorf("%v after %d calls", m, hits.Load()-before)
	}

	for _, uri := range []string{"http://rp.example.org/r", "https://10.0.0.1/r", "https://u:p@rp.example.org/r", "https://*.example.org/r", "/r"} {
		_, err := oidc.NewClient(oidc.Input{ID: "x", Type: oidc.Web, RedirectURIs: []string{callback}, Requests: oidc.Requests{RequestURIs: []string{uri}}}, h.now())
		if err == nil || !strings.Contains(err.Error(), "request_uris") {
			h.Errorf("%s: %v", uri, err)
		}
	}
}

// FuzzRequestObject: whatever a client has signed, every parameter comes once and
// as text, and nothing that is about the object is among them.
func FuzzRequestObject(f *testing.F) {
	for _, s := range []string{
		`{"client_id":"c","max_age":1e3,"claims":{"id_token":{"acr":null}},"x":[1,"2"],"exp":9e9}`, `{"iss":"c","scope":"openid","scope":"x"}`,
		`{"client_id":"c","sub":"c"}`, `{"client_id":"c","state":"\u0000"}`, `[]`, `{"client_id":"c"} {}`, `{"client_id":"c","\ud800":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	now := time.Unix(1e9, 0)
	f.Fuzz(func(t *testing.T, payload []byte) {
		form, err := oidc.ReadObject(payload, "c", "https://id.example", now)
		if err != nil {
			return
		}
		again, err := url.ParseQuery(form.Encode())
		if err != nil || !maps.EqualFunc(form, again, slices.Equal) {
			t.Fatalf("%v became %v: %v", form, again, err)
		}
		for name, vs := range form {
			if len(vs) != 1 || vs[0] == "" || strings.Contains(name+vs[0], "\x00") || slices.Contains([]string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "request", "request_uri"}, name) {
				t.Errorf("%q: %q", name, vs)
			}
		}
		if id := form.Get("client_id"); id != "" && id != "c" {
			t.Errorf("client %q", id)
		}
	})
}
