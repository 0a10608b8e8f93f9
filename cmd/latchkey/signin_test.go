package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
)

// hostActor is somebody at the command line of the server.
var hostActor = idp.Actor{Host: true}

const shopCallback = "https://shop.example.org/auth_oauth/signin"

// odooClient is a shop as `client add --type odoo` makes it.
func (w *world) odooClient(id string) oidc.Registered {
	return w.client(oidc.Input{ID: oidc.ClientID(id), Name: "Shop", Type: oidc.Odoo, RedirectURIs: []string{shopCallback}, Trusted: true})
}

// odooState is a state as Odoo writes it; it must come back byte for byte.
const odooState = `{"d": "shop", "p": 4, "r": "https%253A%252F%252Fshop.example.org%252Fmy"}`

// odooLink is what a stock Odoo puts on its login page.
func (w *world) odooLink(client string) string {
	return w.url + "/oauth2/authorize?" + url.Values{
		"response_type": {"token"}, "client_id": {client}, "redirect_uri": {shopCallback},
		"scope": {"openid profile email"}, "state": {odooState},
	}.Encode()
}

// validate is Odoo's one server-side call.
func validate(t testing.TB, address, token string) (int, map[string]any) {
	t.Helper()
	resp, err := http.Get(address + "?" + url.Values{"access_token": {token}}.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, out
}

// The main job, as a person and as Odoo: password, enrolment of an app with
// backup codes inside the sign-in, back to Odoo, one validation; then a second
// sign-in with a code and a third with a backup code.
// M-01, M-02, M-07, T-01, T-09, P-07, P-08, S-01.
func TestOdooMainJob(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.demandMFA()
		u := w.user("ada@example.org")
		c := w.odooClient("odoo")
		address := w.url + odoo.ValidationPath(c.Client)

		p := w.person().open(w.odooLink("odoo"))
		p.want("form#login").submit("form#login", "login", " ADA@example.org", "password", rightPassword)
		secret := strings.Join(strings.Fields(p.page.Find("code.secret").Text()), "")
		if len(secret) != 32 {
			t.Fatalf("no secret to type on the enrolment page: %s", p.text())
		}
		p.follow("a#next")
		var codes []string
		for _, c := range p.page.Find(".codes code").EachIter() {
			codes = append(codes, strings.TrimSpace(c.Text()))
		}
		if len(codes) != 10 {
			t.Fatalf("%d backup codes, want 10", len(codes))
		}
		p.submit("form#codes-kept", "kept", "yes")
		if got, _ := w.db.Users.ByID(t.Context(), u.ID); len(got.Factors) != 0 {
			t.Fatalf("M-07: active before the confirmation: %v", got.Factors)
		}
		p.submit("form#totp-confirm", "code", "000000").want("form#totp-confirm")
		used := w.code(secret)
		p.submit("form#totp-confirm", "code", used)
		a := p.answer()
		if a.Get("state") != odooState || a.Get("token_type") != "Bearer" || a.Get("iss") != w.url {
			t.Errorf("answer %v", a)
		}
		status, claims := validate(t, address, a.Get("access_token"))
		if status != 200 || claims["sub"] != string(u.ID) || claims["email"] != "ada@example.org" || claims["name"] == "" {
			t.Errorf("validation: %d %v", status, claims)
		}
		if status, _ := validate(t, address, a.Get("access_token")); status != http.StatusUnauthorized {
			t.Errorf("P-08: a second validation of one authorization: %d", status)
		}

		second := w.person().open(w.odooLink("odoo"))
		second.submit("form#login", "login", "ada@example.org", "password", rightPassword).want("form#factor")
		second.submit("form#factor", "code", used).want("form#factor")
		if second.status != http.StatusUnauthorized {
			t.Errorf("T-01: the code that confirmed the app is accepted again: %d", second.status)
		}
		w.later(time.Minute)
		second.submit("form#factor", "code", w.code(secret))
		if again := second.answer().Get("access_token"); again != a.Get("access_token") {
			t.Error("the token of one user, client and epoch is not the same string: the first browser would be signed out of Odoo")
		}

		third := w.person().open(w.odooLink("odoo"))
		third.submit("form#login", "login", "ada@example.org", "password", rightPassword)
		third.follow(`a[data-method=backup]`).submit("form#factor", "code", strings.ToUpper(codes[3]))
		third.answer()
		fourth := w.person().open(w.odooLink("odoo"))
		fourth.submit("form#login", "login", "ada@example.org", "password", rightPassword)
		fourth.follow(`a[data-method=backup]`).submit("form#factor", "code", codes[3]).want("form#factor")
	})
}

// A live session goes straight through; a factor added meanwhile is asked for.
// M-01, S-05, D-13.
func TestSessionLives(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.odooClient("odoo")
		u := w.user("ada@example.org")
		p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
		p.answer()
		p.open(w.odooLink("odoo")).answer()

		w.demandMFA()
		p.open(w.odooLink("odoo")).want("code.secret")

		if err := w.people.accounts.Disable(t.Context(), hostActor, u.ID); err != nil {
			t.Fatal(err)
		}
		p.open(w.odooLink("odoo")).want("form#login")
	})
}

