package oidc_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// An independent client library goes the usual way, with both algorithms.
func TestIndependentClient(t *testing.T) {
	for _, alg := range oidc.Algs {
		t.Run(alg, func(t *testing.T) {
			h := open(t)
			h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, IDTokenAlg: alg})
			s := h.signIn("ada", "totp")
			ctx := h.Context()
			provider, err := client.NewProvider(ctx, h.url)
			h.must(err)
			cfg := oauth2.Config{
				ClientID: "app", ClientSecret: secretOf("app"), Endpoint: provider.Endpoint(), RedirectURL: callback,
				Scopes: []string{"openid", "profile", "email", "phone", "address", "offline_access"},
			}
			verifier := oauth2.GenerateVerifier()
			a := h.do("GET", cfg.AuthCodeURL("st", client.Nonce("n1"), oauth2.S256ChallengeOption(verifier)), nil)
			if a.status != 303 || a.params.Get("state") != "st" || a.params.Get("iss") != h.url { // P-15, P-18
				t.Fatalf("%d %v", a.status, a.to)
			}
			token, err := cfg.Exchange(ctx, a.params.Get("code"), oauth2.VerifierOption(verifier))
			h.must(err)
			raw, _ := token.Extra("id_token").(string)
			id, err := provider.Verifier(&client.Config{ClientID: "app", Now: h.now, SupportedSigningAlgs: []string{alg}}).Verify(ctx, raw)
			h.must(err)
			h.must(id.VerifyAccessToken(token.AccessToken)) // P-20: at_hash
			var claims struct {
				ACR, SID string
				AMR      []string
				AuthTime int64 `json:"auth_time"`
				RAT      any
				Name     any
			}
			h.must(id.Claims(&claims))
			if id.Nonce != "n1" || id.Subject != "u-ada" || claims.ACR != idp.AAL2 || claims.SID != string(s.ID) ||
				claims.AuthTime != s.AuthTime().Unix() || !slices.Equal(claims.AMR, []string{"pwd", "otp", "mfa"}) || claims.RAT != nil || claims.Name != nil {
				t.Errorf("ID token: %+v %+v", id, claims)
			}
			info, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
			h.must(err)
			if info.Subject != "u-ada" || info.Email != "ada@example.org" || !info.EmailVerified {
				t.Errorf("userinfo: %+v", info)
			}
			h.move(20 * time.Minute)
			token.Expiry = time.Now().Add(-time.Hour) // the library has a clock of its own
			again, err := cfg.TokenSource(ctx, token).Token()
			h.must(err)
			if again.AccessToken == token.AccessToken || again.RefreshToken == token.RefreshToken {
				t.Error("refresh changed nothing")
			}
			next, err := provider.Verifier(&client.Config{ClientID: "app", Now: h.now, SupportedSigningAlgs: []string{alg}}).Verify(ctx, again.Extra("id_token").(string))
			h.must(err)
			if next.Nonce != "" || next.Subject != id.Subject || !next.IssuedAt.After(id.IssuedAt) {
				t.Errorf("refreshed ID token: %+v", next)
			}
		})
	}
}

// All 14 profile claims, e-mail, phone and address come from userinfo; the ID
// token has them only where nothing else can (OpenID Connect Core 1.0 §5.4).
func TestClaims(t *testing.T) {
	h := open(t)
	h.web("app", "code", "id_token", "id_token token")
	h.signIn("ada")
	scope := "openid profile email phone address"
	m := h.good(h.exchange(h.code(ask("app", "scope", scope)), "app"))
	info := h.userInfo(m["access_token"]).json(t)
	for _, name := range []string{
		"sub", "name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile", "picture", "website", "gender",
		"birthdate", "zoneinfo", "locale", "updated_at", "email", "email_verified", "phone_number", "phone_number_verified", "address",
	} {
		if info[name] == nil {
			t.Errorf("userinfo lacks %s", name)
		}
	}
	a := h.authorize(ask("app", "response_type", "id_token", "scope", scope))
	if c := h.claims(a.params.Get("id_token")); c["email"] != "ada@example.org" || c["name"] == nil {
		t.Errorf("id_token alone: %v", c)
	}
	a = h.authorize(ask("app", "response_type", "id_token token", "scope", scope))
	if c := h.claims(a.params.Get("id_token")); c["email"] != nil || c["at_hash"] != half(a.params.Get("access_token")) {
		t.Errorf("id_token token: %v", c)
	}
	// P-19: claims by name, for userinfo and for the ID token.
	wish := `{"userinfo":{"name":{"essential":true},"nonsense":null},"id_token":{"email":null}}`
	m = h.good(h.exchange(h.code(ask("app", "scope", "openid", "claims", wish)), "app"))
	if c := h.claims(m["id_token"]); c["email"] != "ada@example.org" || c["name"] != nil {
		t.Errorf("ID token: %v", c)
	}
	if i := h.userInfo(m["access_token"]).json(t); i["name"] != "Ada Lovelace" || i["email"] != nil {
		t.Errorf("userinfo: %v", i)
	}
}

