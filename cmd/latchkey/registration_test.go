package main

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/settings"
)

// A shop's new customer: an application asks for an account, the mail leads to a
// password, and the application's own request gets its code. The same person then
// comes into a shop on Odoo that has never heard of them.
func TestNewCustomer(t *testing.T) {
	w := newWorld(t, "sqlite")
	web := w.client(oidc.Input{ID: "web", Name: "Shop", Type: oidc.Web, RedirectURIs: []string{appCallback}, Trusted: true})
	if got := w.person().open(appLink("prompt", "create")).answer().Get("error"); got != "invalid_request" {
		t.Errorf("while it is off: %s", got)
	}
	if f := w.choices.opened(t.Context()); f.State != "ok" {
		t.Errorf("%+v", f)
	}
	w.must(w.choices.settings.ChangeRegistration(t.Context(), host, 0, settings.Registration{Open: true, Groups: []string{"Customers"}, Privacy: "https://shop.example.org/privacy"}))
	if f := w.choices.opened(t.Context()); f.State != "warn" || !strings.Contains(f.Says, "web") { // D-04: who gets in where
		t.Errorf("%+v", f)
	}
	p := w.person().open(appLink("prompt", "create")).want("form#register")
	p.submit("form#register", "email", "camille@example.org", "name", "Camille Durand").want("#sent")
	w.behind.wait()
	p.open(w.registering(t)).want("form#register-password")
	p.submit("form#register-password", "new_password", rightPassword, "agreed", "yes").want("#made")
	p.submit("form#login", "login", "camille@example.org", "password", rightPassword)
	out := w.token(web, url.Values{"grant_type": {"authorization_code"}, "code": {p.answer().Get("code")}, "redirect_uri": {appCallback}})
	sub := payload(t, out["id_token"].(string))["sub"].(string)
	u, err := w.db.Users.ByID(t.Context(), idp.UserID(sub))
	w.must(err)
	if u.Email != "camille@example.org" || !u.EmailVerified || u.Kind != idp.Portal || u.Role != "" || !slices.Equal(u.Groups, []string{"Customers"}) {
		t.Errorf("%+v", u)
	}

	there, c := w.connected(t)
	enter := func() *person { return p.open(w.button(there, c)).submit("form#continue", "decision", "continue") }
	if enter(); p.status != http.StatusForbidden {
		t.Errorf("%d at %s", p.status, p.at)
	}
	w.configure(c, func(s *connector.Settings) { s.Newcomers = true })
	if enter(); p.answer().Get("access_token") == "" {
		t.Errorf("%s", p.at)
	}
	made := func(id int64) bool { return there.Get("res.users", id)["oauth_uid"] == sub }
	if !slices.ContainsFunc(there.All("res.users"), made) {
		t.Error("the shop does not know its customer")
	}
}

// registering is the address in the newest mail that leads to an account.
func (w *world) registering(t *testing.T) string {
	t.Helper()
	all, err := w.db.Outbox().Newest(t.Context(), 1)
	w.must(err)
	if len(all) == 1 {
		if _, rest, ok := strings.Cut(all[0].Text, w.url+"/register/"); ok {
			return "/register/" + strings.Fields(rest)[0]
		}
	}
	t.Fatalf("%+v", all)
	return ""
}