// S-04: idle and absolute limits hold on the server.
func TestSessionEnds(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.odooClient("odoo")
		w.user("ada@example.org")
		p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
		for range 20 {
			w.later(29 * time.Minute)
			p.open(w.odooLink("odoo")).answer()
		}
		w.later(31 * time.Minute)
		p.open(w.odooLink("odoo")).want("form#login").signIn(w, "ada@example.org").answer()
		for range 24 {
			w.later(29 * time.Minute)
			p.open(w.odooLink("odoo"))
		}
		w.later(29 * time.Minute)
		p.open(w.odooLink("odoo")).want("form#login")
	})
}

// S-02, X-02: a sign-in goes on only in the browser that began it, and only
// from our own forms.
func TestForeignBrowser(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.odooClient("odoo")
	w.user("ada@example.org", withApp)
	mine := w.person().open(w.odooLink("odoo"))
	action, fields := mine.form("form#login")
	fields.Set("login", "ada@example.org")
	fields.Set("password", rightPassword)

	thief := w.person().open("/login")
	if thief.post(action, fields); thief.status < 400 || thief.has("form#factor") {
		t.Errorf("another browser went on with the flow: %d %s", thief.status, thief.text())
	}
	fields.Del("csrf")
	if mine.post(action, fields); mine.status != http.StatusForbidden {
		t.Errorf("a form without its token: %d", mine.status)
	}
	mine.open(w.odooLink("odoo")).submit("form#login", "login", "ada@example.org", "password", rightPassword).want("form#factor")
	if thief.open(mine.at.String()); thief.has("form#factor") {
		t.Error("another browser sees the second step")
	}
	// M-02: a pending sign-in reaches nothing.
	if mine.open("/my/security"); mine.at.Path != "/login" {
		t.Errorf("a pending sign-in reaches %s", mine.at)
	}
}

// E-01, B-07: unknown, wrong, disabled and locked look the same.
func TestSameAnswer(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.odooClient("odoo")
		w.user("ada@example.org")
		off := w.user("off@example.org")
		w.user("locked@example.org")
		if err := w.people.accounts.Disable(t.Context(), hostActor, off.ID); err != nil {
			t.Fatal(err)
		}
		try := func(login, password string) *person {
			return w.person().open(w.odooLink("odoo")).submit("form#login", "login", login, "password", password)
		}
		for range 10 {
			try("locked@example.org", "wrong")
		}
		shape := func(p *person, login string) string {
			var cookies []string
			for _, c := range p.header.Values("Set-Cookie") {
				cookies = append(cookies, strings.SplitN(c, "=", 2)[0])
			}
			return strings.Join([]string{http.StatusText(p.status), strings.ReplaceAll(p.text(), login, "LOGIN"), strings.Join(cookies, ",")}, "\n")
		}
		want := shape(try("nobody@example.org", "wrong"), "nobody@example.org")
		for name, p := range map[string]*person{
			"wrong": try("ada@example.org", "wrong"), "disabled": try("off@example.org", rightPassword),
			"locked, right password": try("locked@example.org", rightPassword),
		} {
			login := p.page.Find("input[name=login]").AttrOr("value", "?")
			if got := shape(p, login); got != want {
				t.Errorf("%s differs from unknown:\n%s\n--\n%s", name, got, want)
			}
		}
		w.later(16 * time.Minute)
		if p := try("locked@example.org", rightPassword); p.at.Host != "shop.example.org" {
			t.Errorf("the lock does not end: %d %s", p.status, p.text())
		}
	})
}

// B-09: a browser that was signed in before keeps a budget of its own.
func TestKnownBrowser(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.odooClient("odoo")
	w.user("ada@example.org", func(in *account.New) { in.Locale = "fr" })
	home := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
	home.answer()
	for range 12 {
		w.person().open(w.odooLink("odoo")).submit("form#login", "login", "ada@example.org", "password", "wrong")
	}
	home.open("/logout").submit("form#logout")
	home.open(w.odooLink("odoo")).signIn(w, "ada@example.org").answer()
}

// An application may want people to be asked with which account to go on; so
// may a request (prompt=select_account).
func TestContinueAs(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.client(oidc.Input{ID: "odoo", Name: "Shop", Type: oidc.Odoo, RedirectURIs: []string{shopCallback}, Choose: true})
	w.user("ada@example.org")
	w.user("bob@example.org")
	p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
	first := p.answer().Get("access_token")
	if p.open(w.odooLink("odoo")); !strings.Contains(p.text(), "Ada@example.org") {
		t.Fatalf("nobody asks as whom to go on: %s", p.text())
	}
	if again := p.submit("form#continue", "decision", "continue").answer(); again.Get("access_token") != first || again.Get("state") != odooState {
		t.Errorf("going on as the same person: %v", again)
	}
	p.open(w.odooLink("odoo")).submit("form#continue", "decision", "other").signIn(w, "bob@example.org")
	if other := p.answer().Get("access_token"); other == first {
		t.Error("another account got the first one's token")
	}
}
