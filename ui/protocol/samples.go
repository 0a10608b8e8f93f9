package protocol

import (
	"html/template"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/page"
)

// Samples is every page of this package with sample data.
func (p Pages) Samples() []page.Sample {
	client := oidc.Client{ID: "photos", Name: "Photo Prints", PostLogoutURIs: []string{"https://photos.example.org/bye"}}
	user := idp.User{ID: "u", Name: "Camille Durand", Login: "camille.durand@example.com"}
	drawn := func(name string, draw func(http.ResponseWriter, *http.Request)) page.Sample {
		return page.Sample{Name: name, Draw: func(c *page.Context) error { draw(c.W, c.R); return nil }}
	}
	return []page.Sample{
		drawn("consent", func(w http.ResponseWriter, r *http.Request) {
			p.Consent(w, r, oidc.ConsentView{
				Client: client, User: user, Scopes: []string{"openid", "profile", "email", "offline_access", "invoices.read"},
				Action: "/oauth2/consent", Hidden: map[string]string{"request": "r"}, Redirect: "https://photos.example.org/cb",
			})
		}),
		// Without the script, which would send it.
		{Name: "form-post", Draw: func(c *page.Context) error {
			return c.Show(set, http.StatusOK, "form_post.html", formPostView{
				Action: template.URL("/"), Host: "photos.example.org", Fields: []field{{"code", "c"}},
			})
		}},
		drawn("logout", func(w http.ResponseWriter, r *http.Request) {
			p.Logout(w, r, oidc.LogoutView{User: user, Client: client, Action: "/oauth2/logout", Hidden: map[string]string{"state": "s"}})
		}),
		drawn("logged-out", func(w http.ResponseWriter, r *http.Request) {
			p.LoggedOut(w, r, oidc.LoggedOutView{Client: client, Back: "https://photos.example.org/bye"})
		}),
		drawn("error-client", func(w http.ResponseWriter, r *http.Request) {
			p.Error(w, r, oidc.Problem{Status: http.StatusBadRequest, Key: "redirect_uri", Detail: map[string]string{"redirect_uri": "http://odoo.example.com/auth_oauth/signin"}})
		}),
		drawn("error-several", func(w http.ResponseWriter, r *http.Request) {
			p.Error(w, r, oidc.Problem{Status: http.StatusConflict, Key: "odoo_several"})
		}),
		drawn("error-stranger", func(w http.ResponseWriter, r *http.Request) {
			p.Error(w, r, oidc.Problem{Status: http.StatusForbidden, Key: "odoo_stranger"})
		}),
	}
}
