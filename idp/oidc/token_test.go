package oidc_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp/oidc"
)

// race runs f in parallel and counts the answers by status and error.
func race(n int, f func() answer) map[string]int {
	got := make(chan string, n)
	start := make(chan struct{})
	for range n {
		go func() {
			<-start
			a := f()
			got <- fmt.Sprint(a.status, strings.Contains(a.body, "invalid_grant"))
		}()
	}
	close(start)
	out := map[string]int{}
	for range n {
		out[<-got]++
	}
	return out
}

// P-04: of parallel exchanges of one code one wins, the others lose politely,
// and then nothing that came from the code is good.
func TestCodeRace(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.signIn("ada")
		code := h.code(ask("app"))
		var won answer
		got := race(12, func() answer {
			a := h.exchange(code, "app")
			if a.status == 200 {
				h.mu.Lock()
				won = a
				h.mu.Unlock()
			}
			return a
		})
		if got["200 false"] != 1 || got["400 true"] != 11 {
			h.Fatalf("%v; faults %v", got, h.faults)
		}
		m := won.json(h)
		h.refused(h.userInfo(m["access_token"]), 401, "invalid_token")
		h.refused(h.refresh(m["refresh_token"].(string), "app"), 400, "invalid_grant")
		if h.events("token.reuse", "revoked") == 0 {
			h.Error("the log says nothing of it")
		}
	})
}

// P-04: a second use revokes, even when the code would have expired by then.
func TestCodeReuse(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.signIn("ada")
		for _, wait := range []time.Duration{0, 30 * time.Second, 90 * time.Second} { // the code itself is good for 60 s
			code := h.code(ask("app"))
			m := h.good(h.exchange(code, "app"))
			h.move(wait)
			h.refused(h.exchange(code, "app"), 400, "invalid_grant")
			h.refused(h.userInfo(m["access_token"]), 401, "invalid_token")
			h.refused(h.refresh(m["refresh_token"].(string), "app"), 400, "invalid_grant")
		}
		// A code is good for a minute.
		code := h.code(ask("app"))
		h.move(61 * time.Second)
		h.refused(h.exchange(code, "app"), 400, "invalid_grant")
	})
}

// P-05: a code belongs to a client and a redirect URI. A stranger who fails
// with it disturbs nobody; its own client has one try.
func TestCodeBinding(t *testing.T) {
	h := open(t)
	h.web("app")
	h.web("other")
	h.signIn("ada")
	code := h.code(ask("app"))
	h.refused(h.exchange(code, "other"), 400, "invalid_grant")
	m := h.good(h.exchange(code, "app"))
	h.refused(h.exchange(code, "other"), 400, "invalid_grant")
	if a := h.userInfo(m["access_token"]); a.status != 200 {
		t.Error("another client's try with a used code ended the tokens")
	}
	for name, form := range map[string][]string{
		"other redirect_uri":                  {"redirect_uri", callback + "/"},
		"verifier without a challenge (P-06)": {"code_verifier", strings.Repeat("v", 43)},
	} {
		t.Run(name, func(t *testing.T) {
			code := h.code(ask("app"))
			h.refused(h.exchange(code, "app", form...), 400, "invalid_grant")
			h.refused(h.exchange(code, "app"), 400, "invalid_grant")
		})
	}
	h.refused(h.exchange("lk_ac_AAAA.AAAA", "app"), 400, "invalid_grant")
	h.refused(h.exchange("", "app"), 400, "invalid_request")
	h.refused(h.refresh("", "app"), 400, "invalid_request")
	h.refused(h.exchange(code[:len(code)-1], "app"), 400, "invalid_grant")
	// The random part is authenticated, too: the database's half is not enough.
	code = h.code(ask("app"))
	_, mac, _ := strings.Cut(code, ".")
	h.refused(h.exchange("lk_ac_"+strings.Repeat("A", 43)+"."+mac, "app"), 400, "invalid_grant")
}

