package oidc_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/oidc"
)

// push hands a request over as the client itself.
func (h *house) push(v url.Values, headers ...string) answer {
	h.Helper()
	return h.do("POST", oidc.PathPAR, v, headers...)
}

// pushed is what a good push is answered with.
func (h *house) pushed(v url.Values, headers ...string) string {
	h.Helper()
	a := h.push(v, headers...)
	if a.status != http.StatusCreated {
		h.Fatalf("push: %d %s; faults %v", a.status, a.body, h.faults)
	}
	m := a.json(h)
	name, _ := m["request_uri"].(string)
	token, ok := strings.CutPrefix(name, "urn:ietf:params:oauth:request_uri:")
	if !ok || len(token) != 43 || m["expires_in"] != 90.0 || a.header.Get("Cache-Control") != "no-store" {
		h.Fatalf("push: %v %v", m, a.header)
	}
	return name
}

func named(id oidc.ClientID, name string, more ...string) url.Values {
	v := url.Values{"client_id": {string(id)}, "request_uri": {name}}
	for pair := range slices.Chunk(more, 2) {
		v.Set(pair[0], pair[1])
	}
	return v
}

// page checks that nothing went to the client, and which page came.
func (h *house) page(a answer, status int, key string) {
	h.Helper()
	if a.status != status || a.body != "page:error:"+key {
		h.Errorf("got %d %s %v, want the page %s", a.status, a.body, a.to, key)
	}
}

// P-34: what was pushed is what is answered, once, to the client that pushed it;
// our own addresses hold nothing of it (RFC 9126 §4).
func TestPushed(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.web("other")
		name := h.pushed(ask("app", "login_hint", "ada"), basic("app")...)

		// What stands beside it in the browser's address counts for nothing.
		a := h.authorize(named("app", name, "redirect_uri", "https://evil.example/", "state", "evil", "scope", "openid groups", "response_type", "token"))
		if a.to == nil || a.to.Path != "/login" {
			h.Fatalf("%d %v %s", a.status, a.to, a.body)
		}
		asked := h.lastAsk()
		back, err := url.Parse(asked.ReturnTo)
		h.must(err)
		for param := range back.Query() {
			if !slices.Contains([]string{"client_id", "request_uri", "_at"}, param) {
				h.Errorf("%s is in our own address: %s", param, asked.ReturnTo)
			}
		}
		if asked.Hint != "ada" || asked.Redirect != callback {
			h.Errorf("the sign-in pages were told %+v", asked)
		}

		h.move(10 * time.Minute) // long enough for a password and a code
		h.signIn("ada")
		a = h.do("GET", asked.ReturnTo, nil)
		if a.params.Get("state") != "the state" || a.params.Get("code") == "" || !strings.HasPrefix(a.to.String(), callback+"?") {
			h.Fatalf("%d %v %s", a.status, a.to, a.body)
		}
		m := h.good(h.exchange(a.params.Get("code"), "app"))
		if m["scope"] != "openid profile email offline_access" || h.claims(m["id_token"])["nonce"] != "the nonce" {
			h.Errorf("%v", m)
		}

		h.page(h.authorize(named("app", name)), 400, "pushed")
		h.page(h.do("GET", asked.ReturnTo, nil), 400, "pushed")
		h.page(h.do("POST", oidc.PathAuthorize, named("app", name)), 400, "pushed")
		name = h.pushed(ask("app"), basic("app")...)
		h.page(h.authorize(named("other", name)), 400, "pushed")
		h.page(h.authorize(named("app", name+"x")), 400, "pushed")
		h.page(h.authorize(named("", name)), 400, "client")
		h.page(h.do("GET", oidc.PathAuthorize+"?"+named("app", name).Encode()+"&request_uri="+url.QueryEscape(name), nil), 400, "malformed")
		h.page(h.authorize(named("app", name, "request", "e30.e30.e30")), 400, "malformed")
		if n := h.events("authorize", "denied"); n != 2 { // each client's, once a minute and address
			h.Errorf("%d lines in the log", n)
		}
		if h.authorize(named("app", name)).params.Get("code") == "" {
			h.Error("what others tried has used it up")
		}
	})
}

