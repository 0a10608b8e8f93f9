package signin

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// press sends the form of a method that sends.
func (v *visitor) press(method string) *visitor {
	v.h.t.Helper()
	b := v.doc.Find("button[data-method=" + method + "]")
	if b.Length() == 0 {
		v.h.t.Fatalf("%s has no button for %s: %s", v.at, method, v.body)
	}
	f := b.Closest("form")
	values := url.Values{"method": {method}}
	f.Find("input[type=hidden]").Each(func(_ int, s *goquery.Selection) { values.Set(s.AttrOr("name", ""), s.AttrOr("value", "")) })
	return v.take(v.client.PostForm(v.h.URL+f.AttrOr("action", ""), values))
}

// where puts a policy of one application into force beside another's.
func (h *house) where(ps ...policy.Policy) {
	h.t.Helper()
	for i := range ps {
		ps[i].Enabled, ps[i].Whom = true, policy.Whom{Everyone: true}
	}
	if err := h.db.Policies.Apply(h.t.Context(), ps); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) plain(login, secret string) idp.User {
	h.t.Helper()
	u, err := h.accounts.Add(h.t.Context(), host, account.New{
		Login: login, Email: login + "@example.com", Name: login, Kind: idp.Portal, Password: pass, TOTPSecret: secret,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

// M-05, W-06: an open session is no password. Whoever sits down at it, or has
// stolen its cookie, sets up nothing.
func TestOldSessionEnrolsNothing(t *testing.T) {
	h := open(t)
	h.plain("ada", "")
	h.service.Rules.Idle = 12 * time.Hour
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/app")
	h.clock.Pass(4 * time.Minute)
	h.ask.Need = idp.Need{ACR: idp.AAL2, Essential: true}
	v.get("/app").want(200, "/login/enrol") // still fresh
	h.clock.Pass(8 * time.Hour)
	v.get("/app").want(200, "/login").has("form#reauthenticate")
	v.submit("reauthenticate", "password", pass).want(200, "/login/enrol")
}

// The same for somebody who holds a factor, where another door takes another
// one: both proofs must be fresh.
func TestOldSessionEnrolsNothingBesideAFactor(t *testing.T) {
	h := open(t)
	h.plain("ada", secret)
	h.service.Rules.Idle = 12 * time.Hour
	h.where(policy.Policy{Name: "erp", Where: policy.Where{Clients: []string{"erp"}}, What: policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"sms"}}})
	h.ask.Need = idp.Need{Client: "shop"}
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	v.submit("factor", "code", h.code(secret)).want(200, "/app")
	h.clock.Pass(8 * time.Hour)
	h.ask.Need = idp.Need{Client: "erp"}
	v.get("/app").want(200, "/login").submit("reauthenticate", "password", pass).want(200, "/login/factor")
	v.submit("factor", "code", h.code(secret)).want(200, "/login/enrol").has("form#enrol-sms")
}

// M-05, M-19, S-05: a trusted browser leads in and nowhere else. It is offered
// nothing to set up, and waits nowhere while it is forgotten.
func TestTrustedBrowserSetsUpNothing(t *testing.T) {
	h := open(t)
	h.demand(h.trusting(30))
	h.add("ada", secret)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	v.submit("factor", "code", h.code(secret), "trust_device", "yes").want(200, "/app")
	day := policy.Date(h.clock.Now().UTC().AddDate(0, 0, 10).Format(time.DateOnly))
	h.where(policy.Policy{Name: "soon", What: policy.What{Assurance: policy.PhishingResistant, Enrolment: policy.Enrolment{Deadline: day}}})
	v.again("ada").want(200, "/app")
}

// M-13, M-17, M-19: trust that began with a code by mail is worth a code by mail.
func TestTrustIsWorthWhatBeganIt(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	trust := &policy.Devices{Days: 30}
	h.where(
		policy.Policy{Name: "portal", Where: policy.Where{Clients: []string{"portal"}}, What: policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "email"}, Devices: trust}},
		policy.Policy{Name: "erp", Where: policy.Where{Clients: []string{"erp"}}, What: policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp"}, Devices: trust}},
	)
	h.ask.Need = idp.Need{Client: "portal"}
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor").press("email")
	l, _ := h.posts.last(t)
	v.submit("factor", "code", l.Code, "trust_device", "yes").want(200, "/app")
	// M-05: our own pages do not take what the strictest application does not.
	h.ask.Need = idp.Need{}
	v.get("/app").want(200, "/login/factor")
	h.ask.Need = idp.Need{Client: "portal"}
	v.again("ada").want(200, "/app")
	h.ask.Need = idp.Need{Client: "erp"}
	v.again("ada").want(200, "/login/factor")
}

// M-05: our own pages are as strict as the strictest application: what can be
// set up there opens all of them.
func TestOwnPagesAreStrict(t *testing.T) {
	h := open(t)
	h.plain("bob", "")
	h.where(policy.Policy{Name: "erp", Where: policy.Where{Clients: []string{"erp"}}, What: policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp"}}})
	h.visit().get("/login").submit("login", "login", "bob", "password", pass).want(200, "/login/enrol")
}

// mailed finds the token of the newest link in the outbox.
func (h *house) mailed(path string) string {
	h.t.Helper()
	all, err := h.db.Outbox().Claim(h.t.Context(), 50, time.Minute)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, m := range all {
		if _, rest, ok := strings.Cut(m.Text, path); ok {
			return strings.Fields(rest)[0]
		}
	}
	h.t.Fatalf("no mail with %s", path)
	return ""
}

// E-03, M-17: a password that came by mail and a code by mail are one mailbox.
// It does not open an account with an app, until the app was used.
func TestOneMailboxIsNotEnough(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	h.demand(policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "email", "backup"}})
	const next = "quite another lantern 99"
	v := h.visit().get("/recover").submit("recover", "login", "ada")
	v.get("/recover/"+h.mailed("/recover/")).submit("recover-password", "new_password", next).want(200, v.at.Path)
	v.get("/app").submit("login", "login", "ada", "password", next).want(200, "/login/factor")
	if v.doc.Find("[data-method=email]").Length() != 0 {
		t.Error("a code by mail is offered after a password by mail")
	}
	v.submit("factor", "code", h.code(secret)).want(200, "/app")
	h.clock.Pass(time.Minute)
	h.visit().get("/app").submit("login", "login", "ada", "password", next).want(200, "/login/factor").has("[data-method=email]")
}
