package profile

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
	pages "latchkey/ui/signin"
)

// samples draws every page with sample data, to look at and to measure.
func samples() map[string]page.Handler {
	p := &Pages{Self: &account.Self{Issuer: "https://id.example.org"}}
	u := idp.User{
		Name: "Camille Durand", Login: "camille.durand@example.com", Email: "camille.durand@example.com", EmailVerified: true, Locale: "fr", Phone: "+33612345678",
		Profile: idp.Profile{GivenName: "Camille", FamilyName: "Durand", Zoneinfo: "Europe/Paris", Picture: "https://id.example.org/picture/abcdefghijklmnopqrstuvwxyz"},
	}
	profile := func(status int, change func(c *page.Context, u *idp.User, v *profileView)) page.Handler {
		return func(c *page.Context) error {
			u := u
			change(c, &u, &profileView{})
			v := p.viewOf(c, u, headOf(c))
			change(c, &u, &v)
			return c.Show(set, status, "profile.html", v)
		}
	}
	apps := func(all ...oidc.App) page.Handler {
		return func(c *page.Context) error { return c.Show(set, 200, "apps.html", appsOf(c, u, all)) }
	}
	own := func(h func(c *page.Context) head) page.Handler {
		return func(c *page.Context) error { return c.Show(set, 200, "data.html", dataView{h(c), true}) }
	}
	at := time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)
	consent := &oidc.Consent{Scopes: []string{"openid", "profile", "email", "offline_access", "calendar.read"}, At: at}
	return map[string]page.Handler{
		"profile": profile(200, func(c *page.Context, _ *idp.User, v *profileView) { v.Done = c.Words.T("profile.done.saved") }),
		"profile-new": profile(200, func(_ *page.Context, u *idp.User, _ *profileView) {
			u.EmailVerified, u.Phone, u.Locale, u.Profile = false, "", "", idp.Profile{}
		}),
		"profile-wrong": profile(400, func(c *page.Context, _ *idp.User, v *profileView) {
			v.Error = &pages.Complaint{Title: c.Words.T("profile.bad_title"), Text: c.Words.T("profile.bad_text")}
			v.Bad = map[string]bool{"name": true, "zoneinfo": true, "email": true, "picture": true}
		}),
		"profile-fixed": profile(200, func(c *page.Context, u *idp.User, v *profileView) {
			u.Email = ""
			v.Fixed = map[string]bool{"name": true, "given_name": true, "locale": true, "zoneinfo": true, "picture": true, "email": true}
		}),
		"apps": apps(
			oidc.App{Client: oidc.Client{ID: "odoo", Name: "Atelier Martin"}, Open: true, Address: "https://odoo.example.com/web/login", Used: at},
			oidc.App{Client: oidc.Client{ID: "wiki", Name: "Wissensdatenbankverwaltungsdienst der Buchhaltung"}, Open: true, Address: "https://wiki.example.com/", Consent: consent},
			oidc.App{Client: oidc.Client{ID: "old", Name: "Cantine"}, Used: at},
		),
		"apps-none": apps(),
		"data":      own(func(*page.Context) head { return head{Again: true} }),
		"data-asked": own(func(c *page.Context) head {
			return head{Error: &pages.Complaint{Title: c.Words.T("profile.closing_asked_title"), Text: c.Words.T("profile.closing_asked")}}
		}),
	}
}

// every page with sample data, and everything unfolded that can be.
func TestPagesInBrowser(t *testing.T) {
	gin.SetMode(gin.TestMode)
	e := gin.New()
	srv := httptest.NewUnstartedServer(e)
	site, err := page.New(page.Config{
		Issuer: "http://" + srv.Listener.Addr().String(), CSRFKey: make([]byte, 32), Name: "Latchkey", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	var names []string
	for name, h := range samples() {
		names = append(names, name)
		e.GET("/sample/"+name, site.Strangers(h))
	}
	face := image.NewNRGBA(image.Rect(0, 0, 256, 256))
	for i := range 256 * 256 {
		face.SetNRGBA(i%256, i/256, color.NRGBA{R: 90, G: byte(i / 512), B: byte(i % 256), A: 255})
	}
	var out bytes.Buffer
	if err := png.Encode(&out, face); err != nil {
		t.Fatal(err)
	}
	e.GET("/my/picture", site.Strangers(func(c *page.Context) error { serve(c, out.Bytes(), "no-store", "same-origin"); return nil }))
	srv.Start()
	t.Cleanup(srv.Close)
	pagetest.Audit(t, srv.URL+"/sample", names)
}
