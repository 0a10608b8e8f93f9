package signin

import (
	"strings"
	"testing"

	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
)

func TestShaped(t *testing.T) {
	for _, c := range []struct {
		kind   mfa.Kind
		typed  string
		digits int
		want   bool
	}{
		{totp.Kind, "123456", 6, true},
		{totp.Kind, " 123 456\u00a0", 6, true},
		{totp.Kind, "123-456", 6, true},
		{totp.Kind, "12345", 6, false},
		{totp.Kind, "1234567", 6, false},
		{totp.Kind, "12345o", 6, false},
		{totp.Kind, "１２３４５６", 6, false},
		{totp.Kind, "", 6, false},
		{totp.Kind, "12345678", 8, true},
		{totp.Kind, "123456", 8, false},
		{totp.Kind, "1234567", 0, true},
		{totp.Kind, "123456789", 0, false},
		{backup.Kind, "abcde-01234", 0, true},
		{backup.Kind, "ABCDE 0123O", 6, true},
		{backup.Kind, "123456", 6, false},
		{backup.Kind, "abcde-0123é", 0, false},
		{backup.Kind, "", 0, false},
	} {
		p := mfa.Prompt{Shape: mfa.ShapeCode, Digits: c.digits}
		if c.kind == backup.Kind {
			p.Shape = mfa.ShapeWord
		}
		if got := shaped(p, c.typed); got != c.want {
			t.Errorf("%s %q of %d: %v", c.kind, c.typed, c.digits, got)
		}
	}
}

// A slip is told from a wrong code and costs no try, however many there are;
// B-01 holds for what has the shape of a code.
func TestSlipsAreFree(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	for range 25 { // more than either budget holds
		v.submit("factor", "code", "12345").want(400, "/login/factor").has("[role=alert]#wrong", "form#factor input[name=code][aria-invalid=true]")
	}
	if got := v.doc.Find(".notice-title").Text(); got != "A code has 6 digits." {
		t.Errorf("says %q", got)
	}
	v.submit("factor", "code", h.code(secret)).want(200, "/app")
}

// The same in the wizard, and for backup codes.
func TestSlipsInWizard(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	h.demand(policy.What{Assurance: policy.MFA})
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol")
	key := strings.Join(strings.Fields(v.doc.Find("code.secret").Text()), "")
	v.follow("a#next")
	code := v.doc.Find("ol.codes code").First().Text()
	v.submit("codes-kept", "kept", "yes").want(200, "/login/enrol/confirm")
	for range 25 {
		v.submit("totp-confirm", "code", "1234 5678").want(400, "/login/enrol/confirm").has("[role=alert]", "input[name=code][aria-invalid=true]")
	}
	v.submit("totp-confirm", "code", h.code(key)).want(200, "/app")

	v = h.visit().get("/app").submit("login", "login", "ada", "password", pass).follow("a[data-method=backup]")
	for range 25 {
		v.submit("factor", "code", "123456").want(400, "/login/factor").has("form#factor input[name=code][inputmode=text]")
	}
	if got := v.doc.Find(".notice-title").Text(); got != "A backup code has 10 letters and digits." {
		t.Errorf("says %q", got)
	}
	v.submit("factor", "code", strings.ToUpper(code)).want(200, "/app")
}