// P-34: a pushed request must arrive at a browser within 90 seconds. Where it
// has, it stays until it is answered, there and nowhere else.
func TestPushedInTime(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "shop", Type: oidc.Web})
	h.signIn("ada")
	early, late := h.pushed(ask("shop"), basic("shop")...), h.pushed(ask("shop"), basic("shop")...)
	h.move(89 * time.Second)
	a := h.authorize(named("shop", early))
	if a.status != 303 || a.to.Query().Get("_at") == "" || a.to.Query().Get("request_uri") != early {
		h.Fatalf("%d %v %s", a.status, a.to, a.body)
	}
	stamped := a.to.String()
	h.move(2 * time.Second)
	h.page(h.authorize(named("shop", late)), 400, "pushed")
	h.page(h.authorize(named("shop", early)), 400, "pushed") // without its stamp it arrives now
	for range 3 {                                            // the page is loaded anew
		if a = h.do("GET", stamped, nil); a.body != "page:consent" {
			h.Fatalf("%d %v %s", a.status, a.to, a.body)
		}
		h.move(10 * time.Minute)
	}
	form := url.Values{"decision": {"allow"}, "csrf": {"good"}}
	for k, v := range h.pages.consent.Hidden {
		form.Set(k, v)
	}
	if strings.Contains(form.Get("request"), "redirect_uri") {
		h.Errorf("the consent form holds %s", form.Get("request"))
	}

	mine := h.client // another browser, with the address of the first
	h.client = agent()
	h.signIn("ada")
	h.page(h.do("GET", stamped, nil), 400, "pushed")
	h.client = mine

	if a = h.do("POST", oidc.PathConsent, form); a.params.Get("code") == "" {
		h.Fatalf("%d %v %s", a.status, a.to, a.body)
	}
	h.page(h.do("POST", oidc.PathConsent, form), 400, "pushed")
	h.page(h.do("GET", stamped, nil), 400, "pushed")

	old := h.pushed(ask("shop", "prompt", "login"), basic("shop")...)
	h.authorize(named("shop", old))
	back := h.lastAsk().ReturnTo
	h.move(time.Hour + time.Second) // longer than any return may take
	h.signIn("ada")
	h.page(h.do("GET", back, nil), 400, "pushed")
}

// P-34: an error is an answer, too.
func TestPushedErrorIsAnAnswer(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.add(oidc.Input{ID: "shop", Type: oidc.Web})
		silent := h.pushed(ask("app", "prompt", "none"), basic("app")...)
		if a := h.authorize(named("app", silent)); a.params.Get("error") != "login_required" || a.params.Get("state") != "the state" {
			h.Errorf("%d %v %s", a.status, a.to, a.body)
		}
		h.signIn("ada")
		h.page(h.authorize(named("app", silent)), 400, "pushed")

		name := h.pushed(ask("shop"), basic("shop")...)
		h.do("GET", h.authorize(named("shop", name)).to.String(), nil)
		form := url.Values{"decision": {"deny"}, "csrf": {"good"}}
		for k, v := range h.pages.consent.Hidden {
			form.Set(k, v)
		}
		if a := h.do("POST", oidc.PathConsent, form); a.params.Get("error") != "access_denied" {
			h.Errorf("%d %v %s", a.status, a.to, a.body)
		}
		form.Set("decision", "allow")
		h.page(h.do("POST", oidc.PathConsent, form), 400, "pushed")
	})
}

// P-34: of twelve answers that are on their way at once one gets through.
func TestPushedRace(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.signIn("ada")
		for range 3 {
			name := h.pushed(ask("app"), basic("app")...)
			var wait sync.WaitGroup
			var answers [12]answer
			for i := range answers {
				wait.Go(func() { answers[i] = h.authorize(named("app", name)) })
			}
			wait.Wait()
			won := 0
			for _, a := range answers {
				if a.params.Get("code") != "" {
					won++
				} else {
					h.page(a, 400, "pushed")
				}
			}
			if won != 1 {
				h.Errorf("%d of 12 were answered", won)
			}
		}
	})
}

