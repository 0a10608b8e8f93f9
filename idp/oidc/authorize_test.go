package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// P-02: with a client or address that nobody knows there is a page, never a
// redirect and never JSON.
func TestErrorPages(t *testing.T) {
	h := open(t)
	h.web("app")
	h.add(oidc.Input{ID: "erp", Type: oidc.Odoo, RedirectURIs: []string{"https://erp.example.org/auth_oauth/signin"}})
	h.add(oidc.Input{ID: "job", Type: oidc.Service, Scopes: []string{"x"}})
	off := h.web("off")
	off.Disabled = true
	h.must(h.db.Clients.Save(h.Context(), off))
	h.signIn("ada")
	twice := ask("app")
	twice.Add("redirect_uri", callback)
	clientTwice := ask("app")
	clientTwice.Add("client_id", "app")
	for _, c := range []struct {
		name, query, key string
		status           int
	}{
		{"unknown client", ask("nobody").Encode(), "client", 400},
		{"no client", ask("").Encode(), "client", 400},
		{"disabled client", ask("off").Encode(), "client", 400},
		{"no redirect_uri", ask("app", "redirect_uri", "").Encode(), "redirect_uri", 400},
		{"other redirect_uri", ask("app", "redirect_uri", callback+"?x=1").Encode(), "redirect_uri", 400},
		{"javascript", ask("app", "redirect_uri", "javascript:alert(1)").Encode(), "redirect_uri", 400},
		{"service", ask("job").Encode(), "redirect_uri", 400},
		{"redirect_uri twice", twice.Encode(), "malformed", 400},       // P-14
		{"client_id twice", clientTwice.Encode(), "malformed", 400},    // P-14
		{"no UTF-8", ask("app").Encode() + "&x=%ff", "malformed", 400}, // also in parameters that nobody knows
		{"NUL", ask("app").Encode() + "&x=%00", "malformed", 400},
		{"broken escape", ask("app").Encode() + "&x=%zz", "malformed", 400},
		{"too long", ask("app", "state", strings.Repeat("x", 9000)).Encode(), "too_large", 413},
	} {
		a := h.do("GET", oidc.PathAuthorize+"?"+c.query, nil)
		if a.status != c.status || a.body != "page:error:"+c.key || a.to != nil || a.header.Get("Content-Type") != "text/html" {
			t.Errorf("%s: %d %s %v", c.name, a.status, a.body, a.to)
		}
	}
	// ODOO.md §2: an Odoo that does not know that it is behind a proxy.
	h.authorize(ask("erp", "redirect_uri", "http://10.0.0.5:8069/auth_oauth/signin"))
	if d := h.pages.problem.Detail; d["redirect_uri"] != "http://10.0.0.5:8069/auth_oauth/signin" || !strings.Contains(d["Odoo"], "proxy_mode") || !strings.Contains(d["Odoo"], "X-Forwarded-") {
		t.Errorf("%+v", h.pages.problem)
	}
	h.authorize(ask("erp", "redirect_uri", "https://erp.example.org/elsewhere"))
	if d := h.pages.problem.Detail; d["Odoo"] != "" || d["redirect_uri"] != "https://erp.example.org/elsewhere" {
		t.Errorf("a hint about proxies for another path: %v", d)
	}
}

