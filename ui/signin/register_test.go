package signin

import (
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/settings"
	"latchkey/mfa"
)

// registers turns registration on, or changes it.
func (h *house) registers(next settings.Registration) {
	h.t.Helper()
	host := idp.Actor{Host: true}
	_, version, err := h.settings.ReadRegistration(h.t.Context(), host)
	if err == nil {
		err = h.settings.ChangeRegistration(h.t.Context(), host, version, next)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

const chosen = "three green boats at noon"

// The whole way in one browser: from the page of a sign-in that an application
// began, through the mail, back to the application. E-03, E-07: the link signs
// nobody in, and looking at it is no use of it.
func TestRegister(t *testing.T) {
	h := open(t)
	h.visit().get("/app").want(200, "/login").hasNot("#register-link")
	h.visit().get("/register").want(404, "/register")
	h.registers(settings.Registration{Open: true, Terms: "https://example.org/terms", Privacy: "https://example.org/privacy"})
	v := h.visit().get("/app").want(200, "/login").follow("#register-link").want(200, "/register")
	v.has("a[href='https://example.org/terms'][rel~=noreferrer]", "#to-login[href*='flow=']")
	v.submit("register", "email", "camille", "name", " ").want(400, "/register").has("#register-email[value=camille][aria-invalid]", "#name-wrong")
	v.submit("register", "email", "camille@example.org", "name", "Camille").want(200, "/register").has("#sent").hasNot("form#register")
	path := "/register/" + h.mailed("/register/")
	h.visit().get(path).want(200, path) // a mail scanner
	v.get(path).want(200, path).has("input[name=username][value='camille@example.org']", "#agreed")
	if policy := v.header.Get("Referrer-Policy"); policy != "no-referrer" {
		t.Errorf("Referrer-Policy: %s", policy)
	}
	v.submit("register-password", "name", "Ada", "new_password", "short", "agreed", "yes").want(400, path).has("#wrong")
	v.submit("register-password", "name", "Ada", "new_password", chosen).want(400, path).has("#agreed-wrong")
	v.submit("register-password", "name", "Ada", "new_password", chosen, "agreed", "yes").want(200, "/login").has("#made", "#login-name[value='camille@example.org']")
	h.visit().get(path).want(410, path)
	v.submit("login", "login", "camille@example.org", "password", chosen).want(200, "/app")
	if !strings.Contains(v.at.RawQuery, "state=1%2F2") || !strings.Contains(string(v.body), "camille@example.org") {
		t.Errorf("%s: %s", v.at, v.body)
	}
}

// S-02, X-07: in another browser, and when it took long, the link leads to one's
// own pages: what waits in the first browser is that one's.
func TestRegisterElsewhere(t *testing.T) {
	h := open(t)
	h.registers(settings.Registration{Open: true})
	for name, late := range map[string]time.Duration{"ann": 0, "bob": 31 * time.Minute} {
		v := h.visit().get("/app").follow("#register-link")
		v.submit("register", "email", name+"@example.org", "name", name).want(200, "/register")
		path := "/register/" + h.mailed("/register/")
		if late == 0 {
			v = h.visit()
		}
		h.clock.Pass(late)
		v.get(path).submit("register-password", "name", "Ada", "new_password", chosen).want(200, "/login").has("#made")
		v.submit("login", "login", name+"@example.org", "password", chosen).want(200, Home)
	}
}

// E-01: the same answer for a known and an unknown address, one that may not, and
// after too many.
func TestRegisterTellsNothing(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	h.registers(settings.Registration{Open: true, Refused: []string{"bad.example"}})
	var first string
	for _, address := range []string{"ada@example.com", "new@example.com", "new@example.com", "x@bad.example"} {
		v := h.visit().get("/register").submit("register", "email", address, "name", "X").want(200, "/register").has("#sent")
		text := v.doc.Find("main").Text() + v.header.Get("Set-Cookie")
		if first == "" {
			first = text
		}
		if text != first {
			t.Errorf("%s: %q, want %q", address, text, first)
		}
	}
	if all, err := h.db.Outbox().Newest(t.Context(), 10); err != nil || len(all) != 2 {
		t.Errorf("%d mails, %v", len(all), err)
	}
}

// E-11: what a stranger wrote heads no page, and can be changed; E-04: a second
// request, by whomever, leaves the first link good; terms that changed after they
// were shown are shown before anybody agrees to them.
func TestRegisterTheirOwn(t *testing.T) {
	h := open(t)
	h.registers(settings.Registration{Open: true, Terms: "https://example.org/1"})
	v := h.visit().get("/register").submit("register", "email", "ada@example.org", "name", "Win at evil.example").want(400, "/register").has("#register-name[aria-invalid]")
	v.submit("register", "email", "ada@example.org", "name", "Ada").want(200, "/register")
	path := "/register/" + h.mailed("/register/")
	h.clock.Pass(2 * time.Minute)
	h.visit().get("/register").submit("register", "email", "ada@example.org", "name", "Mallory").want(200, "/register")
	v.get(path).want(200, path).has("#register-name[value=Ada]")
	second := "/register/" + h.mailed("/register/")
	if later := h.visit().get(second).want(200, second); second == path || strings.Contains(later.doc.Find("h1, .person, title").Text(), "Mallory") {
		t.Error("a stranger's words are a heading")
	}
	h.registers(settings.Registration{Open: true, Terms: "https://example.org/2"})
	v.submit("register-password", "name", "Ada", "new_password", chosen, "agreed", "yes").want(400, path).has("#agreed-wrong", "a[href='https://example.org/2']")
	v.submit("register-password", "name", "Ada", "new_password", chosen, "agreed", "yes", "name", "www.evil").want(400, path).has("#name-wrong", "#register-name[value='www.evil']")
	v.submit("register-password", "name", "Ada", "new_password", chosen, "agreed", "yes", "name", "Ada King").want(200, "/login").has("#made")
	if u, err := h.accounts.Find(t.Context(), "ada@example.org"); err != nil || u.Name != "Ada King" {
		t.Errorf("%+v, %v", u, err)
	}
}

// C-12: where there were too many, the page says so, to everybody.
func TestRegisterFull(t *testing.T) {
	h := open(t)
	h.registers(settings.Registration{Open: true})
	h.add("ada", "")
	for range 500 {
		if err := h.db.Limiter.Take(t.Context(), mfa.Budget{Key: "register", Max: 500, Per: time.Hour, Shared: true}); err != nil {
			t.Fatal(err)
		}
	}
	for _, address := range []string{"ada@example.com", "new@example.com"} {
		h.visit().get("/register").submit("register", "email", address, "name", "X").want(429, "/register").has("#wrong").hasNot("#sent")
	}
}

// Somebody was faster: there is no second account, and a page that says what to
// do.
func TestRegisterTaken(t *testing.T) {
	h := open(t)
	h.registers(settings.Registration{Open: true})
	v := h.visit().get("/register").submit("register", "email", "ann@example.org", "name", "Ann")
	path := "/register/" + h.mailed("/register/")
	v.get(path)
	if _, err := h.accounts.Add(t.Context(), idp.Actor{Host: true}, account.New{Email: "ann@example.org", Password: pass}); err != nil {
		t.Fatal(err)
	}
	v.submit("register-password", "name", "Ada", "new_password", chosen).want(409, path).has("a[href='/login']")
}

// It is offered where it is set up to be, and to nobody who has an account:
// whoever proves again that it is them, or was sent a link.
func TestRegisterOffered(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	h.ask.Client.ID, h.ask.Need.Client = "shop", "shop"
	h.registers(settings.Registration{Open: true, Clients: []idp.ClientID{"wiki"}})
	h.visit().get("/app").want(200, "/login").hasNot("#register-link")
	h.visit().get("/register?client=wiki").want(200, "/register")
	h.visit().get("/register?client=shop").want(404, "/register")
	h.ask.Create = true // an application that asks for what is not offered to it gets a sign-in
	h.visit().get("/app").want(200, "/login")
	h.registers(settings.Registration{Open: true, Clients: []idp.ClientID{"shop"}})
	v := h.visit().get("/app").want(200, "/register").has("form#register input[name=flow]")
	v.follow("#to-login").want(200, "/login").submit("login", "login", "ada", "password", pass).want(200, "/app")
	v = h.visit().get("/app").want(200, "/register")
	h.clock.Pass(31 * time.Minute) // the sign-in is over; where they were going is not forgotten
	v.submit("register", "email", "late@example.org", "name", "Late").want(200, "/register").has("#sent")
	h.ask.Create, h.ask.Need.Subject = false, "somebody"
	h.visit().get("/app").want(200, "/login").hasNot("#register-link")
	h.visit().get("/login").want(200, "/login").hasNot("#register-link")
}

func (v *visitor) hasNot(selector string) *visitor {
	v.h.t.Helper()
	if v.doc.Find(selector).Length() != 0 {
		v.h.t.Errorf("%s has %s", v.at, selector)
	}
	return v
}
