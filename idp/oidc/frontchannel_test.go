package oidc_test

import (
	"encoding/base64"
	"net/url"
	"slices"
	"testing"
	"time"

	"latchkey/idp/oidc"
)

func decode(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(s) }

// The page after signing out loads each application's address, with issuer and
// session unless it does without, and only then goes on (OpenID Connect
// Front-Channel Logout 1.0).
func TestFrontchannelLogout(t *testing.T) {
	h := open(t)
	at := "https://rp.example.org/out"
	h.add(oidc.Input{ID: "app", Type: oidc.Web, Trusted: true, PostLogoutURIs: []string{bye}, FrontchannelURI: at + "?a=b"})
	h.add(oidc.Input{ID: "plain", Type: oidc.Web, Trusted: true, FrontchannelURI: at, FrontchannelPlain: true})
	h.add(oidc.Input{ID: "unused", Type: oidc.Web, Trusted: true, FrontchannelURI: "https://rp.example.org/unused"})
	h.web("without")
	visit := func(query url.Values) (answer, []string) {
		h.Helper()
		a := h.do("GET", oidc.PathLogout+"?"+query.Encode(), nil)
		return a, h.pages.bye.Frames
	}
	s := h.signIn("ada")
	hint, _ := h.tokens("app")["id_token"].(string)
	h.tokens("plain")
	h.tokens("without")
	a, frames := visit(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}, "state": {"x"}})
	want := []string{at + "?a=b&iss=" + url.QueryEscape(h.url) + "&sid=" + string(s.ID), at}
	if a.body != "page:bye" || !slices.Equal(frames, want) || !h.pages.bye.Onward || h.pages.bye.Back != bye+"?state=x" {
		t.Errorf("%s %+v, want %q", a.body, h.pages.bye, want)
	}
	// Nobody is signed in any more: there is nothing to tell.
	if a, _ := visit(url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {bye}}); a.header.Get("Location") != bye {
		t.Errorf("%d %s", a.status, a.body)
	}
	// P-30: without a hint the person is asked first, and is led back by a link.
	h.signIn("ada")
	h.tokens("app")
	if a, _ := visit(url.Values{"client_id": {"app"}}); a.body != "page:logout" {
		t.Errorf("%d %s", a.status, a.body)
	}
	form := url.Values{"csrf": {"good"}}
	for name, v := range h.pages.logout.Hidden {
		form.Set(name, v)
	}
	if a := h.do("POST", h.pages.logout.Action, form); a.body != "page:bye" || len(h.pages.bye.Frames) != 1 || h.pages.bye.Onward {
		t.Errorf("%s %+v", a.body, h.pages.bye)
	}
}

// Where a client is told of the end of a session is checked at registration.
func TestLogoutAddresses(t *testing.T) {
	for _, c := range []struct {
		name        string
		typ         oidc.Type
		back, front string
		ok          bool
	}{
		{"https", oidc.Web, "https://rp.example.org/bc", "https://rp.example.org/fc", true},
		{"default port", oidc.Web, "", "https://rp.example.org:443/fc", true},
		{"elsewhere for the server", oidc.Web, "https://api.example.net/bc", "", true},
		{"own machine", oidc.Web, "http://127.0.0.1:8080/bc", "", true},
		{"Odoo", oidc.Odoo, "https://rp.example.org/bc", "", true},
		{"http", oidc.Web, "http://rp.example.org/bc", "", false},
		{"http, Odoo", oidc.Odoo, "http://10.0.0.5/bc", "", false},
		{"public address", oidc.Web, "https://8.8.8.8/bc", "", true},
		{"private address", oidc.Web, "https://10.0.0.5/bc", "", false},
		{"metadata of a cloud", oidc.Web, "https://169.254.169.254/bc", "", false},
		{"fragment", oidc.Web, "https://rp.example.org/bc#x", "", false},
		{"user name", oidc.Web, "https://a:b@rp.example.org/bc", "", false},
		{"script", oidc.SPA, "", "javascript:alert(1)", false},
		{"own scheme", oidc.Native, "com.example.app:/bc", "", false},
		{"frame on another host", oidc.Web, "", "https://other.example.org/fc", false},
		{"frame on another port", oidc.Web, "", "https://rp.example.org:8443/fc", false},
		{"service", oidc.Service, "https://rp.example.org/bc", "", false},
	} {
		in := oidc.Input{ID: "app", Type: c.typ, BackchannelURI: c.back, FrontchannelURI: c.front}
		if c.typ != oidc.Service {
			in.RedirectURIs = []string{callback}
		}
		if c.typ == oidc.Native {
			in.RedirectURIs = []string{"com.example.app:/cb"}
		}
		if _, err := oidc.NewClient(in, time.Now()); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
