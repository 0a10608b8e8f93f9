package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/mfa/policy"
)

// budget is what one step may cost the database: DESIGN §3.
type budget struct{ trips, commits int64 }

// spend runs a step and fails the test when it costs more. The figures of
// docs/performance.md are what this test logs.
func (w *world) spend(name string, most budget, step func()) budget {
	w.t.Helper()
	t0, c0 := w.db.Trips()
	step()
	t1, c1 := w.db.Trips()
	got := budget{t1 - t0, c1 - c0}
	w.t.Logf("| %s | %d | %d |", name, got.trips, got.commits)
	if got.trips > most.trips || got.commits > most.commits {
		w.t.Errorf("%s: %d round trips and %d commits, at most %d and %d are allowed", name, got.trips, got.commits, most.trips, most.commits)
	}
	return got
}

// The cost budget, on both databases, with a live session.
func TestBudget(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.user("ada@example.org", withApp)
		shop := w.odooClient("odoo")
		web := w.client(oidc.Input{
			ID: "web", Name: "Web", Type: oidc.Web, RedirectURIs: []string{"https://app.example.org/cb"}, Trusted: true, IDTokenAlg: "ES256",
			GrantTypes: []string{"authorization_code", "refresh_token"},
		})
		p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org") // fills what is held in memory, and makes the browser known
		p.open("/logout").submit("form#logout")
		w.later(time.Minute)
		p.open(w.odooLink("odoo"))
		first := w.spend("sign-in: password, and the page for the code", budget{6, 2}, func() {
			p.submit("form#login", "login", "ada@example.org", "password", rightPassword)
		})
		last := w.spend("sign-in: code, and back to Odoo", budget{8, 4}, func() { p.submit("form#factor", "code", w.code(appSecret)) })
		p.answer()
		if sum := first.trips + last.trips - 2; sum > 12 { // 2: the authorization that follows
			t.Errorf("password + TOTP sign-in: %d round trips, at most 12 are allowed", sum)
		}

		w.odooFlow(p, shop)
		w.codeFlow(p, web)
		w.trustedFlow()
		for _, path := range []string{"/.well-known/openid-configuration", "/oauth2/jwks", "/healthz"} {
			w.spend(path, budget{0, 0}, func() { get(t, w.url+path) })
		}
	})
}

// trustedFlow is a sign-in whose second factor a trusted browser stands for.
func (w *world) trustedFlow() {
	w.t.Helper()
	w.policies(policy.Policy{Name: "trust", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{
		Assurance: policy.MFA, Devices: &policy.Devices{Days: 30},
	}})
	w.user("bob@example.org", withApp)
	p := w.person().open(w.odooLink("odoo")).submit("form#login", "login", "bob@example.org", "password", rightPassword)
	p.submit("form#factor", "code", w.code(appSecret), "trust_device", "yes")
	for _, cached := range []bool{false, true} {
		p.open("/logout").submit("form#logout")
		w.later(time.Minute)
		p.open(w.odooLink("odoo"))
		name, most := "sign-in: password in a trusted browser, and back to Odoo", int64(6)
		if cached {
			name, most = name+" (device in the cache)", most-1
		}
		w.spend(name, budget{most, 4}, func() { p.submit("form#login", "login", "bob@example.org", "password", rightPassword) })
		p.answer()
	}
}

func (w *world) odooFlow(p *person, shop oidc.Registered) {
	w.t.Helper()
	var token string
	waits := int64(1)
	if strings.HasPrefix(w.cfg.Database.URL, "postgres") {
		waits = 0 // arming a token does not wait for the disk there
	}
	a := w.spend("Odoo: authorization", budget{2, waits}, func() {
		token = p.open(w.odooLink("odoo")).answer().Get("access_token")
	})
	v := w.spend("Odoo: validation", budget{2, 1}, func() { validate(w.t, w.url+odoo.ValidationPath(shop.Client), token) })
	if a.trips+v.trips > 4 || a.commits+v.commits > 1+waits {
		w.t.Errorf("Odoo flow: %d round trips, at most 4 are allowed", a.trips+v.trips)
	}
}

func (w *world) codeFlow(p *person, web oidc.Registered) {
	w.t.Helper()
	q := url.Values{
		"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {"https://app.example.org/cb"}, "prompt": {"consent"},
		"scope": {"openid profile email offline_access"}, "state": {"12345678"}, "nonce": {"n"}, "code_challenge_method": {"S256"},
		"code_challenge": {challenge(strings.Repeat("v", 43))},
	}
	q.Del("prompt")
	var code string
	a := w.spend("code: authorization", budget{2, 1}, func() { code = p.open("/oauth2/authorize?" + q.Encode()).answer().Get("code") })
	var tokens map[string]any
	b := w.spend("code: token", budget{2, 1}, func() {
		tokens = w.token(web, url.Values{
			"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {"https://app.example.org/cb"}, "code_verifier": {strings.Repeat("v", 43)},
		})
	})
	access, _ := tokens["access_token"].(string)
	c := w.spend("code: userinfo", budget{1, 0}, func() { w.userinfo(access) })
	if sum := a.trips + b.trips + c.trips; sum > 6 || a.commits+b.commits+c.commits > 2 {
		w.t.Errorf("code flow: %d round trips, at most 6 are allowed", sum)
	}
	refresh, _ := tokens["refresh_token"].(string)
	w.spend("refresh", budget{2, 1}, func() {
		w.token(web, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
	})
	w.spend("introspection", budget{1, 0}, func() {
		w.post("/oauth2/introspect", web, url.Values{"token": {access}})
	})
}

func get(t testing.TB, address string) {
	t.Helper()
	resp, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %d", address, resp.StatusCode)
	}
}