// P-06: PKCE cannot be left out, stripped, weakened or tried twice.
func TestPKCE(t *testing.T) {
	each(t, func(h *house) {
		h.add(oidc.Input{ID: "spa", Type: oidc.SPA, Trusted: true})
		h.web("app")
		h.signIn("ada")
		verifier := strings.Repeat("v", 50)
		good := []string{"code_challenge", s256(verifier), "code_challenge_method", "S256"}
		for name, q := range map[string]url.Values{
			"public without":   ask("spa"),
			"plain":            ask("spa", "code_challenge", verifier, "code_challenge_method", "plain"),
			"no method":        ask("spa", "code_challenge", s256(verifier)),
			"method alone":     ask("app", "code_challenge_method", "S256"),
			"plain, with key":  ask("app", "code_challenge", verifier, "code_challenge_method", "plain"),
			"nobody's S256":    ask("spa", "code_challenge", "short", "code_challenge_method", "S256"),
			"unknown method":   ask("spa", "code_challenge", s256(verifier), "code_challenge_method", "S512"),
			"repeated":         {"client_id": {"spa"}, "redirect_uri": {callback}, "response_type": {"code"}, "code_challenge": {"a", "b"}},
			"confidential bad": ask("app", "code_challenge", "short", "code_challenge_method", "S256"),
		} {
			if a := h.authorize(q); a.params.Get("error") != "invalid_request" {
				h.Errorf("%s: %v", name, a.to)
			}
		}
		for _, id := range []oidc.ClientID{"spa", "app"} {
			as := func(v string) []string {
				out := []string{"code_verifier", v}
				if id == "spa" {
					out = append(out, "client_id", "spa")
				}
				return out
			}
			h.good(h.exchange(h.code(ask(id, good...)), id, as(verifier)...))
			for name, bad := range map[string]string{"wrong": strings.Repeat("x", 50), "missing": "", "short": "v"} {
				code := h.code(ask(id, good...))
				h.refused(h.exchange(code, id, as(bad)...), 400, "invalid_grant")
				for _, second := range []string{"", verifier} { // stripped, then right: too late
					a := h.exchange(code, id, as(second)...)
					if a.status != 400 {
						h.Errorf("%s, %s verifier: the second try got %d", id, name, a.status)
					}
				}
			}
		}
	})
}

// P-09: refresh tokens rotate; using one twice ends the family; of parallel
// uses one wins at most and nobody sees a 5xx.
func TestRefresh(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.signIn("ada")
		m := h.tokens("app")
		first := m["refresh_token"].(string)
		n := h.good(h.refresh(first, "app"))
		if n["refresh_token"] == first || n["id_token"] == nil {
			h.Errorf("%v", n)
		}
		h.good(h.refresh(n["refresh_token"].(string), "app"))
		h.refused(h.refresh(first, "app"), 400, "invalid_grant")
		h.refused(h.userInfo(n["access_token"]), 401, "invalid_token")
		h.refused(h.refresh(n["refresh_token"].(string), "app"), 400, "invalid_grant")

		token := h.tokens("app")["refresh_token"].(string)
		var won answer
		got := race(12, func() answer {
			a := h.refresh(token, "app")
			if a.status == 200 {
				h.mu.Lock()
				won = a
				h.mu.Unlock()
			}
			return a
		})
		if got["200 false"] != 1 || got["400 true"] != 11 {
			h.Fatalf("%v; faults %v", got, h.faults)
		}
		h.refused(h.refresh(won.json(h)["refresh_token"].(string), "app"), 400, "invalid_grant")

		h.web("other")
		token = h.tokens("app")["refresh_token"].(string)
		h.refused(h.refresh(token, "other"), 400, "invalid_grant")
		h.good(h.refresh(token, "app")) // a stranger's try ends nothing
	})
}

// RFC 6749 §6: a refresh may ask for less, for one access token, never for more.
func TestRefreshScope(t *testing.T) {
	h := open(t)
	h.web("app")
	h.signIn("ada")
	token := h.tokens("app")["refresh_token"].(string)
	h.refused(h.refresh(token, "app", "scope", "openid phone"), 400, "invalid_scope")
	m := h.good(h.refresh(token, "app", "scope", "openid email"))
	if m["scope"] != "openid email" {
		t.Errorf("scope %v", m["scope"])
	}
	if i := h.userInfo(m["access_token"]).json(t); i["email"] == nil || i["name"] != nil {
		t.Errorf("userinfo %v", i)
	}
	m = h.good(h.refresh(m["refresh_token"].(string), "app", "nonce", "injected"))
	if id := h.claims(m["id_token"]); id["nonce"] != nil {
		t.Errorf("a nonce out of nowhere: %v", id)
	}
	if m["scope"] != "openid profile email offline_access" {
		t.Errorf("the grant shrank to %v", m["scope"])
	}
}

