package signin

import (
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

func (h *house) trusting(days int) policy.What {
	return policy.What{Assurance: policy.MFA, Devices: &policy.Devices{Days: days}}
}

// again signs in anew in the same browser and returns where that leads.
func (v *visitor) again(login string) *visitor {
	v.h.t.Helper()
	v.get("/logout").submit("logout")
	return v.get("/app").submit("login", "login", login, "password", pass)
}

// M-19: a trusted browser skips the second factor, for the person who trusts
// it, until the day that policy says, and no longer than policy likes.
func TestTrustedDevice(t *testing.T) {
	h := open(t)
	h.demand(h.trusting(0))
	h.add("ada", secret)
	h.add("bob", secret)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	if v.doc.Find("[name=trust_device]").Length() != 0 {
		t.Fatal("offered where policy does not trust")
	}
	h.demand(h.trusting(30))
	v.get(v.at.RequestURI()).has(`input[type=checkbox][name=trust_device]:not([checked])`)
	v.submit("factor", "code", h.code(secret), "trust_device", "yes").want(200, "/app")
	v.again("ada").want(200, "/app")
	v.again("bob").want(200, "/login/factor") // not hers
	h.clock.Pass(time.Minute)
	v.submit("factor", "code", h.code(secret)).want(200, "/app")
	v.again("bob").want(200, "/login/factor") // not asked for
	v.get("/app").submit("login", "login", "ada", "password", pass).want(200, "/app")
	h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor") // another browser

	h.demand(h.trusting(0))
	v.get("/app").want(200, "/login/factor") // policy trusts no more: the open session is not enough, either
	h.demand(h.trusting(30))
	h.clock.Pass(31 * 24 * time.Hour)
	v.get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
}

// A step-up and a recent proof are not to be had from a trusted browser (M-19).
func TestTrustIsNoProof(t *testing.T) {
	h := open(t)
	h.demand(h.trusting(30))
	h.add("ada", secret)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	v.submit("factor", "code", h.code(secret), "trust_device", "yes").want(200, "/app")
	for name, need := range map[string]idp.Need{
		"acr": {ACR: idp.AAL2, Essential: true}, "wished acr": {ACR: idp.AAL2}, "max_age": {Since: h.clock.Now().Add(-time.Hour)},
	} {
		h.ask.Need = idp.Need{}
		v.again("ada").want(200, "/app")
		h.ask.Need = need
		v.get("/app")
		if v.at.Path == "/login" {
			v.submit("login", "login", "ada", "password", pass)
		}
		if v.want(200, "/login/factor"); v.doc.Find("[name=trust_device]").Length() != 0 {
			t.Errorf("%s: trust is offered for a step-up", name)
		}
	}
}

// Forgetting, a reset of factors and disabling end trust (S-05, E-08).
func TestTrustEnds(t *testing.T) {
	host := idp.Actor{Host: true}
	for name, end := range map[string]func(h *house, u idp.User) error{
		"forget all": func(h *house, u idp.User) error {
			return h.service.Devices.ForgetAll(h.t.Context(), mfa.SubjectID(u.ID))
		},
		"password": func(h *house, u idp.User) error {
			return h.accounts.SetPassword(h.t.Context(), host, u.ID, pass+" two")
		},
		"disabled": func(h *house, u idp.User) error {
			if err := h.accounts.Disable(h.t.Context(), host, u.ID); err != nil {
				return err
			}
			return h.accounts.Enable(h.t.Context(), host, u.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.demand(h.trusting(30))
			u := h.add("ada", secret)
			v := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
			v.submit("factor", "code", h.code(secret), "trust_device", "yes").want(200, "/app")
			v.again("ada").want(200, "/app").get("/logout").submit("logout")
			if err := end(h, u); err != nil {
				t.Fatal(err)
			}
			plain := pass
			if name == "password" {
				plain += " two"
			}
			v.get("/app").submit("login", "login", "ada", "password", plain).want(200, "/login/factor")
		})
	}
}

// A deadline: until then the wizard may be put off, from then on it may not;
// the days of grace begin with the first sign-in.
func TestDeadline(t *testing.T) {
	h := open(t)
	day := h.clock.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 3)
	h.demand(policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{Deadline: policy.Date(day.Format(time.DateOnly))}})
	h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/offer").has(`#deadline`, `a#enrol-now`)
	v.submit("enrol-later").want(200, "/app")
	v.get("/app").want(200, "/app")
	v.again("ada").want(200, "/login/offer").follow("a#enrol-now").want(200, "/login/enrol").has(`.scan-code svg`)
	h.clock.Pass(3 * 24 * time.Hour)
	v = h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol")
	v.get("/login/offer?"+v.at.RawQuery).want(200, "/login/enrol")

	h.demand(policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 2}})
	w := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/offer").submit("enrol-later").want(200, "/app")
	h.clock.Pass(24 * time.Hour)
	w.get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/offer").has(`#deadline`)
	h.clock.Pass(25 * time.Hour)
	w.get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol")
}
