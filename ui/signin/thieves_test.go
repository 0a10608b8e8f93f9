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

// T-07: no code is sent that nobody can use: after five wrong ones the next is
// for a challenge of its own.
func TestNoCodeIsSentInVain(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	h.demand(policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"sms"}})
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	l, _ := h.posts.last(t)
	wrong := "000000"
	if l.Code == wrong {
		wrong = "111111"
	}
	for range 6 {
		if v.doc.Find("form#factor").Length() > 0 {
			v.submit("factor", "code", wrong)
		}
	}
	h.clock.Pass(time.Minute)
	v.submit("factor-send").want(200, "/login/factor")
	l, _ = h.posts.last(t)
	v.submit("factor", "code", l.Code).want(200, "/app")
}

// T-14: codes by mail follow the account's address once that is verified.
func TestNewAddressKeepsTheFactor(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	c := mfa.Credential{ID: "mail", Subject: mfa.SubjectID(u.ID), Kind: "email", Data: []byte(`{"to":"ada@example.com"}`), Created: h.clock.Now()}
	if err := h.db.Credentials.Save(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	address, verified := "ada@new.example", true
	if _, err := h.accounts.Update(t.Context(), host, u.ID, account.Change{Email: &address, Verified: &verified}); err != nil {
		t.Fatal(err)
	}
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	l, _ := h.posts.last(t)
	if l.To != address {
		t.Fatalf("a code went to %s", l.To)
	}
	v.submit("factor", "code", l.Code).want(200, "/app")
}

// P-19, M-11: a sign-in for one person is not finished by another's passkey.
func TestLinkIsForItsReader(t *testing.T) {
	h := openKeys(t)
	ada := h.add("ada", "")
	d := h.device()
	h.give(h.plain("mallory", ""), d)
	link, err := h.help.EnrolLink(t.Context(), host, ada.ID, "totp", 0)
	if err != nil {
		t.Fatal(err)
	}
	v := h.visit().get("/enrol/"+link.Token).submit("enrol-start").want(200, "/login")
	b := v.begin(v.at.Query().Get("flow"))
	if status, out := v.call("/login/passkey/finish", finish(b, d.get(b.PublicKey))); status == 200 {
		t.Fatalf("mallory is in: %+v", out)
	}
	h.visit().get("/enrol/"+link.Token).want(200, "/enrol/"+link.Token)
}

// A link may ask for less than policy: the sign-in goes on after it.
func TestLinkThenMore(t *testing.T) {
	h := open(t)
	u := h.plain("ada", "")
	h.demand(policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"sms"}})
	link, err := h.help.EnrolLink(t.Context(), host, u.ID, "totp", 0)
	if err != nil {
		t.Fatal(err)
	}
	v := h.visit().get("/enrol/"+link.Token).submit("enrol-start").submit("reauthenticate", "password", pass).want(200, "/login/enrol")
	key := v.doc.Find("code.secret").Text()
	v.follow("a#next")
	if v.doc.Find("form#codes-kept").Length() > 0 {
		v.submit("codes-kept", "kept", "yes")
	}
	v.submit("totp-confirm", "code", h.code(joined(key))).want(200, "/login/enrol").has("form#enrol-sms")
}

// M-10, B-12: a thief's passkey, which opens the account alone, does not outlive
// "it was not me", also where nothing older is left to prove who is who.
func TestNotMeStopsThePasskey(t *testing.T) {
	h := openKeys(t)
	h.add("ada", "")
	h.demand(policy.What{Assurance: policy.PhishingResistant})
	thief := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol/confirm")
	d := h.device()
	b := thief.begin(thief.at.Query().Get("flow"))
	if status, out := thief.call("/login/passkey/finish", finish(b, d.create(b.PublicKey))); status != 200 {
		t.Fatalf("%d %+v", status, out)
	}
	h.clock.Pass(time.Minute)
	owner := h.visit().get("/not-me/" + h.mailed("/not-me/")).submit("not-me")
	if text := owner.doc.Find("main").Text(); !strings.Contains(text, "administrator") {
		t.Errorf("the page says %q", text)
	}
	w := h.visit()
	b = w.begin("")
	if status, _ := w.call("/login/passkey/finish", finish(b, d.get(b.PublicKey))); status == 200 {
		t.Error("the thief is in again")
	}
}

// T-14, M-10: a verified number is not replaced by one that was only added, and
// a reset takes it away: whoever lost their phone gets no codes on it.
func TestVerifiedNumberStays(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	h.demand(policy.What{Assurance: policy.MFA})
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol")
	v.follow("a[data-method=sms]").submit("enrol-sms", "phone", "+33 6 98 76 54 32")
	l, n := h.posts.last(t)
	v.submit("codes-kept", "kept", "yes").submit("sms-confirm", "code", l.Code).want(200, "/app")
	if after, err := h.db.Users.ByID(t.Context(), u.ID); err != nil || after.Phone != "+33612345678" || !after.PhoneVerified {
		t.Fatalf("%+v, %v", after, err)
	}
	if err := h.accounts.ResetFactors(t.Context(), host, u.ID); err != nil {
		t.Fatal(err)
	}
	h.demand(policy.What{Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "sms"}})
	h.clock.Pass(time.Hour)
	h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol")
	if _, now := h.posts.last(t); now != n {
		t.Error("a code was sent after the reset")
	}
}

// a code for an hour is not worth thirty days.
func TestTemporaryCodeBeginsNoTrust(t *testing.T) {
	h := open(t)
	h.demand(h.trusting(30))
	u := h.add("ada", secret)
	c, err := h.help.Codes().Give(t.Context(), host, u.ID, account.Temporary{Reason: "lost phone", For: time.Hour, Uses: 1})
	if err != nil {
		t.Fatal(err)
	}
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).follow("a[data-method=temporary]")
	if v.doc.Find("[name=trust_device]").Length() != 0 {
		t.Error("trust is offered")
	}
	form := v.doc.Find("form#factor")
	form.AppendHtml(`<input name="trust_device">`) // as somebody may send it
	v.submit("factor", "code", c, "trust_device", "yes").want(200, "/app")
	v.again("ada").want(200, "/login/factor")
}

// S-01: a sign-in by passkey follows the session that there was.
func TestPasskeyFollowsTheOldSession(t *testing.T) {
	h := openKeys(t)
	d := h.device()
	h.give(h.add("ada", ""), d)
	v := h.visit()
	b := v.begin("")
	v.call("/login/passkey/finish", finish(b, d.get(b.PublicKey)))
	old := ""
	for _, k := range v.client.Jar.Cookies(v.get("/app").at) {
		if strings.HasSuffix(k.Name, "latchkey-session") {
			old = k.Value
		}
	}
	if _, _, err := h.service.Gate(t.Context(), old, idp.Need{}, idp.Origin{}); err != nil {
		t.Fatal(err)
	}
	b = v.begin("")
	if status, out := v.call("/login/passkey/finish", finish(b, d.get(b.PublicKey))); status != 200 {
		t.Fatalf("%d %+v", status, out)
	}
	if _, _, err := h.service.Gate(t.Context(), old, idp.Need{}, idp.Origin{}); err == nil {
		t.Error("the session that was replaced in the browser is still good")
	}
}