// P-10, P-11, D-13: a refresh token is worth what the person may do now.
func TestRefreshRechecks(t *testing.T) {
	h := open(t)
	h.must(h.db.Groups.Put(h.Context(), "staff"))
	h.must(h.db.Groups.Join(h.Context(), "staff", "u-ada"))
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, Groups: []string{"staff"}})
	ctx := h.Context()
	save := func(change func(*oidc.Client)) func() {
		return func() {
			c, err := h.db.Clients.ByID(ctx, "app")
			h.must(err)
			change(&c)
			h.must(h.db.Clients.Save(ctx, c))
		}
	}
	for _, c := range []struct {
		name       string
		do, undo   func()
		status     int
		code       string
		accessDies bool
	}{
		{"disabled", func() { h.must(h.db.Users.SetDisabled(ctx, "u-ada", true)) },
			func() { h.must(h.db.Users.SetDisabled(ctx, "u-ada", false)) }, 400, "invalid_grant", true},
		{"epoch", func() { h.must(h.db.Users.RaiseEpoch(ctx, "u-ada")) }, func() {}, 400, "invalid_grant", true},
		{"group", func() { h.must(h.db.Groups.Leave(ctx, "staff", "u-ada")) },
			func() { h.must(h.db.Groups.Join(ctx, "staff", "u-ada")) }, 400, "invalid_grant", true}, // D-04
		{"client disabled", save(func(c *oidc.Client) { c.Disabled = true }), save(func(c *oidc.Client) { c.Disabled = false }), 401, "invalid_client", true},
		{"scope gone", save(func(c *oidc.Client) { c.Scopes = []string{"openid"} }), save(func(c *oidc.Client) { c.Scopes = oidc.Scopes }), 400, "invalid_scope", false},
		{"grant type gone", save(func(c *oidc.Client) { c.GrantTypes = []string{"authorization_code"} }),
			save(func(c *oidc.Client) { c.GrantTypes = []string{"authorization_code", "refresh_token"} }), 400, "unauthorized_client", false},
		{"idle for a week", func() { h.move(7*24*time.Hour + time.Minute) }, func() {}, 400, "invalid_grant", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.signIn("ada")
			m := h.tokens("app")
			c.do()
			defer c.undo()
			h.refused(h.refresh(m["refresh_token"].(string), "app"), c.status, c.code)
			if a := h.userInfo(m["access_token"]); (a.status == 401) != c.accessDies {
				t.Errorf("userinfo says %d", a.status)
			}
		})
	}
	t.Run("after 30 days", func(t *testing.T) {
		h.signIn("ada")
		token := h.tokens("app")["refresh_token"].(string)
		for range 4 {
			h.move(6 * 24 * time.Hour)
			token = h.good(h.refresh(token, "app"))["refresh_token"].(string)
		}
		h.move(5 * 24 * time.Hour)
		token = h.good(h.refresh(token, "app"))["refresh_token"].(string)
		h.move(25 * time.Hour) // not idle, but the sign-in is more than 30 days ago
		h.refused(h.refresh(token, "app"), 400, "invalid_grant")
	})
}

// offline_access only for who may use it.
func TestOffline(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, GrantTypes: []string{"authorization_code"}})
	h.web("full")
	h.signIn("ada")
	if m := h.tokens("app"); m["refresh_token"] != nil {
		t.Error("a refresh token for a client without that grant type")
	}
	if m := h.good(h.exchange(h.code(ask("full", "scope", "openid")), "full")); m["refresh_token"] != nil {
		t.Error("a refresh token without offline_access")
	}
}

