package oidc_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// P-03, P-07, P-17: what can be registered.
func TestRegistration(t *testing.T) {
	uri := func(t oidc.Type, u string) oidc.Input { return oidc.Input{Type: t, RedirectURIs: []string{u}} }
	for _, c := range []struct {
		in   oidc.Input
		want string // part of the error; empty: fine
	}{
		{uri(oidc.Web, "https://a.example/cb?x=1"), ""},
		{uri(oidc.Web, "http://127.0.0.1:8080/cb"), ""},
		{uri(oidc.Web, "http://localhost/cb"), ""},
		{uri(oidc.Web, "http://a.example/cb"), "must be https"},
		{uri(oidc.SPA, "http://a.example/cb"), "must be https"},
		{uri(oidc.Odoo, "http://erp.lan:8069/auth_oauth/signin"), ""},
		{uri(oidc.Web, "https://a.example/cb#x"), "fragment"},
		{uri(oidc.Web, "https://a.example/cb#"), "fragment"},
		{uri(oidc.Web, "javascript:alert(1)"), "must be https"},
		{uri(oidc.Native, "javascript:alert(1)"), "must be https"},
		{uri(oidc.Odoo, "data:text/html,x"), "must be https"},
		{uri(oidc.Native, "com.example.app:/cb"), ""},
		{uri(oidc.Web, "com.example.app:/cb"), "native"},
		{uri(oidc.Web, "https://u:p@a.example/"), "user name"},
		{uri(oidc.Web, "https://*.example/"), "wildcard"},
		{uri(oidc.Web, "https:///cb"), "no host"},
		{uri(oidc.Web, "/cb"), "absolute"},
		{uri(oidc.Web, "https://a.example/ü"), "ASCII"},
		{uri(oidc.Web, `https://a.example\@b.example/`), "ASCII"},
		{uri("thing", "https://a.example/cb"), "type"},
		{oidc.Input{Type: oidc.Web}, "at least one"},
		{oidc.Input{Type: oidc.Service, RedirectURIs: []string{"https://a.example"}}, "a service has none"},
		{oidc.Input{Type: oidc.Service, Scopes: []string{"openid"}}, "about people"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, ResponseTypes: []string{"token"}}, "response_types"},
		{oidc.Input{Type: oidc.Native, RedirectURIs: []string{callback}, ResponseTypes: []string{"id_token"}}, "response_types"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, GrantTypes: []string{"password"}}, "grant_types"},
		{oidc.Input{Type: oidc.SPA, RedirectURIs: []string{callback}, AuthMethod: "client_secret_basic"}, "auth_method"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, AuthMethod: "none"}, "auth_method"},
		{oidc.Input{Type: oidc.SPA, RedirectURIs: []string{callback}, Secret: "0123456789abcdef"}, "secret"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, Secret: "short"}, "secret"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, IDTokenAlg: "none"}, "id_token_alg"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, IDTokenAlg: "HS256"}, "id_token_alg"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, ID: "a/b"}, "id:"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, Scopes: []string{"a b"}}, "scope token"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, Sessions: "multi"}, "odoo only"},
		{oidc.Input{Type: oidc.Odoo, RedirectURIs: []string{callback}, Sessions: "few", Validations: 3}, "validations"},
		{oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, PostLogoutURIs: []string{"http://a.example/"}}, "post_logout_uris"},
	} {
		_, err := oidc.NewClient(c.in, time.Now())
		if (err == nil) != (c.want == "") || err != nil && (!errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: %v, want %q", c.in, err, c.want)
		}
	}
	_, err := oidc.NewClient(oidc.Input{Type: oidc.Web, ID: "a b", RedirectURIs: []string{"http://a.example", "x"}, IDTokenAlg: "none"}, time.Now())
	if err == nil || strings.Count(err.Error(), "\n") < 3 {
		t.Errorf("not all mistakes at once: %v", err)
	}
}

func TestRegistrationDefaults(t *testing.T) {
	for _, kind := range []oidc.Type{oidc.Odoo, oidc.Web, oidc.SPA, oidc.Native, oidc.Service} {
		in := oidc.Input{Type: kind, Name: " Shop "}
		if kind != oidc.Service {
			in.RedirectURIs = []string{callback}
		}
		r, err := oidc.NewClient(in, time.Now())
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		c := r.Client
		secret := kind == oidc.Web || kind == oidc.Service
		if c.ID == "" || c.Name != "Shop" || (r.Secret != "") != secret || secret && (len(r.Secret) != 43 || c.Secret != oidc.HashSecret(r.Secret)) {
			t.Errorf("%s: %+v", kind, r)
		}
		if (c.ValidationSecret != "") != (kind == oidc.Odoo) || c.Trusted != (kind == oidc.Odoo) {
			t.Errorf("%s: %+v", kind, c)
		}
	}
	r, err := oidc.NewClient(oidc.Input{Type: oidc.Web, RedirectURIs: []string{callback}, ResponseTypes: []string{"token id_token code"}}, time.Now())
	if err != nil || !slices.Equal(r.Client.ResponseTypes, []string{"code id_token token"}) || !slices.Contains(r.Client.GrantTypes, "implicit") {
		t.Errorf("%+v, %v", r, err)
	}
	r, err = oidc.NewClient(oidc.Input{Type: oidc.Odoo, RedirectURIs: []string{"http://erp.lan/auth_oauth/signin"}}, time.Now())
	if err != nil || len(r.Warnings) != 1 {
		t.Fatalf("no warning: %+v, %v", r, err)
	}
	if w := r.Warnings[0]; w.Code != "clear_text" || w.Text != `redirect_uris: "http://erp.lan/auth_oauth/signin" travels in clear text; use https outside your own network` {
		t.Errorf("%+v", w)
	}
}
