package signin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/mfa"
	"latchkey/mfa/policy"
)

var allMethods = []mfa.Kind{"totp", "sms", "email", "backup"}

// Codes by SMS and e-mail, where policy names them: no enrolment is needed, a
// GET sends nothing, a reload shows the same challenge (M-16, T-06).
func TestCodesThatAreSent(t *testing.T) {
	h := open(t)
	h.demand(policy.What{Assurance: policy.MFA, Methods: allMethods})
	h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor").has(
		`form#factor input[name=code][inputmode=numeric]`, `button[data-method=email]`, `form#factor-again button`)
	first, n := h.posts.last(t)
	if n != 1 || first.To != "+33612345678" || strings.Contains(string(v.body), "612345678") || strings.Contains(string(v.body), first.Code) {
		t.Fatalf("%d codes; the page shows %s", n, v.body)
	}
	v.get(v.at.RequestURI()).want(200, "/login/factor").get(strings.Replace(v.at.RequestURI(), "?", "?method=email&", 1)).want(200, "/login/factor").has(`form#factor-send`)
	if _, n := h.posts.last(t); n != 1 {
		t.Fatal("a GET has sent a code")
	}
	v.submit("factor-send").want(200, "/login/factor").has(`form#factor`)
	mail, n := h.posts.last(t)
	if n != 2 || mail.To != "ada@example.com" {
		t.Fatalf("%d codes, the last to %s", n, mail.To)
	}
	// The code of one method is wrong for the other.
	v.submit("factor", "code", first.Code).want(401, "/login/factor").has(`[role=alert]`)
	v.submit("factor", "code", mail.Code).want(200, "/app")
}

// T-07: another code makes the one before void, and tries that were used up
// stay so: five wrong ones are five, however many codes were sent.
func TestAnotherCodeKeepsTheTries(t *testing.T) {
	h := open(t)
	h.demand(policy.What{Assurance: policy.MFA, Methods: allMethods})
	h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	first, _ := h.posts.last(t)
	v.submit("factor-again").want(429, "/login/factor/send").has(`[role=alert]`)
	wrong := func() {
		t.Helper()
		c, _ := h.posts.last(t)
		guess := "000000"
		if c.Code == guess {
			guess = "000001"
		}
		v.submit("factor", "code", guess).want(401, "/login/factor")
	}
	wrong()
	wrong()
	h.clock.Pass(31 * time.Second)
	v.submit("factor-again").want(200, "/login/factor")
	second, n := h.posts.last(t)
	if n != 2 || second.Code == first.Code {
		t.Fatalf("%d codes", n)
	}
	v.submit("factor", "code", first.Code).want(401, "/login/factor")
	wrong()
	wrong()
	v.submit("factor", "code", second.Code).want(401, "/login/factor").has(`form#factor-send`)
}

// A code that cannot be sent keeps nobody out who has another way (§3).
func TestCodeCannotBeSent(t *testing.T) {
	h := open(t)
	h.demand(policy.What{Assurance: policy.MFA, Methods: allMethods})
	h.add("ada", "")
	h.posts.fail = errors.Join(mfa.ErrUnsent, errors.New("no gateway"))
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor").has(`form#factor-send`, `[role=alert]`, `button[data-method=email]`)
	h.clock.Pass(31 * time.Second)
	v.submit("factor-send").want(503, "/login/factor/send").has(`[role=alert]`, `button[data-method=email]`)
	h.posts.fail = nil
	h.clock.Pass(time.Minute)
	v.submit("factor-send").want(200, "/login/factor")
	sent, _ := h.posts.last(t)
	h.clock.Pass(6 * time.Minute)
	v.submit("factor", "code", sent.Code).want(401, "/login/factor")
	h.clock.Pass(time.Minute)
	v.submit("factor-send").want(200, "/login/factor")
	sent, _ = h.posts.last(t)
	v.submit("factor", "code", sent.Code).want(200, "/app")
}

// A number is set up in the wizard: it is theirs when its code came back, and
// not before (M-07, M-16, T-14).
func TestSetUpNumber(t *testing.T) {
	h := open(t)
	h.demand(policy.What{Assurance: policy.MFA})
	u := h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol").has(`a[data-method=sms]`)
	v.follow(`a[data-method=sms]`).want(200, "/login/enrol")
	v.submit("enrol-sms", "phone", "hello").want(400, "/login/enrol").has(`input[name=phone][value=hello][aria-invalid=true]`)
	v.submit("enrol-sms", "phone", "06 98 76 54 32").want(200, "/login/enrol/codes")
	sent, n := h.posts.last(t)
	if n != 1 || sent.To != "+33698765432" || !sent.Adding {
		t.Fatalf("%+v", sent)
	}
	v.submit("codes-kept", "kept", "yes").want(200, "/login/enrol/confirm").has(`form#sms-confirm`)
	if after, err := h.db.Users.ByID(t.Context(), u.ID); err != nil || after.Phone != u.Phone || len(after.Factors) != 0 {
		t.Fatalf("%+v, %v", after, err)
	}
	v.submit("sms-confirm", "code", sent.Code).want(200, "/app")
	after, err := h.db.Users.ByID(t.Context(), u.ID)
	if err != nil || after.Phone != u.Phone || !after.PhoneVerified || len(after.Factors) != 2 {
		t.Fatalf("%+v, %v", after, err)
	}
}

// The method used last is offered first; what cannot be used shows the way on.
func TestMethodsInOrder(t *testing.T) {
	h := open(t)
	h.demand(policy.What{Assurance: policy.MFA, Methods: allMethods})
	h.add("ada", secret)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor").has(`form#factor input[name=method][value=totp]`)
	v.follow("a#lost").want(200, "/login/lost").has(`a[data-method=totp]`, `button[data-method=sms]`, `button[data-method=email]`)
	v.get("/login/factor?method=email&" + v.at.RawQuery).submit("factor-send")
	sent, _ := h.posts.last(t)
	v.submit("factor", "code", sent.Code).want(200, "/app")
	h.clock.Pass(time.Minute)
	h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor").has(`form#factor input[name=method][value=email]`, `a[data-method=totp]`)
	if _, n := h.posts.last(t); n != 2 {
		t.Errorf("%d codes", n)
	}
}
