package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// P-23, P-24: one's own tokens only, and no 200 when nothing was revoked.
func TestIntrospectionAndRevocation(t *testing.T) {
	h := open(t)
	h.web("app")
	h.web("other")
	h.add(oidc.Input{ID: "spa", Type: oidc.SPA, Trusted: true})
	h.signIn("ada")
	about := func(path string, token any, headers ...string) answer {
		return h.do("POST", path, url.Values{"token": {token.(string)}}, headers...)
	}
	m := h.tokens("app")
	for _, name := range []string{"access_token", "refresh_token"} {
		if i := h.good(about(oidc.PathIntrospect, m[name], basic("app")...)); i["active"] != true || i["sub"] != "u-ada" || i["iss"] != h.url {
			t.Errorf("%s: %v", name, i)
		}
		for _, token := range []any{m[name], "nonsense", m["id_token"]} { // P-25
			id := oidc.ClientID("other")
			if token == m["id_token"] {
				id = "app"
			}
			if i := h.good(about(oidc.PathIntrospect, token, basic(id)...)); i["active"] != false || len(i) != 1 {
				t.Errorf("%s of another: %v", name, i)
			}
		}
	}
	h.refused(about(oidc.PathIntrospect, m["access_token"]), 401, "invalid_client")
	h.refused(h.do("POST", oidc.PathIntrospect, url.Values{"token": {"x"}, "client_id": {"spa"}}), 401, "invalid_client")
	h.refused(h.do("POST", oidc.PathIntrospect, url.Values{}, basic("app")...), 400, "invalid_request")

	for _, token := range []any{m["access_token"], m["refresh_token"], "nonsense"} {
		if a := about(oidc.PathRevoke, token, basic("other")...); a.status != 200 || a.body != "" {
			t.Errorf("revoking another's: %d %s", a.status, a.body)
		}
	}
	if a := h.userInfo(m["access_token"]); a.status != 200 {
		t.Error("another client revoked it")
	}
	h.refused(about(oidc.PathRevoke, m["access_token"]), 401, "invalid_client")
	for range 2 {
		if a := about(oidc.PathRevoke, m["access_token"], basic("app")...); a.status != 200 {
			t.Errorf("%d", a.status)
		}
	}
	h.refused(h.userInfo(m["access_token"]), 401, "invalid_token")
	m = h.good(h.refresh(m["refresh_token"].(string), "app"))
	about(oidc.PathRevoke, m["refresh_token"], basic("app")...)
	h.refused(h.refresh(m["refresh_token"].(string), "app"), 400, "invalid_grant")
	h.refused(h.userInfo(m["access_token"]), 401, "invalid_token")
}

// P-24 and SECURITY.md §3: a store that does not answer makes 503, not 200,
// not 500, and not "the token is wrong".
func TestStoreDown(t *testing.T) {
	eachWith(t, func(c *oidc.Config) { c.Grants = broken{c.Grants} }, func(h *house) {
		h.web("app")
		h.signIn("ada")
		code := h.code(ask("app"))
		token := "lk_at_" + strings.TrimPrefix(code, "lk_ac_")
		for name, a := range map[string]answer{
			"token":    h.exchange(code, "app"),
			"userinfo": h.userInfo(token),
			"revoke":   h.do("POST", oidc.PathRevoke, url.Values{"token": {token}}, basic("app")...),
			"intro":    h.do("POST", oidc.PathIntrospect, url.Values{"token": {token}}, basic("app")...),
		} {
			h.refused(a, 503, "temporarily_unavailable")
			if a.header.Get("Retry-After") == "" || strings.Contains(a.body, errDown.Error()) {
				h.Errorf("%s: %v %s", name, a.header, a.body)
			}
		}
		if len(h.faults) != 4 {
			h.Errorf("the operator sees %v", h.faults)
		}
	})
}

// P-22, X-06: userinfo.
func TestUserInfo(t *testing.T) {
	h := open(t)
	h.web("app")
	h.signIn("ada")
	m := h.tokens("app")
	token := m["access_token"].(string)
	for name, a := range map[string]answer{
		"GET":  h.userInfo(token),
		"POST": h.do("POST", oidc.PathUserInfo, nil, "Authorization", "Bearer "+token),
		"body": h.do("POST", oidc.PathUserInfo, url.Values{"access_token": {token}}),
	} {
		if i := h.good(a); i["sub"] != "u-ada" || a.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", name, i)
		}
		if a.header.Get("Access-Control-Allow-Origin") != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %v", name, a.header)
		}
	}
	for name, a := range map[string]answer{
		"query":         h.do("GET", oidc.PathUserInfo+"?access_token="+token, nil),
		"none":          h.do("GET", oidc.PathUserInfo, nil),
		"nonsense":      h.userInfo("nonsense"),
		"ID token":      h.userInfo(m["id_token"]),      // P-25
		"refresh token": h.userInfo(m["refresh_token"]), // not for reading
		"code":          h.userInfo(h.code(ask("app"))),
	} {
		h.refused(a, 401, "invalid_token")
		if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: %v", name, a.header)
		}
	}
	h.refused(h.do("POST", oidc.PathUserInfo, url.Values{"access_token": {token}}, "Authorization", "Bearer "+token), 400, "invalid_request")
	plain := h.good(h.exchange(h.code(ask("app", "scope", "profile")), "app"))
	h.refused(h.userInfo(plain["access_token"]), 403, "insufficient_scope")
	if a := h.do("OPTIONS", oidc.PathUserInfo, nil, "Origin", "https://a.example"); a.status != 204 || !strings.Contains(a.header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("preflight: %d %v", a.status, a.header)
	}
	// It tells what is so now, not what was.
	u, err := h.db.Users.ByID(h.Context(), "u-ada")
	h.must(err)
	was := u
	u.Name = "Ada King"
	h.must(h.db.Users.Update(h.Context(), was, u, []idp.Identifier{{Canonical: "ada", Skeleton: "ada"}, {Canonical: u.Email, Skeleton: u.Email}}))
	if i := h.userInfo(token).json(t); i["name"] != "Ada King" {
		t.Errorf("%v", i)
	}
	h.move(11 * time.Minute)
	h.refused(h.userInfo(token), 401, "invalid_token")
}

// D-07: who has the wrong secret of a client that there is leaves a line, one a
// minute for each address; who names no client of ours leaves none.
func TestWrongSecretsAreNoted(t *testing.T) {
	h := open(t)
	h.web("app")
	wrong := func(client string) {
		h.Helper()
		h.refused(h.do("POST", oidc.PathIntrospect, url.Values{"client_id": {client}, "client_secret": {"wrong"}, "token": {"x"}}), 401, "invalid_client")
	}
	for range 3 {
		wrong("app")
		wrong("nobody")
	}
	if n := h.events("client.auth", "wrong"); n != 1 {
		t.Errorf("%d lines", n)
	}
	h.move(61 * time.Second)
	wrong("app")
	if n := h.events("client.auth", "wrong"); n != 2 {
		t.Errorf("%d lines a minute later", n)
	}
}
