package profile

import (
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/ui/assets"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// samplePerson is whom the samples are about.
var samplePerson = idp.User{
	Name: "Camille Durand", Login: "camille.durand@example.com", Email: "camille.durand@example.com", EmailVerified: true, Locale: "fr", Phone: "+33612345678",
	Profile: idp.Profile{GivenName: "Camille", FamilyName: "Durand", Zoneinfo: "Europe/Paris"},
}

// Samples is every page of this package with sample data.
func Samples() []page.Sample {
	at := time.Date(2026, time.October, 14, 9, 24, 0, 0, time.UTC)
	consent := &oidc.Consent{Scopes: []string{"openid", "profile", "email", "offline_access", "calendar.read"}, At: at}
	return []page.Sample{
		sampleProfile("profile", 200, func(c *page.Context, _ *idp.User, v *profileView) {
			v.Done, v.Picture = c.Words.T("profile.done.saved"), assets.URL("logo.svg")
		}),
		sampleProfile("profile-new", 200, func(_ *page.Context, u *idp.User, _ *profileView) {
			u.EmailVerified, u.Phone, u.Locale, u.Profile = false, "", "", idp.Profile{}
		}),
		sampleProfile("profile-wrong", 400, func(c *page.Context, _ *idp.User, v *profileView) {
			v.Error = &pages.Complaint{Title: c.Words.T("profile.bad_title"), Text: c.Words.T("profile.bad_text")}
			v.Bad = map[string]bool{"name": true, "zoneinfo": true, "email": true, "picture": true}
		}),
		sampleProfile("profile-fixed", 200, func(_ *page.Context, u *idp.User, v *profileView) {
			u.Email = ""
			v.Fixed = map[string]bool{"name": true, "given_name": true, "locale": true, "zoneinfo": true, "picture": true, "email": true}
		}),
		sampleApps("apps",
			oidc.App{Client: oidc.Client{ID: "odoo", Name: "Atelier Martin"}, Open: true, Address: "https://odoo.example.com/web/login", Used: at},
			oidc.App{Client: oidc.Client{ID: "wiki", Name: "Wissensdatenbankverwaltungsdienst der Buchhaltung"}, Open: true, Address: "https://wiki.example.com/", Consent: consent},
			oidc.App{Client: oidc.Client{ID: "old", Name: "Cantine"}, Used: at},
		),
		sampleApps("apps-none"),
		page.Drawn("data", set, 200, "data.html", func(*page.Context) any { return dataView{head{Again: true}, true} }),
		page.Drawn("data-asked", set, 200, "data.html", func(c *page.Context) any {
			return dataView{head{Error: &pages.Complaint{Title: c.Words.T("profile.closing_asked_title"), Text: c.Words.T("profile.closing_asked")}}, true}
		}),
	}
}

// sampleProfile is the profile of somebody, changed before it is drawn and after.
func sampleProfile(name string, status int, change func(*page.Context, *idp.User, *profileView)) page.Sample {
	return page.Drawn(name, set, status, "profile.html", func(c *page.Context) any {
		u := samplePerson
		change(c, &u, &profileView{})
		v := form{&account.Self{}}.viewOf(c, u, headOf(c))
		change(c, &u, &v)
		return v
	})
}

func sampleApps(name string, all ...oidc.App) page.Sample {
	return page.Drawn(name, set, 200, "apps.html", func(c *page.Context) any { return appsOf(c, samplePerson, all) })
}
