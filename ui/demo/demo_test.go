package demo

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
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
