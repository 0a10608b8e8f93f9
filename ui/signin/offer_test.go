package signin

import (
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

const month = 30 * 24 * time.Hour

// knock gives the password in a new browser which says that it can make
// passkeys by itself.
func (h *house) knock(login string) *visitor {
	h.t.Helper()
	return h.visit().get("/app").want(200, "/login").submit("login", "login", login, "password", pass, "platform", "1")
}

// A browser that can make passkeys is offered one once in 30 days, and the
// application gets its answer whatever the person says.
func TestPasskeyOffer(t *testing.T) {
	h := openKeys(t)
	h.add("ada", "")
	h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/app") // says nothing of itself
	v := h.knock("ada").want(200, "/login/offer").has("#enrol-now", "#enrol-never")
	v.get(v.at.RequestURI()).want(200, "/login/offer")
	if v.submit("enrol-later").want(200, "/app"); string(v.body) != "signed in as ada" {
		t.Errorf("then: %s", v.body)
	}
	h.knock("ada").want(200, "/app")
	h.clock.Pass(month - time.Minute)
	h.knock("ada").want(200, "/app")
	h.clock.Pass(time.Minute)
	h.knock("ada").want(200, "/login/offer") // and is left open: that was the one time
	h.knock("ada").want(200, "/app")
	h.clock.Pass(month)
	h.knock("ada").want(200, "/login/offer").submit("enrol-later", "answer", "never").want(200, "/app")
	h.clock.Pass(20 * 12 * month)
	h.knock("ada").want(200, "/app")
}

// Setting one up is the wizard that there is: with backup codes for whoever has
// none, and on to the application (M-07). From then on nothing is offered.
func TestPasskeyOfferTaken(t *testing.T) {
	h := openKeys(t)
	h.add("ada", "")
	d := h.device()
	v := h.knock("ada").want(200, "/login/offer").follow("#enrol-now").want(200, "/login/enrol/codes")
	if v.submit("codes-kept", "kept", "yes").want(200, "/login/enrol/confirm"); v.doc.Find("#ways").Length() != 0 {
		t.Error("other methods are offered, too")
	}
	flow := v.at.Query().Get("flow")
	b := v.begin(flow)
	status, out := v.call("/login/passkey/finish", finish(b, d.create(b.PublicKey)))
	if status != 200 || out.Location != "/app?state=1%2F2" {
		t.Fatalf("finish: %d %+v", status, out)
	}
	if v.get(out.Location); string(v.body) != "signed in as ada" {
		t.Errorf("then: %s", v.body)
	}
	h.clock.Pass(2 * month)
	h.knock("ada").want(200, "/login/factor")
}

// M-05: once the last proof is older than five minutes nothing is set up behind it,
// wherever the wizard stands, and the sign-in goes on without.
func TestPasskeyOfferLapses(t *testing.T) {
	h := openKeys(t)
	u := h.add("ada", "")
	open := h.knock("ada").want(200, "/login/offer")
	h.clock.Pass(5 * time.Minute)
	d := h.device()
	v := open.follow("#enrol-now").want(200, "/login/enrol/codes").submit("codes-kept", "kept", "yes").want(200, "/login/enrol/confirm")
	flow, page := v.at.Query().Get("flow"), v.at.RequestURI()
	b := v.begin(flow)
	h.clock.Pass(time.Second)
	status, out := v.call("/login/passkey/finish", finish(b, d.create(b.PublicKey)))
	if status == 200 || !strings.HasPrefix(out.Location, "/login/offer?") {
		t.Fatalf("finish: %d %+v", status, out)
	}
	if v.get(page).want(200, "/app"); string(v.body) != "signed in as ada" {
		t.Errorf("then: %s", v.body)
	}
	if u, err := h.db.Users.ByID(t.Context(), u.ID); err != nil || len(u.Factors) > 0 {
		t.Errorf("holds %v, %v", u.Factors, err)
	}
	h.clock.Pass(month)
	v = h.knock("ada").want(200, "/login/offer")
	h.clock.Pass(6 * time.Minute)
	v.get(v.at.RequestURI()).want(200, "/app")
}

// M-05, E-03, M-15, M-19, P-19: who is offered nothing, whatever the browser says.
func TestPasskeyOfferedToNobody(t *testing.T) {
	only := func(ks ...mfa.Kind) policy.What { return policy.What{Methods: ks} }
	for name, c := range map[string]struct {
		what    policy.What
		secret  string
		need    func(now time.Time) idp.Need
		change  func(h *house, u idp.User)
		offered bool
	}{
		"everybody else":                        {offered: true},
		"with an app":                           {secret: secret, offered: true},
		"policy names passkeys":                 {what: only("totp", "passkey"), offered: true},
		"policy forbids passkeys":               {what: only("totp")},
		"policy will forbid them":               {what: policy.What{Methods: []mfa.Kind{"totp"}, Enrolment: policy.Enrolment{GraceDays: 20}}},
		"holds one":                             {secret: secret, change: func(h *house, u idp.User) { h.give(u, h.device()) }},
		"the password came by mail":             {change: func(h *house, u idp.User) { h.do(h.db.Users.SetMailed(h.t.Context(), u.ID, true)) }},
		"proves once more":                      {need: func(now time.Time) idp.Need { return idp.Need{Since: now} }},
		"asked for less than it has":            {need: func(time.Time) idp.Need { return idp.Need{ACR: idp.AAL1} }},
		"asked for what is given":               {secret: secret, need: func(time.Time) idp.Need { return idp.Need{ACR: idp.AAL2} }},
		"wished for what resists, and has none": {secret: secret, need: func(time.Time) idp.Need { return idp.Need{ACR: idp.PhishingResistant} }, offered: true},
		"wished for a second factor, has none":  {need: func(time.Time) idp.Need { return idp.Need{ACR: idp.AAL2} }, offered: true},
		"nothing would be noted":                {change: func(h *house, _ idp.User) { h.service.Offers = nil }},
		"was offered one a while ago": {change: func(h *house, u idp.User) {
			h.do(h.db.Offers.PutOff(h.t.Context(), u.ID, h.clock.Now().Add(time.Hour)))
		}},
		"was offered one more than a while ago": {change: func(h *house, u idp.User) {
			h.do(h.db.Offers.PutOff(h.t.Context(), u.ID, h.clock.Now().Add(-time.Hour)))
		}, offered: true},
		"must set something up":                  {what: policy.What{Assurance: policy.MFA}},
		"will have to, and is told of the day":   {what: policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 20}}},
		"will have to, and is ready with an app": {what: policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 20}}, secret: secret, offered: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := openKeys(t)
			u := h.add("ada", c.secret)
			if c.what.Assurance != "" || c.what.Methods != nil {
				h.demand(c.what)
			}
			if c.need != nil {
				h.ask.Need = c.need(h.clock.Now())
			}
			if c.change != nil {
				c.change(h, u)
			}
			v := h.knock("ada")
			if c.secret != "" {
				v.want(200, "/login/factor").submit("factor", "code", h.code(c.secret))
			}
			if got := v.doc.Find("#enrol-never").Length() == 1; got != c.offered {
				t.Errorf("offered %v at %s: %s", got, v.at, v.doc.Find("main").Text())
			}
		})
	}
}