// P-16: claims by name reach no further than the scopes of the registration.
func TestClaimsByNameNeedScopes(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "small", Type: oidc.Web, Trusted: true, Scopes: []string{"openid", "email"}})
	h.signIn("ada")
	wish := `{"userinfo":{"phone_number":{"essential":true},"email":null},"id_token":{"name":null}}`
	m := h.good(h.exchange(h.code(ask("small", "scope", "openid", "claims", wish)), "small"))
	i := h.userInfo(m["access_token"]).json(t)
	if i["email"] == nil || i["phone_number"] != nil || h.claims(m["id_token"])["name"] != nil {
		t.Errorf("%v", i)
	}
}

// P-17, P-20: every response type answers in its place, and nowhere else.
func TestResponseTypes(t *testing.T) {
	h := open(t)
	types := []string{"code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"}
	h.web("app", types...)
	h.web("plain")
	h.signIn("ada")
	for _, rt := range types {
		t.Run(rt, func(t *testing.T) {
			words := strings.Fields(rt)
			slices.Reverse(words) // any order will do
			a := h.authorize(ask("app", "response_type", strings.Join(words, " ")))
			if a.status != 303 || (a.to.Fragment != "") != (rt != "code") || a.params.Get("state") != "the state" || a.params.Get("iss") != h.url {
				t.Fatalf("%d %v", a.status, a.to)
			}
			for param, word := range map[string]string{"code": "code", "id_token": "id_token", "access_token": "token"} {
				if a.params.Has(param) != slices.Contains(words, word) {
					t.Errorf("%s: %v", param, a.params)
				}
			}
			if raw := a.params.Get("id_token"); raw != "" {
				c := h.claims(raw)
				if code := a.params.Get("code"); code != "" && c["c_hash"] != half(code) || c["nonce"] != "the nonce" {
					t.Errorf("ID token: %v", c)
				}
			}
			if code := a.params.Get("code"); code != "" {
				h.good(h.exchange(code, "app"))
			}
			if rt == "code" {
				return
			}
			if a := h.authorize(ask("plain", "response_type", rt)); a.params.Get("error") != "unauthorized_client" {
				t.Errorf("unregistered: %v", a.to)
			}
			if a := h.authorize(ask("app", "response_type", rt, "response_mode", "query")); a.params.Get("error") != "invalid_request" || a.to.RawQuery != "" {
				t.Errorf("query: %v", a.to)
			}
			if strings.Contains(rt, "id_token") {
				if a := h.authorize(ask("app", "response_type", rt, "nonce", "")); a.params.Get("error") != "invalid_request" {
					t.Errorf("without nonce: %v", a.to)
				}
			}
		})
	}
	for rt, want := range map[string]string{"": "invalid_request", "token": "unauthorized_client", "none": "unsupported_response_type", "code code": "unsupported_response_type"} {
		if a := h.authorize(ask("app", "response_type", rt)); a.params.Get("error") != want {
			t.Errorf("%q: %v, want %s", rt, a.to, want)
		}
	}
	// P-07: not even a registration that says so makes `token` alone possible.
	odd := h.web("odd")
	odd.ResponseTypes, odd.GrantTypes = []string{"code", "token"}, []string{"authorization_code", "implicit"}
	h.must(h.db.Clients.Save(h.Context(), odd))
	if a := h.authorize(ask("odd", "response_type", "token")); a.params.Get("error") != "unauthorized_client" {
		t.Errorf("token alone: %v", a.to)
	}
	for _, rt := range []string{"code", "code id_token token"} {
		a := h.authorize(ask("app", "response_type", rt, "response_mode", "form_post"))
		if a.to != nil || a.body != "page:post:"+callback || a.params.Get("code") == "" || a.params.Get("iss") != h.url {
			t.Errorf("form_post: %+v", a)
		}
	}
	if a := h.authorize(ask("app", "response_mode", "form_post", "prompt", "nonsense")); a.params.Get("error") != "invalid_request" || a.body == "" {
		t.Errorf("error by form_post: %+v", a)
	}
	if a := h.authorize(ask("app", "response_mode", "jwt")); a.params.Get("error") != "invalid_request" {
		t.Errorf("unknown mode: %v", a.to)
	}
}

