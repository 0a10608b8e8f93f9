package main

import (
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

// enrolling is somebody who stands at the last step of the wizard, and the
// secret of the app.
func (w *world) enrolling(login string) (*person, string) {
	w.t.Helper()
	p := w.person().open(w.odooLink("odoo")).submit("form#login", "login", login, "password", rightPassword)
	secret := strings.Join(strings.Fields(p.page.Find("code.secret").Text()), "")
	p.follow("a#next").submit("form#codes-kept", "kept", "yes").want("form#totp-confirm")
	return p, secret
}

// What was begun with a password dies when the password changes, the factors
// are reset or the account is disabled, whatever comes after.
// E-08, M-03, M-05, D-04.
func TestPendingSignInDies(t *testing.T) {
	for name, change := range map[string]func(w *world, id idp.UserID) error{
		"new password": func(w *world, id idp.UserID) error {
			return w.people.accounts.SetPassword(w.t.Context(), hostActor, id, "another horse, another battery")
		},
		"reset": func(w *world, id idp.UserID) error {
			return w.people.accounts.ResetFactors(w.t.Context(), hostActor, id)
		},
		"disabled and enabled": func(w *world, id idp.UserID) error {
			if err := w.people.accounts.Disable(w.t.Context(), hostActor, id); err != nil {
				return err
			}
			return w.people.accounts.Enable(w.t.Context(), hostActor, id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "sqlite")
			w.demandMFA()
			w.odooClient("odoo")
			ada, bob := w.user("ada@example.org", withApp), w.user("bob@example.org")
			factor := w.person().open(w.odooLink("odoo")).submit("form#login", "login", "ada@example.org", "password", rightPassword).want("form#factor")
			wizard, secret := w.enrolling("bob@example.org")
			for _, id := range []idp.UserID{ada.ID, bob.ID} {
				if err := change(w, id); err != nil {
					t.Fatal(err)
				}
			}
			if factor.submit("form#factor", "code", w.code(appSecret)); factor.status != http.StatusGone {
				t.Errorf("the second step goes on: %d at %s", factor.status, factor.at)
			}
			if wizard.submit("form#totp-confirm", "code", w.code(secret)); wizard.status != http.StatusGone {
				t.Errorf("the wizard goes on: %d at %s", wizard.status, wizard.at)
			}
			if u, _ := w.db.Users.ByID(t.Context(), bob.ID); len(u.Factors) != 0 {
				t.Errorf("bob got %v", u.Factors)
			}
		})
	}
}

// A session that was opened while the epoch rose is dead from the start.
func TestSessionOfAnOldEpoch(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.odooClient("odoo")
		u := w.user("ada@example.org")
		p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
		p.answer()
		if err := w.db.Users.RaiseEpoch(t.Context(), u.ID); err != nil { // and the session is left, as in a race
			t.Fatal(err)
		}
		p.open(w.odooLink("odoo")).want("form#login")
	})
}

// Who signs out takes along what a step-up had inherited, codes, access tokens
// and Odoo's tokens, by both doors. S-05.
func TestSignOutEndsEverything(t *testing.T) {
	for _, door := range []string{"/logout", "/oauth2/logout"} {
		t.Run(door, func(t *testing.T) {
			w := newWorld(t, "sqlite")
			shop := w.odooClient("odoo")
			web := w.client(oidc.Input{ID: "web", Name: "Web", Type: oidc.Web, RedirectURIs: []string{"https://app.example.org/cb"}, Trusted: true})
			w.user("ada@example.org")
			p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
			code := func() url.Values {
				q := url.Values{"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {"https://app.example.org/cb"}, "scope": {"openid"}, "state": {"s"}}
				return url.Values{
					"grant_type": {"authorization_code"}, "redirect_uri": q["redirect_uri"],
					"code": {p.open("/oauth2/authorize?" + q.Encode()).answer().Get("code")},
				}
			}
			access, _ := w.token(web, code())["access_token"].(string)
			pending := code()
			token := p.open(w.odooLink("odoo")).answer().Get("access_token")
			// Signing in anew gives the session another id; what came from the old
			// one is still this person's to end.
			w.later(time.Second)
			p.open("/oauth2/authorize?"+url.Values{
				"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {"https://app.example.org/cb"}, "scope": {"openid"}, "prompt": {"login"},
			}.Encode()).signIn(w, "ada@example.org").answer()
			if status, _ := w.userinfo(access); status != http.StatusOK {
				t.Errorf("signing in anew ended the access token: %d", status)
			}
			w.demandMFA()
			stepUp := p.open(w.odooLink("odoo")).want("code.secret").at.String()

			p.open(door).submit("form#logout")
			if p.open(stepUp); p.has("code.secret") {
				t.Error("the step-up goes on without its session")
			}
			if status, _ := w.userinfo(access); status != http.StatusUnauthorized {
				t.Errorf("the access token lives: %d", status)
			}
			if status, _ := w.post("/oauth2/token", web, pending); status != http.StatusBadRequest {
				t.Errorf("the code is good: %d", status)
			}
			if status, _ := validate(t, w.url+odoo.ValidationPath(shop.Client), token); status != http.StatusUnauthorized {
				t.Errorf("Odoo's token is good: %d", status)
			}
		})
	}
}

// A confirmation that is already at work (it hashes ten backup codes) does not
// come after a reset. E-08, M-05.
func TestConfirmationDuringReset(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.demandMFA()
		w.odooClient("odoo")
		u := w.user("ada@example.org")
		for range 4 {
			p, secret := w.enrolling("ada@example.org")
			done := make(chan struct{})
			go func() {
				defer close(done)
				p.submit("form#totp-confirm", "code", w.code(secret))
			}()
			time.Sleep(60 * time.Millisecond) // in the middle of the hashing, which takes some 300 ms
			if err := w.people.accounts.ResetFactors(t.Context(), hostActor, u.ID); err != nil {
				t.Fatal(err)
			}
			<-done
			held, err := w.proofs.engine.Held(t.Context(), u.Subject().ID)
			if err != nil || len(held) != 0 {
				t.Fatalf("after the reset: %d credentials, %v", len(held), err)
			}
		}
	})
}

