package oidc_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp/oidc"
)

const bye = "https://rp.example.org/bye"

// P-30: signing out (OpenID Connect RP-Initiated Logout 1.0).
func TestLogout(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, PostLogoutURIs: []string{bye, bye + "?a=b"}})
	h.web("other")
	h.user("bob")
	h.signIn("bob")
	bobs := h.tokens("app")["id_token"].(string)
	state := strings.Repeat("s", 128)
	var hint string
	for _, c := range []struct {
		name   string
		params func() []string
		want   string // page or address
	}{
		{"hint, address, state", func() []string {
			return []string{"id_token_hint", hint, "post_logout_redirect_uri", bye, "state", state}
		}, bye + "?state=" + state},
		{"registered query", func() []string {
			return []string{"id_token_hint", hint, "post_logout_redirect_uri", bye + "?a=b", "state", "x y"}
		}, bye + "?a=b&state=x%20y"},
		{"no state", func() []string { return []string{"id_token_hint", hint, "post_logout_redirect_uri", bye} }, bye},
		{"hint alone", func() []string { return []string{"id_token_hint", hint} }, "page:bye"},
		{"nothing", func() []string { return nil }, "page:logout"},
		{"state alone", func() []string { return []string{"state", "x"} }, "page:logout"},
		{"no hint", func() []string { return []string{"client_id", "app", "post_logout_redirect_uri", bye} }, "page:logout"},
		{"no hint, no client", func() []string { return []string{"post_logout_redirect_uri", bye} }, "page:logout"},
		{"another person's hint", func() []string { return []string{"id_token_hint", bobs, "post_logout_redirect_uri", bye} }, "page:logout"},
		{"broken hint", func() []string {
			return []string{"id_token_hint", hint[:len(hint)-8], "post_logout_redirect_uri", bye}
		}, "page:logout"},
		{"unsigned hint", func() []string {
			return []string{"id_token_hint", "eyJhbGciOiJub25lIn0." + strings.Split(hint, ".")[1] + ".", "post_logout_redirect_uri", bye}
		}, "page:logout"},
		{"unknown address", func() []string {
			return []string{"id_token_hint", hint, "post_logout_redirect_uri", bye + "/evil"}
		}, "page:error:redirect_uri"},
		{"query added", func() []string {
			return []string{"id_token_hint", hint, "post_logout_redirect_uri", bye + "?foo=bar"}
		}, "page:error:redirect_uri"},
		{"another client", func() []string { return []string{"id_token_hint", hint, "client_id", "other"} }, "page:error:client"},
		{"unknown client", func() []string { return []string{"client_id", "nobody"} }, "page:error:client"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h.signIn("ada")
			m := h.tokens("app")
			hint = m["id_token"].(string)
			q := url.Values{}
			for p := c.params(); len(p) > 0; p = p[2:] {
				q.Set(p[0], p[1])
			}
			a := h.do("GET", oidc.PathLogout+"?"+q.Encode(), nil)
			if got := a.header.Get("Location") + a.body; got != c.want {
				t.Fatalf("%d %s, want %s", a.status, got, c.want)
			}
			ended := c.want == "page:bye" || strings.HasPrefix(c.want, bye)
			silent := h.authorize(ask("app", "prompt", "none")).params.Get("error")
			if (silent == "login_required") != ended || (h.userInfo(m["access_token"]).status == 401) != ended {
				t.Errorf("ended %v, but prompt=none says %q", ended, silent)
			}
			if clear := a.header.Get("Clear-Site-Data"); (clear != "") != ended || strings.Contains(clear, "cookies") { // S-09
				t.Errorf("Clear-Site-Data %q", clear)
			}
		})
	}
}

// The confirmation belongs to our form, and leads back only to a client that
// was named and registered the address.
func TestLogoutConfirmed(t *testing.T) {
	h := open(t)
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, PostLogoutURIs: []string{bye}})
	confirm := func(query string, csrf string) answer {
		h.Helper()
		if a := h.do("GET", oidc.PathLogout+"?"+query, nil); a.body != "page:logout" {
			t.Fatalf("%d %s", a.status, a.body)
		}
		form := url.Values{"csrf": {csrf}}
		for name, v := range h.pages.logout.Hidden {
			form.Set(name, v)
		}
		return h.do("POST", h.pages.logout.Action, form)
	}
	h.signIn("ada")
	m := h.tokens("app")
	code := h.code(ask("app"))
	if a := confirm("", "bad"); a.status != 403 || h.authorize(ask("app")).params.Get("code") == "" {
		t.Errorf("CSRF: %d %s", a.status, a.body)
	}
	back := url.Values{"client_id": {"app"}, "post_logout_redirect_uri": {bye}, "state": {"x"}}
	if a := confirm(back.Encode(), "good"); a.header.Get("Location") != bye+"?state=x" {
		t.Errorf("%d %v", a.status, a.header)
	}
	h.refused(h.exchange(code, "app"), 400, "invalid_grant") // codes of the session are dead, too
	h.refused(h.userInfo(m["access_token"]), 401, "invalid_token")
	h.good(h.refresh(m["refresh_token"].(string), "app")) // offline_access means just that
	h.signIn("ada")
	if a := confirm("post_logout_redirect_uri="+url.QueryEscape(bye), "good"); a.body != "page:bye" || h.pages.bye.Back != "" {
		t.Errorf("an address without a client: %d %v %s", a.status, a.to, a.body)
	}
	if h.events("logout", "ok") != 2 {
		t.Error("the log misses a logout")
	}
	// An application may post, too; from another site that comes without
	// cookies, so it is sent round by GET.
	h.signIn("ada")
	hint := h.tokens("app")["id_token"].(string)
	a := h.do("POST", oidc.PathLogout, url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}})
	if a.status != 303 || a.to.Path != oidc.PathLogout {
		t.Fatalf("%d %v", a.status, a.to)
	}
	h.move(10 * time.Hour) // the hint may be from the morning
	if a := h.do("GET", a.to.String(), nil); a.header.Get("Location") != bye {
		t.Errorf("%d %v %s", a.status, a.to, a.body)
	}
}