// An authorization request may be a POST; from another site it comes without
// cookies, so it is sent round by GET.
func TestPost(t *testing.T) {
	h := open(t)
	h.web("app")
	a := h.do("POST", oidc.PathAuthorize, ask("app"))
	if a.status != 303 || a.to.Path != oidc.PathAuthorize || a.params.Get("client_id") != "app" {
		t.Fatalf("%d %v", a.status, a.to)
	}
	h.signIn("ada")
	if a := h.do("POST", oidc.PathAuthorize, ask("app")); a.params.Get("code") == "" {
		t.Errorf("%d %v", a.status, a.to)
	}
	if a := h.do("POST", oidc.PathAuthorize, url.Values{"client_id": {"app"}}, "Content-Type", "application/json"); a.status != 400 || a.body != "page:error:malformed" {
		t.Errorf("JSON: %d %s", a.status, a.body)
	}
}

// P-07: services get tokens of their own, which open nobody's userinfo.
func TestService(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "job", Type: oidc.Service, Scopes: []string{"orders.read", "orders.write"}})
	h.web("app")
	get := func(id oidc.ClientID, scope string) answer {
		return h.do("POST", oidc.PathToken, url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}, basic(id)...)
	}
	m := h.good(get("job", "orders.read"))
	if m["scope"] != "orders.read" || m["refresh_token"] != nil || m["id_token"] != nil {
		t.Errorf("%v", m)
	}
	h.refused(get("job", "orders.delete"), 400, "invalid_scope")
	h.refused(get("app", ""), 400, "unauthorized_client")
	h.refused(h.userInfo(m["access_token"]), 401, "invalid_token")
	i := h.good(h.do("POST", oidc.PathIntrospect, url.Values{"token": {m["access_token"].(string)}}, basic("job")...))
	if i["active"] != true || i["sub"] != nil || i["client_id"] != "job" {
		t.Errorf("introspection: %v", i)
	}
	for grant, want := range map[string]string{"password": "unsupported_grant_type", "": "invalid_request", "urn:ietf:params:oauth:grant-type:jwt-bearer": "unsupported_grant_type"} {
		h.refused(h.do("POST", oidc.PathToken, url.Values{"grant_type": {grant}, "username": {"ada"}, "password": {"x"}}, basic("app")...), 400, want)
	}
}

// The budget of DESIGN.md §3, with a live session.
func TestTrips(t *testing.T) {
	each(t, func(h *house) {
		h.web("app")
		h.signIn("ada")
		h.tokens("app") // warm
		count := func(what string, trips, commits int64, f func()) {
			t0, c0 := h.db.Trips()
			f()
			t1, c1 := h.db.Trips()
			if t1-t0 > trips || c1-c0 > commits {
				h.Errorf("%s: %d trips and %d commits, want %d and %d", what, t1-t0, c1-c0, trips, commits)
			}
		}
		var code string
		var m map[string]any
		count("authorize", 2, 1, func() { code = h.code(ask("app")) })
		count("token", 2, 1, func() { m = h.good(h.exchange(code, "app")) })
		count("userinfo", 1, 0, func() { h.userInfo(m["access_token"]) })
		count("introspection", 1, 0, func() {
			h.do("POST", oidc.PathIntrospect, url.Values{"token": {m["access_token"].(string)}}, basic("app")...)
		})
		count("refresh", 2, 1, func() { h.good(h.refresh(m["refresh_token"].(string), "app")) })
		count("a made-up token", 0, 0, func() { h.userInfo("lk_at_AAAA.BBBB") })
		count("discovery", 0, 0, func() { h.do("GET", oidc.PathDiscovery, nil) })
		count("keys", 0, 0, func() { h.do("GET", oidc.PathJWKS, nil) })
	})
}
