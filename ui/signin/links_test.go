package signin

import (
	"testing"
	"time"

	"latchkey/idp"
)

var host = idp.Actor{Host: true}

// M-08, M-11: a link that an administrator sent leads, after the password, to
// the wizard; it works once and changes nothing by itself (E-07).
func TestEnrolLink(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	link, err := h.help.EnrolLink(t.Context(), host, u.ID, "totp", 0)
	if err != nil {
		t.Fatal(err)
	}
	path := "/enrol/" + link.Token
	for range 2 {
		h.visit().get(path).want(200, path).has("form#enrol-start")
	}
	h.visit().get("/enrol/nonsense").want(410, "/enrol/nonsense")
	v := h.visit().get(path).submit("enrol-start").want(200, "/login").has("form#reauthenticate")
	v.submit("reauthenticate", "password", "wrong password").want(401, "/login")
	v.submit("reauthenticate", "password", pass).want(200, "/login/enrol")
	key := v.doc.Find("code.secret").Text()
	v.follow("a#next").submit("codes-kept", "kept", "yes").submit("totp-confirm", "code", h.code(joined(key))).want(200, Home)
	h.visit().get(path).want(410, path)
	if after, err := h.db.Users.ByID(t.Context(), u.ID); err != nil || len(after.Factors) != 2 {
		t.Fatalf("%+v, %v", after, err)
	}
}

func joined(s string) string {
	out := make([]rune, 0, len(s))
	for _, r := range s {
		if r != ' ' {
			out = append(out, r)
		}
	}
	return string(out)
}

// B-12: the link in a notice ends what somebody else began, by POST only, and
// leads to a new password by a mail of its own.
func TestNotMe(t *testing.T) {
	h := open(t)
	u := h.add("ada", secret)
	thief := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	thief.submit("factor", "code", h.code(secret)).want(200, "/app")
	l, token := idp.NewLink(idp.LinkNotMe, u, h.clock.Now(), idp.LinkNotMe.Life())
	l.Data = map[string]string{"email": u.Email}
	if err := h.db.Links.Put(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	path := "/not-me/" + token
	v := h.visit().get(path).want(200, path)
	thief.get("/app").want(200, "/app")
	v.submit("not-me").want(200, path).has("h1")
	thief.get("/app").want(200, "/login").submit("login", "login", "ada", "password", pass).want(401, "/login")
	h.visit().get(path).want(410, path)
}

// E-01, E-03, E-04, E-06, E-08: the same answer for everybody; the link works
// once, for a good password, signs nobody in and leaves the factors alone.
func TestForgotPassword(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	var pages [2]string
	for i, who := range []string{"ada", "nobody"} {
		v := h.visit().get("/recover").submit("recover", "login", who).want(200, "/recover").has("#sent")
		pages[i] = v.doc.Find("main").Text()
	}
	if pages[0] != pages[1] {
		t.Error("the answer tells who exists")
	}
	u, err := h.db.Users.ByIdentifier(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	l, token := idp.NewLink(idp.LinkRecover, u, h.clock.Now(), idp.LinkRecover.Life())
	if err := h.db.Links.Put(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	path := "/recover/" + token
	v := h.visit().get(path).want(200, path)
	v.submit("recover-password", "new_password", "12345678").want(400, path).has("[role=alert]")
	v.submit("recover-password", "new_password", "three green boats at noon").want(200, "/login").has("#chosen", "input[name=login][value=ada]")
	v.get("/app").want(200, "/login") // signed in by nothing
	v.submit("login", "login", "ada", "password", pass).want(401, "/login")
	h.clock.Pass(time.Minute)
	v.submit("login", "login", "ada", "password", "three green boats at noon").want(200, "/login/factor")
	h.visit().get(path).want(410, path)
}