// Of two browsers that set up the same person's first app, one wins. M-05, M-07.
func TestParallelEnrolment(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.demandMFA()
		w.odooClient("odoo")
		u := w.user("ada@example.org")
		one, secretOne := w.enrolling("ada@example.org")
		two, secretTwo := w.enrolling("ada@example.org")
		runners := make(chan func(), 2)
		runners <- func() { one.submit("form#totp-confirm", "code", w.code(secretOne)) }
		runners <- func() { two.submit("form#totp-confirm", "code", w.code(secretTwo)) }
		close(runners)
		race(func() bool {
			if f, ok := <-runners; ok {
				f()
			}
			return false
		})
		cs, err := w.proofs.engine.Held(t.Context(), u.Subject().ID)
		if err != nil || len(cs) != 2 {
			t.Errorf("%d credentials, want one app and one set of backup codes: %v", len(cs), err)
		}
		if (one.at.Host == "shop.example.org") == (two.at.Host == "shop.example.org") {
			t.Errorf("one ended at %s (%d), the other at %s (%d)", one.at.Host, one.status, two.at.Host, two.status)
		}
	})
}

// A locked name is not free for all: the network pays for every try. C-11.
func TestLockedNameCostsTheNetwork(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_LIMITS_ADDRESS_TRIES=20")
	w.odooClient("odoo")
	p := w.person().open(w.odooLink("odoo"))
	for i := range 21 {
		want := http.StatusUnauthorized
		if i == 20 {
			want = http.StatusTooManyRequests
		}
		if p.submit("form#login", "login", "nobody@example.org", "password", "wrong"); p.status != want {
			t.Fatalf("try %d: %d, want %d", i, p.status, want)
		}
	}
}

// `user unlock` frees every browser, also one that had a budget of its own.
func TestUnlockKnownBrowser(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.odooClient("odoo")
	u := w.user("ada@example.org")
	p := w.person().open(w.odooLink("odoo")).signIn(w, "ada@example.org")
	p.open("/logout").submit("form#logout").open(w.odooLink("odoo"))
	for range 10 {
		p.submit("form#login", "login", "ada@example.org", "password", "wrong")
	}
	if p.submit("form#login", "login", "ada@example.org", "password", rightPassword); p.status != http.StatusUnauthorized {
		t.Fatalf("ten wrong passwords do not lock the browser: %d", p.status)
	}
	if err := w.people.accounts.Unlock(t.Context(), hostActor, u.ID); err != nil {
		t.Fatal(err)
	}
	w.later(6 * time.Second) // as long as a cache may go on refusing
	p.submit("form#login", "login", "ada@example.org", "password", rightPassword).answer()
}

// B-10, P-18: only X-Forwarded-For counts, and no address with a slash too many
// sends a password on.
func TestOddRequests(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_TRUSTED_PROXIES=127.0.0.1/32")
	w.odooClient("odoo")
	w.user("ada@example.org", func(in *account.New) { in.Kind = idp.Portal })
	p := w.person()
	if p.post(w.url+"/login/", url.Values{"password": {"x"}}); p.status != http.StatusNotFound {
		t.Errorf("POST /login/: %d", p.status)
	}
	r, err := http.NewRequest(http.MethodGet, w.odooLink("odoo"), nil)
	if err != nil {
		t.Fatal(err)
	}
	p.do(r)
	action, fields := p.form("form#login")
	fields.Set("login", "ada@example.org")
	fields.Set("password", "wrong")
	r, err = http.NewRequest(http.MethodPost, action, strings.NewReader(fields.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Forwarded-For", "6.6.6.6, 198.51.100.7")
	r.Header.Set("X-Real-IP", "3.3.3.3")
	p.do(r)
	var from string
	err = w.db.Log.Events(t.Context(), idp.EventQuery{}, func(e idp.Event) error {
		if e.What == "signin.password" {
			from = e.Origin.Address
		}
		return nil
	})
	if err != nil || from != "198.51.100.7" {
		t.Errorf("the try is counted for %q, %v", from, err)
	}
}