// P-12, P-14, P-34: who may push, and what (RFC 9126 §2.1, §2.3). Nothing of
// what is refused is kept.
func TestPushRefused(t *testing.T) {
	h := open(t)
	h.web("app")
	h.web("other")
	h.add(oidc.Input{ID: "spa", Type: oidc.SPA, Trusted: true})
	h.add(oidc.Input{ID: "bot", Type: oidc.Service, Scopes: []string{"read"}})
	challenge := s256("a verifier of a public client")
	for name, c := range map[string]struct {
		form   url.Values
		head   []string
		status int
		code   string
	}{
		"nobody":                  {ask("app"), nil, 401, "invalid_client"},
		"another's secret":        {ask("app"), []string{"Authorization", strings.Replace(basic("app")[1], "Ba", "Bx", 1)}, 401, "invalid_client"},
		"unknown":                 {ask("nobody"), nil, 401, "invalid_client"},
		"another's name":          {ask("other"), basic("app"), 400, "invalid_request"},
		"two ways":                {ask("app", "client_secret", secretOf("app")), basic("app"), 400, "invalid_request"},
		"another redirect_uri":    {ask("app", "redirect_uri", "https://evil.example/"), basic("app"), 400, "invalid_request"},
		"no redirect_uri":         {ask("app", "redirect_uri", ""), basic("app"), 400, "invalid_request"},
		"request_uri":             {ask("app", "request_uri", "urn:ietf:params:oauth:request_uri:x"), basic("app"), 400, "invalid_request"},
		"response_type":           {ask("app", "response_type", "magic"), basic("app"), 400, "unsupported_response_type"},
		"not its response_type":   {ask("app", "response_type", "code id_token"), basic("app"), 400, "unauthorized_client"},
		"response_mode":           {ask("app", "response_mode", "smoke"), basic("app"), 400, "invalid_request"},
		"scope":                   {ask("app", "scope", "openid everything"), basic("app"), 400, "invalid_scope"},
		"prompt":                  {ask("app", "prompt", "none login"), basic("app"), 400, "invalid_request"},
		"max_age":                 {ask("app", "max_age", "soon"), basic("app"), 400, "invalid_request"},
		"claims":                  {ask("app", "claims", "{"), basic("app"), 400, "invalid_request"},
		"hint":                    {ask("app", "id_token_hint", "x.y.z"), basic("app"), 400, "invalid_request"},
		"plain PKCE":              {ask("app", "code_challenge", challenge, "code_challenge_method", "plain"), basic("app"), 400, "invalid_request"},
		"a public one, no PKCE":   {ask("spa"), nil, 400, "invalid_request"},
		"registration":            {ask("app", "registration", "{}"), basic("app"), 400, "registration_not_supported"},
		"NUL":                     {ask("app", "state", "a\x00b"), basic("app"), 400, "invalid_request"},
		"twice":                   {url.Values{"client_id": {"app"}, "scope": {"openid", "openid"}}, basic("app"), 400, "invalid_request"},
		"no form":                 {ask("app"), append(basic("app"), "Content-Type", "application/json"), 400, "invalid_request"},
		"too long for an address": {ask("app", "state", strings.Repeat("x", 9000)), basic("app"), 400, "invalid_request"},
		"too long":                {ask("app", "state", strings.Repeat("x", 70000)), basic("app"), 400, "invalid_request"},
		"no people":               {ask("bot"), basic("bot"), 400, "invalid_request"},
	} {
		before, _ := h.db.Trips()
		if a := h.push(c.form, c.head...); a.status != c.status || a.json(h)["error"] != c.code {
			h.Errorf("%s: %d %s, want %s", name, a.status, a.body, c.code)
		}
		if after, _ := h.db.Trips(); after-before > 1 { // an unknown client, and the line about a wrong secret
			h.Errorf("%s: %d trips", name, after-before)
		}
	}
	if a := h.do("GET", oidc.PathPAR+"?"+ask("app").Encode(), nil, basic("app")...); a.status != 405 {
		h.Errorf("GET: %d %s", a.status, a.body)
	}
	if a := h.do("OPTIONS", oidc.PathPAR, nil); a.status != 204 || a.header.Get("Access-Control-Allow-Methods") != "POST" {
		h.Errorf("%d %v", a.status, a.header)
	}
	h.signIn("ada")
	name := h.pushed(ask("spa", "code_challenge", challenge, "code_challenge_method", "S256", "scope", "openid"))
	if code := h.code(named("spa", name)); h.exchange(code, "spa", "client_id", "spa", "code_verifier", strings.Repeat("another", 7)).status != 400 {
		h.Error("a wrong verifier was taken")
	}
	with := ask("app", "client_id", "", "client_secret", secretOf("app"))
	h.refused(h.push(with), 401, "invalid_client")
	delete(with, "client_secret")
	h.pushed(with, basic("app")...) // RFC 9126 §2.1: the header has named it
}

