package demo

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"latchkey/ui/page/pagetest"
)

// Leaving ends the shop's session first, whatever becomes of the provider's,
// and the provider is told the client that signed in.
func TestLeave(t *testing.T) {
	s := &Shop{Issuer: "http://localhost:1", Base: "http://localhost:2", OdooClient: "demo-odoo", CodeClient: "demo-web"}
	for _, c := range []struct {
		name, client, token, also string
		want                      string
		query                     url.Values
	}{
		{"shop alone", "demo-web", "t", "", "/", url.Values{}},
		{"code", "demo-web", "t", "provider", "http://localhost:1/oauth2/logout",
			url.Values{"client_id": {"demo-web"}, "id_token_hint": {"t"}, "post_logout_redirect_uri": {"http://localhost:2/"}}},
		{"odoo", "demo-odoo", "", "provider", "http://localhost:1/oauth2/logout", url.Values{"client_id": {"demo-odoo"}, "post_logout_redirect_uri": {"http://localhost:2/"}}},
		{"nobody", "", "", "provider", "/", url.Values{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := guest{Client: c.client, IDToken: c.token}
			if c.client != "" {
				g.How = "somehow"
			}
			s.guests = map[string]*guest{"g": &g}
			r := httptest.NewRequest("POST", "/leave", strings.NewReader(url.Values{"also": {c.also}}.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.AddCookie(&http.Cookie{Name: cookie, Value: "g"})
			w := httptest.NewRecorder()
			s.Handler().ServeHTTP(w, r)
			to, err := url.Parse(w.Header().Get("Location"))
			if err != nil || w.Code != http.StatusSeeOther {
				t.Fatal(w.Code, err)
			}
			query := to.Query().Encode()
			if to.RawQuery = ""; to.String() != c.want || query != c.query.Encode() {
				t.Errorf("leads to %s with %s", to, query)
			}
			if len(s.guests) != 0 {
				t.Error("still in the shop")
			}
		})
	}
}

// the shop in a browser, before signing in, after it, and when it went wrong.
func TestShopInBrowser(t *testing.T) {
	s := &Shop{Issuer: "http://localhost:1", OdooClient: "demo-odoo", CodeClient: "demo-web"}
	in := &guest{Name: "Camille Durand", Email: "camille.durand@example.com", How: "by authorization code with PKCE", Saw: "{\n  \"sub\": \"" + strings.Repeat("x", 60) + "\"\n}"}
	s.guests = map[string]*guest{"g": in}
	m := http.NewServeMux()
	m.Handle("/", s.Handler())
	m.HandleFunc("/in", func(w http.ResponseWriter, r *http.Request) {
		r.AddCookie(&http.Cookie{Name: cookie, Value: "g"})
		s.home(w, r)
	})
	srv := httptest.NewServer(m)
	defer srv.Close()
	pagetest.InspectPlain(t, srv.URL+"/", srv.URL+"/in", srv.URL+"/callback?error=access_denied&error_description=No.")
}