// P-12, P-37: one way to authenticate, the registered one.
func TestClientAuthentication(t *testing.T) {
	h := open(t)
	h.web("app")
	h.add(oidc.Input{ID: "post", Type: oidc.Web, Trusted: true, AuthMethod: "client_secret_post"})
	h.add(oidc.Input{ID: "spa", Type: oidc.SPA, Trusted: true})
	h.add(oidc.Input{ID: "erp", Type: oidc.Odoo, Secret: secretOf("erp")})
	h.signIn("ada")
	body := func(id, secret string) []string { return []string{"client_id", id, "client_secret", secret} }
	wrong := []string{"Authorization", "Basic YXBwOndyb25n"}
	for _, c := range []struct {
		name   string
		id     oidc.ClientID // whose header; empty: none
		form   []string
		header []string
		status int
		code   string
	}{
		{name: "basic", id: "app", status: 400, code: "invalid_grant"}, // authenticated, no such code
		{name: "basic, named twice", id: "app", form: []string{"client_id", "app"}, status: 400, code: "invalid_grant"},
		{name: "post", form: body("post", secretOf("post")), status: 400, code: "invalid_grant"},
		{name: "none", form: []string{"client_id", "spa"}, status: 400, code: "invalid_grant"},
		{name: "odoo without the secret that it has", form: []string{"client_id", "erp"}, status: 401, code: "invalid_client"}, // P-12
		{name: "odoo basic", id: "erp", form: []string{"client_id", "erp"}, status: 400, code: "invalid_grant"},
		{name: "odoo post", form: body("erp", secretOf("erp")), status: 400, code: "invalid_grant"},
		{name: "odoo wrong", form: body("erp", "wrong"), status: 401, code: "invalid_client"},
		{name: "basic client by post", form: body("app", secretOf("app")), status: 401, code: "invalid_client"},
		{name: "post client by basic", id: "post", status: 401, code: "invalid_client"},
		{name: "basic client without", form: []string{"client_id", "app"}, status: 401, code: "invalid_client"},
		{name: "public with a secret", form: body("spa", "x"), status: 401, code: "invalid_client"},
		{name: "two ways", id: "app", form: body("app", secretOf("app")), status: 400, code: "invalid_request"},
		{name: "two names", id: "app", form: []string{"client_id", "post"}, status: 400, code: "invalid_request"},
		{name: "wrong", header: wrong, status: 401, code: "invalid_client"},
		{name: "unknown", id: "nobody", status: 401, code: "invalid_client"},
		{name: "nobody", status: 401, code: "invalid_client"},
		{name: "assertion", form: []string{"client_assertion", "e30.e30.", "client_id", "app"}, status: 401, code: "invalid_client"},
		{name: "the hash is no secret", form: body("post", oidc.HashSecret(secretOf("post"))), status: 401, code: "invalid_client"},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := url.Values{"grant_type": {"authorization_code"}, "code": {"nonsense"}, "redirect_uri": {callback}}
			for i := 0; i < len(c.form); i += 2 {
				form.Set(c.form[i], c.form[i+1])
			}
			header := c.header
			if c.id != "" {
				header = basic(c.id)
			}
			a := h.do("POST", oidc.PathToken, form, header...)
			h.refused(a, c.status, c.code)
			if a.header.Get("Cache-Control") != "no-store" || (a.status == 401) != strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Basic ") {
				t.Errorf("headers %v", a.header)
			}
		})
	}
	a := h.do("POST", oidc.PathToken+"?client_id=post&client_secret="+secretOf("post"), url.Values{"grant_type": {"authorization_code"}, "code": {"x"}})
	h.refused(a, 401, "invalid_client") // never from the query
	h.refused(h.do("POST", oidc.PathToken, url.Values{"grant_type": {"authorization_code", "authorization_code"}}, basic("app")...), 400, "invalid_request")
	h.refused(h.do("POST", oidc.PathToken, url.Values{}, append(basic("app"), "Content-Type", "application/json")...), 400, "invalid_request")
	h.refused(h.do("POST", oidc.PathToken, url.Values{"grant_type": {strings.Repeat("x", 70000)}}, basic("app")...), 400, "invalid_request")
}
