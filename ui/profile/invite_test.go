package profile

import (
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/mfa/policy"
)

// E-03, E-07, A-10: an invitation greets, takes a password that is good enough,
// once, and leads through the sign-in to the application.
func TestInvitation(t *testing.T) {
	h := open(t)
	u := h.add("ada", "", func(in *account.New) { in.Password, in.Verified = "", false })
	h.client(oidc.Client{ID: "odoo", Name: "Atelier", Type: oidc.Odoo, RedirectURIs: []string{h.URL + "/auth_oauth/signin"}})
	_, err := h.self.Help.Invitations().Invite(t.Context(), idp.Actor{Host: true}, u.ID, account.Invite{Client: "odoo"})
	h.must(err)
	path := h.link("invite")
	for range 2 {
		h.visit().Get(path).Want(200, path).Has("form#invite").Says("Person ada", "Atelier", "At least 15 characters")
	}
	v := h.visit().Get(path).Submit("invite", "new_password", "too short").Want(400, path).Has("#wrong")
	v.Submit("invite", "new_password", pass).Want(200, "/login").Has("form#login", "#chosen", `input[name=login][value="ada"]`)
	if got := v.Header.Get("Content-Security-Policy"); !strings.Contains(got, "form-action 'self' "+h.URL) {
		t.Errorf("the way to the application is barred: %s", got)
	}
	v.Submit("login", "password", pass, "login", "ada").Want(404, "/web/login") // there is no Odoo here
	if now := h.user(u.ID); !now.EmailVerified {
		t.Error("the address is not proven")
	}
	dead := h.visit().Get(path).Want(410, path).Doc.Find("main h1").Text()
	if other := h.visit().Get("/invite/nonsense").Want(410, "/invite/nonsense").Doc.Find("main h1").Text(); dead != other {
		t.Errorf("%q, %q", dead, other)
	}
}

// M-08: an application that is closed to the person leaves the invitation good,
// and what policy demands is set up before anybody is in.
func TestInvitationWithPolicy(t *testing.T) {
	h := open(t)
	u := h.add("ada", "", func(in *account.New) { in.Password = "" })
	h.must(h.db.Policies.Apply(t.Context(), []policy.Policy{{Name: "all", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{Assurance: policy.MFA}}}))
	_, err := h.self.Help.Invitations().Invite(t.Context(), idp.Actor{Host: true}, u.ID, account.Invite{Client: "gone"})
	h.must(err)
	v := h.visit().Get(h.link("invite")).Says("At least 8 characters").Submit("invite", "new_password", "harbour7").Want(200, "/login")
	v.Submit("login", "password", "harbour7", "login", "ada").Want(200, "/login/enrol")
	h.visit().Get(Home).Want(200, "/login")
}