// What is wrong with a request of a known client goes back to it.
func TestErrorRedirects(t *testing.T) {
	h := open(t)
	h.web("app")
	h.must(h.db.Groups.Put(h.Context(), "staff"))
	h.add(oidc.Input{ID: "closed", Type: oidc.Web, Trusted: true, Groups: []string{"staff"}})
	h.signIn("ada")
	twice := ask("app")
	twice.Add("scope", "openid")
	for name, c := range map[string]struct {
		q    url.Values
		code string
	}{
		"repeated (P-14)":         {twice, "invalid_request"},
		"request (P-27)":          {ask("app", "request", "e30.e30."), "request_not_supported"},
		"request_uri (P-27)":      {ask("app", "request_uri", "https://rp.example.org/r"), "request_uri_not_supported"},
		"registration":            {ask("app", "registration", "{}"), "registration_not_supported"},
		"unregistered scope":      {ask("app", "scope", "openid admin"), "invalid_scope"}, // P-16
		"scope case":              {ask("app", "scope", "OPENID"), "invalid_scope"},
		"unknown prompt":          {ask("app", "prompt", "create"), "invalid_request"},
		"prompt none and more":    {ask("app", "prompt", "none login"), "invalid_request"},
		"max_age no number":       {ask("app", "max_age", "soon"), "invalid_request"},
		"max_age negative":        {ask("app", "max_age", "-1"), "invalid_request"},
		"claims no JSON":          {ask("app", "claims", "name"), "invalid_request"},
		"claims no object":        {ask("app", "claims", `{"userinfo":["name"]}`), "invalid_request"},
		"hint of nobody":          {ask("app", "id_token_hint", "a.b.c"), "invalid_request"},
		"essential acr, unknown":  {ask("app", "claims", `{"id_token":{"acr":{"essential":true,"value":"urn:mace:incommon:iap:gold"}}}`), "access_denied"},
		"not a member":            {ask("closed"), "access_denied"},
		"two people in one claim": {ask("app", "claims", `{"userinfo":{"sub":{"value":"a"}},"id_token":{"sub":{"value":"b"}}}`), "invalid_request"},
	} {
		a := h.authorize(c.q)
		if a.status != 303 || a.params.Get("error") != c.code || a.params.Get("state") != "the state" || a.params.Get("iss") != h.url || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", name, a.status, a.to)
		}
	}
	if n := h.events("authorize", "denied"); n != 1 {
		t.Errorf("%d denials in the log", n)
	}
	// What we do not know is ignored, and state is not required.
	if a := h.authorize(ask("app", "foo", "bar", "display", "popup", "ui_locales", "se", "claims_locales", "se", "acr_values", "1 2", "state", "", "nonce", "")); a.params.Get("code") == "" || a.params.Has("state") {
		t.Errorf("%v", a.to)
	}
	// A registered query stays as it is.
	c := h.web("query")
	c.RedirectURIs = []string{callback + "?a=b%20c"}
	h.must(h.db.Clients.Save(h.Context(), c))
	if a := h.authorize(ask("query", "redirect_uri", callback+"?a=b%20c")); !strings.HasPrefix(a.to.RawQuery, "a=b%20c&code=") {
		t.Errorf("%v", a.to)
	}
	h.user("mallory") // whom the gate denies everything
	h.signIn("mallory")
	if a := h.authorize(ask("app")); a.params.Get("error") != "access_denied" {
		t.Errorf("denied by the gate: %v", a.to)
	}
}

// back follows the way back from the sign-in pages.
func (h *house) back() answer {
	h.Helper()
	return h.do("GET", h.lastAsk().ReturnTo, nil)
}

// toLogin checks that the browser is sent to the sign-in pages.
func (h *house) toLogin(a answer) oidc.Ask {
	h.Helper()
	if a.status != 303 || a.to == nil || a.to.Path != "/login" {
		h.Fatalf("no sign-in: %d %v %s", a.status, a.to, a.body)
	}
	return h.lastAsk()
}

// P-19: prompt=login and max_age want a sign-in after the request arrived, and
// are content with one.
func TestFreshSignIn(t *testing.T) {
	for _, c := range []struct {
		name  string
		pairs []string
	}{
		{"prompt=login", []string{"prompt", "login"}},
		{"max_age=0", []string{"max_age", "0"}},
		{"max_age=1", []string{"max_age", "1"}},
		{"huge max_age with prompt=login", []string{"prompt", "login", "max_age", "9223372036854775807"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := open(t)
			h.web("app")
			s := h.signIn("ada")
			if !strings.Contains(c.name, "max_age=1") { // within the same second, too
				h.move(time.Millisecond)
			} else {
				h.move(2 * time.Second)
			}
			q := ask("app", append(c.pairs, "login_hint", "ada", "ui_locales", "fr en")...)
			got := h.toLogin(h.authorize(q))
			if got.Hint != "ada" || got.Locales != "fr en" || got.Client.ID != "app" || got.Redirect != callback || got.Choose {
				t.Errorf("%+v", got)
			}
			if !strings.HasPrefix(got.ReturnTo, oidc.PathAuthorize+"?"+q.Encode()+"&_at=") {
				t.Errorf("return to %s", got.ReturnTo)
			}
			h.toLogin(h.back()) // not yet
			h.move(10 * time.Millisecond)
			fresh := h.signIn("ada")
			h.move(20 * time.Second) // a second factor takes its time
			a := h.back()
			if a.params.Get("code") == "" {
				t.Fatalf("%d %v", a.status, a.to)
			}
			id := h.claims(h.good(h.exchange(a.params.Get("code"), "app"))["id_token"])
			if id["auth_time"] != float64(fresh.AuthTime().Unix()) || fresh.AuthTime().Equal(s.AuthTime()) {
				t.Errorf("auth_time %v", id["auth_time"])
			}
		})
	}
}

