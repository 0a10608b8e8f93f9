package protocol

import (
	"html/template"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/ui/page"
)

func drawn(name string, draw http.HandlerFunc) page.Sample {
	return page.Sample{Name: name, Draw: func(c *page.Context) error { draw(c.W, c.R); return nil }}
}

// Samples is every page of this package with sample data.
func (p Pages) Samples() []page.Sample {
	client := oidc.Client{ID: "photos", Name: "Photo Prints", PostLogoutURIs: []string{"https://photos.example.org/bye"}}
	own := client // that registered itself
	own.Self, own.PolicyURI, own.TermsURI = &oidc.Self{}, "https://photos.example.org/privacy", "https://photos.example.org/terms"
	user := idp.User{ID: "u", Name: "Camille Durand", Login: "camille.durand@example.com"}
	return []page.Sample{
		drawn("consent-app", func(w http.ResponseWriter, r *http.Request) {
			p.Consent(w, r, oidc.ConsentView{Client: own, User: user, Scopes: []string{"openid", "email"}, Action: "/oauth2/consent", Redirect: "https://photos.example.org/cb"})
		}),
		drawn("consent-bare", func(w http.ResponseWriter, r *http.Request) {
			p.Consent(w, r, oidc.ConsentView{Client: client, User: user, Action: "/oauth2/consent", Redirect: "https://photos.example.org/cb"})
		}),
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
		drawn("device", func(w http.ResponseWriter, r *http.Request) {
			p.Device(w, r, oidc.DeviceView{Action: oidc.PathDevice, Code: "WDJB-MJHT"})
		}),
		drawn("device-wrong", func(w http.ResponseWriter, r *http.Request) {
			p.Device(w, r, oidc.DeviceView{Action: oidc.PathDevice, Code: "WDJB-MJHT", Wrong: true})
		}),
		drawn("device-confirm", func(w http.ResponseWriter, r *http.Request) {
			p.DeviceConfirm(w, r, oidc.DeviceConfirmView{
				Client: own, User: user, Scopes: []string{"openid", "profile", "offline_access"}, Code: "WDJB-MJHT", Place: "Lyon, France", At: p.Site.From(w, r).Now(),
				From:   idp.Origin{Address: "203.0.113.7", Agent: "Mozilla/5.0 (Linux; Android 14; TC22) AppleWebKit/537.36 Chrome/126.0 Mobile Safari/537.36"},
				Action: oidc.PathDeviceConfirm, Hidden: map[string]string{"user_code": "WDJB-MJHT", "mark": "m"},
			})
		}),
		drawn("device-done", func(w http.ResponseWriter, r *http.Request) {
			p.DeviceDone(w, r, oidc.DeviceDoneView{Client: client, User: user, Allowed: true})
		}),
		drawn("device-denied", func(w http.ResponseWriter, r *http.Request) {
			p.DeviceDone(w, r, oidc.DeviceDoneView{Client: client, User: user})
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