// A client may be held to pushing (RFC 9126 §6).
func TestRequirePushed(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, Requests: oidc.Requests{RequirePushed: true}})
	h.signIn("ada")
	for _, v := range []url.Values{ask("app"), ask("app", "request", "e30.e30.e30"), ask("app", "request_uri", "https://rp.example.org/r")} {
		if a := h.authorize(v); a.params.Get("error") != "invalid_request" || a.params.Get("code") != "" {
			h.Errorf("%d %v %s", a.status, a.to, a.body)
		}
	}
	h.code(named("app", h.pushed(ask("app"), basic("app")...)))
	for _, typ := range []oidc.Type{oidc.Odoo, oidc.Service} {
		if _, err := oidc.NewClient(oidc.Input{ID: "x", Type: typ, RedirectURIs: []string{callback}, Requests: oidc.Requests{RequirePushed: true}}, h.now()); err == nil || !strings.Contains(err.Error(), "require_pushed") {
			h.Errorf("%s: %v", typ, err)
		}
	}
}

// Who proves nothing cannot fill the table.
func TestPublicPushesAreCounted(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "spa", Type: oidc.SPA})
	h.web("app")
	good := ask("spa", "code_challenge", s256("v"), "code_challenge_method", "S256")
	for range 120 {
		h.pushed(good)
	}
	if a := h.push(good); a.status != 429 || a.header.Get("Retry-After") == "" {
		h.Errorf("%d %s", a.status, a.body)
	}
	h.pushed(ask("app"), basic("app")...)
	h.move(time.Minute)
	h.pushed(good)
}

// P-34, C-12: who registered itself has a secret, and has proven nothing by it.
func TestPushesOfStrangersAreCounted(t *testing.T) {
	r := receive(t, openHouse)
	m := r.enrol(object{})
	id := oidc.ClientID(m["client_id"].(string))
	proof := []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(string(id)+":"+m["client_secret"].(string)))}
	for range 120 {
		r.pushed(ask(id), proof...)
	}
	if a := r.push(ask(id), proof...); a.status != 429 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// The costs of pushing (DESIGN.md §3), and a database that does not answer.
func TestPushedTrips(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.signIn("ada")
		h.tokens("app") // warm
		t0, c0 := h.db.Trips()
		name := h.pushed(ask("app"), basic("app")...)
		t1, c1 := h.db.Trips()
		h.code(named("app", name))
		t2, c2 := h.db.Trips()
		if t1-t0 > 1 || c1-c0 > 1 || t2-t1 > 3 || c2-c1 > 1 {
			h.Errorf("push: %d trips and %d commits; authorize: %d and %d", t1-t0, c1-c0, t2-t1, c2-c1)
		}
	})
	eachWith(t, func(c *oidc.Config) { c.Grants = broken{c.Grants} }, func(h *house) {
		h.web("app")
		h.signIn("ada")
		h.page(h.authorize(named("app", h.pushed(ask("app"), basic("app")...))), 503, "unavailable")
	})
}