// The stamp that says when a request arrived cannot be made up, moved to
// another request or browser, or kept.
func TestArrival(t *testing.T) {
	h := open(t)
	h.web("app")
	h.signIn("ada")
	h.move(time.Second)
	q := ask("app", "prompt", "login")
	stamped := h.toLogin(h.authorize(q)).ReturnTo
	h.move(time.Second)
	h.signIn("ada")
	query, stamp, _ := strings.Cut(stamped, "&_at=")
	other := strings.Replace(query, "nonce=the+nonce", "nonce=another", 1)
	for name, to := range map[string]string{
		"made up":         query + "&_at=1700000000000.AAAA",
		"no mac":          query + "&_at=1700000000000",
		"other request":   other + "&_at=" + stamp,
		"other moment":    query + "&_at=1" + stamp,
		"not at the end":  query + "&_at=" + stamp + "&x=y",
		"before the rest": strings.Replace(query, "?", "?_at="+stamp+"&", 1),
	} {
		h.Log(name)
		h.toLogin(h.do("GET", to, nil))
	}
	mine := h.client
	h.client = agent() // another browser, even with the same person
	h.move(time.Millisecond)
	h.signIn("ada")
	h.move(time.Millisecond)
	h.toLogin(h.do("GET", stamped, nil))
	h.client = mine
	if a := h.do("GET", stamped, nil); a.params.Get("code") == "" {
		t.Errorf("the right one: %v", a.to)
	}
	h.move(2 * time.Hour)
	h.toLogin(h.do("GET", stamped, nil))

	// The longest request that we take comes back, too, though it has grown.
	q.Set("state", "")
	q.Set("state", strings.Repeat("s", 8<<10-len(q.Encode())))
	h.toLogin(h.authorize(q))
	h.move(time.Second)
	h.signIn("ada")
	if a := h.back(); a.params.Get("code") == "" {
		t.Errorf("the longest request: %d %s", a.status, a.body)
	}
}