// A temporary code of the help desk opens, and vouches for nothing new (M-05).
func TestNoPasskeyOfferByTemporaryCode(t *testing.T) {
	h := openKeys(t)
	u := h.add("ada", secret)
	code, err := h.help.Codes().Give(t.Context(), host, u.ID, account.Temporary{Reason: "lost phone", For: time.Hour, Uses: 1})
	if err != nil {
		t.Fatal(err)
	}
	h.knock("ada").want(200, "/login/factor").follow("a[data-method=temporary]").submit("factor", "code", code).want(200, "/app")
}

// A day that comes is not refused for good, and does not use the offer up.
func TestDeadlineIsNoOffer(t *testing.T) {
	h := openKeys(t)
	u := h.add("ada", "")
	h.demand(policy.What{Assurance: policy.MFA, Enrolment: policy.Enrolment{GraceDays: 20}})
	v := h.knock("ada").want(200, "/login/offer").has("#deadline")
	values := v.doc.Find("form#enrol-later input[type=hidden]")
	if values.Length() == 0 || v.doc.Find("#enrol-never").Length() != 0 {
		t.Fatalf("%s", v.body)
	}
	v.doc.Find("form#enrol-later").AppendHtml(`<input type="hidden" name="answer" value="never">`)
	v.submit("enrol-later").want(200, "/app")
	if u, err := h.db.Users.ByID(t.Context(), u.ID); err != nil || !u.PasskeyOffer.IsZero() {
		t.Errorf("noted %s, %v", u.PasskeyOffer, err)
	}
}

// M-19: who trusts the browser on the way to an offer has it trusted, whatever
// they answer there.
func TestTrustOutlivesAnOffer(t *testing.T) {
	h := openKeys(t)
	h.demand(h.trusting(30))
	h.add("ada", secret)
	v := h.knock("ada").want(200, "/login/factor")
	v.submit("factor", "code", h.code(secret), "trust_device", "yes").want(200, "/login/offer")
	v.submit("enrol-later").want(200, "/app")
	v.again("ada").want(200, "/app")
}

// Who is on the way to where passkeys are set up is not stopped to be offered one.
func TestPasskeyOfferIsNotAsked(t *testing.T) {
	h := openKeys(t)
	h.ask.ReturnTo = Home + "/passkeys"
	if v := h.visit().get("/app").want(200, "/login"); v.doc.Find("[name=platform]").Length() != 0 {
		t.Error("the browser is asked")
	}
	h.ask.ReturnTo = Home
	h.visit().get("/app").want(200, "/login").has("form#login input[type=hidden][name=platform][data-platform][value='']")
	if v := open(t).visit().get("/app").want(200, "/login"); v.doc.Find("[name=platform]").Length() != 0 {
		t.Error("the browser is asked where there are no passkeys")
	}
}

func (h *house) do(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}