// P-19: the rest of prompt, id_token_hint, sub and acr.
func TestPrompt(t *testing.T) {
	h := open(t)
	h.web("app")
	h.add(oidc.Input{ID: "choosy", Type: oidc.Web, Trusted: true, Choose: true})
	h.user("bob")
	silent := func(pairs ...string) string {
		return h.authorize(ask("app", append(pairs, "prompt", "none")...)).params.Get("error")
	}
	if got := silent(); got != "login_required" {
		t.Errorf("nobody there: %s", got)
	}
	h.toLogin(h.authorize(ask("app")))
	h.signIn("bob")
	bobs := h.tokens("app")["id_token"].(string)
	s := h.signIn("ada")
	adas := h.tokens("app")["id_token"].(string)
	h.move(1100 * time.Millisecond)
	byName := func(sub string) string { return `{"id_token":{"sub":{"value":"` + sub + `"}}}` }
	for name, c := range map[string]struct {
		pairs []string
		want  string
	}{
		"signed in":       {nil, ""},
		"recent enough":   {[]string{"max_age", "10000"}, ""},
		"too long ago":    {[]string{"max_age", "1"}, "login_required"},
		"own hint":        {[]string{"id_token_hint", adas}, ""},
		"another's hint":  {[]string{"id_token_hint", bobs}, "login_required"},
		"own sub":         {[]string{"claims", byName("u-ada")}, ""},
		"another's sub":   {[]string{"claims", byName("u-bob")}, "login_required"},
		"hint and sub":    {[]string{"id_token_hint", adas, "claims", byName("u-bob")}, "invalid_request"},
		"a wish for aal2": {[]string{"acr_values", "phr aal2"}, "interaction_required"},
		"aal1 is enough":  {[]string{"acr_values", "aal1 aal2"}, ""},
		"essential":       {[]string{"claims", `{"id_token":{"acr":{"essential":true,"values":["aal2"]}}}`}, "interaction_required"},
		"essential, any":  {[]string{"claims", `{"id_token":{"acr":{"essential":true,"values":["aal2","aal1"]}}}`}, ""},
	} {
		if got := silent(c.pairs...); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	a := h.authorize(ask("app", "prompt", "none"))
	if id := h.claims(h.good(h.exchange(a.params.Get("code"), "app"))["id_token"]); id["auth_time"] != float64(s.AuthTime().Unix()) {
		t.Errorf("silent sign-in: %v", id)
	}
	h.move(3 * time.Hour) // an expired hint is fine
	if got := silent("id_token_hint", adas); got != "" {
		t.Errorf("expired hint: %s", got)
	}
	if n := h.toLogin(h.authorize(ask("app", "id_token_hint", bobs))).Need; n.Subject != "u-bob" {
		t.Errorf("%+v", n)
	}
	if n := h.toLogin(h.authorize(ask("app", "acr_values", "aal2"))).Need; n.ACR != idp.AAL2 || n.Essential {
		t.Errorf("%+v", n)
	}
	for _, q := range []url.Values{ask("app", "prompt", "select_account"), ask("choosy")} {
		if !h.toLogin(h.authorize(q)).Choose {
			t.Error("no choice")
		}
		if a := h.back(); a.params.Get("code") == "" { // chosen: not asked twice
			t.Errorf("%v", a.to)
		}
	}
	if a := h.authorize(ask("choosy", "prompt", "none")); a.params.Get("code") == "" {
		t.Errorf("%v", a.to)
	}
}

// P-32: consent belongs to one person, browser and request, is asked for what
// is new, and can be withdrawn (P-10).
func TestConsent(t *testing.T) {
	each(t, func(h *house) {
		h.add(oidc.Input{ID: "third", Type: oidc.Web})
		h.user("bob")
		h.signIn("ada")
		shown := func(q url.Values) oidc.ConsentView {
			h.Helper()
			if a := h.authorize(q); a.body != "page:consent" {
				h.Fatalf("no consent page: %d %v %s", a.status, a.to, a.body)
			}
			return h.pages.consent
		}
		decide := func(v oidc.ConsentView, pairs ...string) answer {
			h.Helper()
			form := url.Values{"csrf": {"good"}, "decision": {"allow"}}
			for name, value := range v.Hidden {
				form.Set(name, value)
			}
			for i := 0; i < len(pairs); i += 2 {
				form.Set(pairs[i], pairs[i+1])
			}
			return h.do("POST", v.Action, form)
		}
		if a := h.authorize(ask("third", "prompt", "none")); a.params.Get("error") != "consent_required" {
			h.Errorf("%v", a.to)
		}
		v := shown(ask("third"))
		if strings.Join(v.Scopes, " ") != "openid profile email offline_access" || v.User.Login != "ada" || v.Redirect != callback {
			h.Errorf("%+v", v)
		}
		if a := decide(v, "csrf", "bad"); a.status != 403 || a.body != "page:error:forged" {
			h.Errorf("CSRF: %d %s", a.status, a.body)
		}
		for _, no := range []string{"deny", "", "Allow"} {
			if a := decide(v, "decision", no); a.status != 303 || a.params.Get("error") != "access_denied" || a.params.Get("state") != "the state" {
				h.Errorf("%q: %d %v", no, a.status, a.to)
			}
		}
		// The answer to one question answers no other.
		wider := shown(ask("third", "scope", "openid phone"))
		if a := decide(v, "request", wider.Hidden["request"]); a.status != 403 {
			h.Errorf("another request: %d %v %s", a.status, a.to, a.body)
		}
		if a := decide(v, "mark", ""); a.status != 403 {
			h.Errorf("no mark: %d", a.status)
		}
		h.signIn("bob")
		if a := decide(v); a.status != 403 {
			h.Errorf("another person: %d %v", a.status, a.to)
		}
		h.signIn("ada")
		if a := decide(v); a.status != 403 {
			h.Errorf("another session: %d %v", a.status, a.to)
		}
		v = shown(ask("third"))
		a := decide(v)
		if a.status != 303 || a.params.Get("code") == "" {
			h.Fatalf("%d %v %s", a.status, a.to, a.body)
		}
		h.good(h.exchange(a.params.Get("code"), "third"))

		// Remembered, but only for what was shown.
		m := h.good(h.exchange(h.code(ask("third", "prompt", "none")), "third"))
		if v := shown(ask("third", "scope", "openid phone")); strings.Join(v.Scopes, " ") != "openid phone" {
			h.Errorf("%v", v.Scopes)
		}
		if v := shown(ask("third", "scope", "openid", "claims", `{"userinfo":{"phone_number":null}}`)); strings.Join(v.Scopes, " ") != "openid phone" {
			h.Errorf("a claim by name is no way around consent: %v", v.Scopes)
		}
		if a := decide(shown(ask("third", "prompt", "consent"))); a.params.Get("code") == "" {
			h.Errorf("prompt=consent: %v", a.to)
		}
		token := m["refresh_token"].(string)
		token = h.good(h.refresh(token, "third"))["refresh_token"].(string)
		h.must(h.db.Consents.Withdraw(h.Context(), "u-ada", "third"))
		h.refused(h.refresh(token, "third"), 400, "invalid_grant")

		v = shown(ask("third"))
		h.move(2 * time.Hour)
		if a := decide(v); a.status != 410 {
			h.Errorf("two hours later: %d %s", a.status, a.body)
		}
		if h.events("consent", "ok") != 2 || h.events("consent", "denied") != 3 {
			h.Error("the log does not tell what was decided")
		}
	})
}
