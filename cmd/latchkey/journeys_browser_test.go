package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// customer is somebody with a phone who was asked for a second factor by an
// application that they know.
type customer struct {
	tab
	w      *world
	login  string
	script bool
	odoo   string // where they knock at the application
}

// asCustomers walks once with scripts and once without.
func asCustomers(t *testing.T, walk func(c customer)) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<h1 id="there">Odoo</h1>`)
	}))
	t.Cleanup(app.Close)
	w := newWorld(t, "sqlite", "LATCHKEY_ACCOUNTS_CLOSING=request", "LATCHKEY_MAIL_ADMIN=house@example.org")
	w.client(oidc.Input{ID: "odoo", Type: oidc.Odoo, Name: "Atelier", RedirectURIs: []string{app.URL + "/auth_oauth/signin"}})
	w.policies(policy.Policy{Name: "customers-need-a-code", Enabled: true, Whom: policy.Whom{Groups: []string{"held"}}, What: policy.What{
		Assurance: policy.MFA, Methods: []mfa.Kind{"totp", "passkey", "backup"}, Devices: &policy.Devices{Days: 30},
	}})
	for _, script := range []bool{true, false} {
		t.Run(fmt.Sprintf("script=%t", script), func(t *testing.T) {
			b := tab{t, shell(t, "en"), "en"}
			b.do(chromedp.EmulateViewport(390, 844))
			b.noScript(!script)
			walk(customer{b, w, fmt.Sprintf("claire-%t@example.org", script), script, w.url + oidc.PathAuthorize + "?" + url.Values{
				"client_id": {"odoo"}, "response_type": {"token"}, "redirect_uri": {app.URL + "/auth_oauth/signin"}, "scope": {"openid"}, "state": {"s"},
			}.Encode()})
		})
	}
}

// open goes to a page of ours.
func (c customer) open(path string) { c.t.Helper(); c.do(chromedp.Navigate(c.w.url + path)) }

func (c customer) press(selector, then string) {
	c.t.Helper()
	c.follow(selector)
	c.see(then, "")
}

// write fills in a field in place of what it holds.
func (c customer) write(selector, text string) {
	c.t.Helper()
	c.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	c.eval(fmt.Sprintf(`document.querySelector(%q).value = ""`, selector))
	c.do(chromedp.SendKeys(chromedp.CSS(selector), text))
}

// unfold opens what is folded away around a form.
func (c customer) unfold(form string) {
	c.t.Helper()
	c.do(chromedp.Click(chromedp.CSS("details:has(" + form + ") > summary")))
}

// next is a code of the app that was not used before.
func (c customer) next(secret string) string {
	c.t.Helper()
	c.w.later(30 * time.Second)
	code, err := totp.GenerateCode(secret, c.w.clock())
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

// signIn gives both factors, and ends where selector is.
func (c customer) signIn(password, secret, selector string) {
	c.t.Helper()
	c.write("form#login input[name=login]", c.login)
	c.write("form#login input[name=password]", password)
	c.press("form#login #submit", "form#factor")
	c.write("form#factor input[name=code]", c.next(secret))
	c.press("form#factor #submit", selector)
}

func (c customer) signOut() {
	c.t.Helper()
	c.open("/logout")
	c.press("form#logout #submit", ".mark-good")
}

// mailed is the address in the newest mail that has one of this path.
func (c customer) mailed(to, path string) string {
	c.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) { // written after the answer
		all, err := c.w.db.Outbox().Newest(c.t.Context(), 100)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, m := range all {
			if _, rest, ok := strings.Cut(m.Text, c.w.url+path); ok && m.To == to {
				return path + strings.Fields(rest)[0]
			}
		}
	}
	c.t.Fatalf("no mail to %s with %s", to, path)
	return ""
}

// The first day of a portal customer: from the mail of the invitation to a second
// sign-in with a code (SECURITY.md A-10, E-03, E-07, X-10).
func TestNewcomerInChromium(t *testing.T) {
	t.Parallel()
	asCustomers(t, func(c customer) {
		u := c.w.user(c.login, func(in *account.New) { in.Password, in.Verified, in.Groups = "", false, []string{"held"} })
		if _, err := c.w.people.help.Invitations().Invite(c.t.Context(), idp.Actor{Host: true}, u.ID, account.Invite{Client: "odoo"}); err != nil {
			c.t.Fatal(err)
		}
		if _, err := chromedp.Call(c.ctx, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Paris"}); err != nil {
			c.t.Fatal(err)
		}
		c.open(c.mailed(c.login, "/invite/"))
		c.write("input[name=new_password]", "1234")
		c.press("form#invite #submit", "[role=alert]")
		c.write("input[name=new_password]", rightPassword)
		c.press("form#invite #submit", "#chosen")
		if now, err := c.w.db.Users.ByID(c.t.Context(), u.ID); err != nil || now.Profile.Zoneinfo != map[bool]string{true: "Europe/Paris"}[c.script] {
			c.t.Errorf("times are told in %q, %v", now.Profile.Zoneinfo, err)
		}
		c.write("form#login input[name=password]", rightPassword)
		c.press("form#login #submit", "code.secret")
		secret := strings.Join(strings.Fields(c.eval(`document.querySelector("code.secret").textContent`)), "")
		c.press("a#next", "form#codes-kept")
		c.do(chromedp.Click(chromedp.CSS("#kept")))
		c.press("form#codes-kept #submit", "form#totp-confirm")
		c.write("input[name=code]", "000000")
		c.press("form#totp-confirm #submit", "[role=alert]")
		c.write("input[name=code]", c.next(secret))
		c.press("form#totp-confirm #submit", "#there")
		c.signOut()
		c.do(chromedp.Navigate(c.odoo))
		c.signIn(rightPassword, secret, "#there")
	})
}

// A forgotten password, asked for on the way to an application: the mail leads to
// a new one and on to where the person was going, past the second factor and not
// around it (SECURITY.md E-03, E-04, E-07).
func TestForgottenPasswordInChromium(t *testing.T) {
	t.Parallel()
	asCustomers(t, func(c customer) {
		c.w.user(c.login, withApp, func(in *account.New) { in.Groups = []string{"held"} })
		c.do(chromedp.Navigate(c.odoo))
		c.press("#forgot", "form#recover")
		c.write("input[name=login]", c.login)
		c.press("form#recover #submit", "#sent")
		c.open(c.mailed(c.login, "/recover/"))
		c.write("input[name=new_password]", "password1")
		c.press("form#recover-password #submit", "[role=alert]")
		const next = "quite another lantern 99"
		c.write("input[name=new_password]", next)
		c.press("form#recover-password #submit", "#chosen")
		if got := c.eval(`document.querySelector("[name=login]").value + " " + document.querySelector(".lead").innerText`); got != c.login+" to continue to Atelier" {
			c.t.Errorf("the sign-in after it: %q", got)
		}
		c.write("form#login input[name=password]", next)
		c.press("form#login #submit", "form#factor")
		c.write("input[name=code]", c.next(appSecret))
		c.press("form#factor #submit", "#there")
	})
}

// A lost phone: in by a backup code, which the page of one's own takes for a hint;
// a new app, and the old one removed.
func TestLostPhoneInChromium(t *testing.T) {
	t.Parallel()
	asCustomers(t, func(c customer) {
		c.w.user(c.login, withApp, func(in *account.New) { in.Groups = []string{"held"} })
		c.open("/my/security/backup-codes")
		c.signIn(rightPassword, appSecret, "form#codes-new")
		c.press("form#codes-new #submit", "form#codes-kept")
		saved := c.eval(`document.querySelector(".codes code").textContent`)
		c.do(chromedp.Click(chromedp.CSS("#kept")))
		c.press("form#codes-kept #submit", "#done")
		c.signOut()

		c.do(chromedp.Navigate(c.odoo))
		c.write("form#login input[name=login]", c.login)
		c.write("form#login input[name=password]", rightPassword)
		c.press("form#login #submit", "form#factor")
		c.press("a#lost", ".do-list")
		c.press("[data-method=backup]", "form#factor:has([name=method][value=backup])")
		c.write("input[name=code]", strings.ToUpper(strings.ReplaceAll(saved, "-", " "))) // as people type it
		c.press("form#factor #submit", "#there")
		c.open("/my/security")
		c.press("#lost-phone a", "form#totp-add")
		c.press("form#totp-add #submit", "code.secret")
		secret := strings.Join(strings.Fields(c.eval(`document.querySelector("code.secret").textContent`)), "")
		c.press("a#next", "form#totp-confirm")
		c.write("input[name=code]", c.next(secret))
		c.press("form#totp-confirm #submit", "#old") // which says to remove the lost one
		if got := c.eval(`[...document.querySelectorAll(".thing-name")].map((e) => e.innerText.trim()).join()`); got != "Authenticator app 1,Authenticator app 2" {
			c.t.Errorf("the apps are called %q", got)
		}
		c.unfold("form[id^=factor-remove-]")
		c.press("form[id^=factor-remove-] button", "body:not(:has(#old)) #done") // the page before says that something was done, too
		c.open("/my/security")
		if c.eval(`String(document.querySelector("#lost-phone"))`) != "null" {
			c.t.Error("the phone is still said to be lost")
		}
		c.signOut()
		c.do(chromedp.Navigate(c.odoo))
		c.signIn(rightPassword, secret, "#there")
	})
}

// Another e-mail address (SECURITY.md E-09, E-10), a copy of one's data, and the
// request to close the account.
func TestProfileInChromium(t *testing.T) {
	t.Parallel()
	asCustomers(t, func(c customer) {
		c.w.user(c.login, withApp)
		c.open("/my/profile")
		c.signIn(rightPassword, appSecret, "form#profile")
		moved := "new-" + c.login
		c.write("form#email-change input[name=email]", moved)
		c.press("form#email-change button", "#done")
		c.open(c.mailed(moved, "/verify/"))
		c.press("form#verify #submit", "#done")
		if got := c.eval(`document.querySelector("#email-now").innerText`); got != moved {
			c.t.Errorf("the address is %s", got)
		}
		c.mailed(c.login, "/not-me/") // the old address was told
		c.open("/my/profile/data")
		c.see("form#data-export", "")
		c.unfold("form#account-close")
		c.press("form#account-close button", "#done")
		c.mailed("house@example.org", "/my/security")
	})
}

// A trusted device that is forgotten, a sign-in that is disowned, and two-step
// verification that policy holds on to.
func TestDevicesInChromium(t *testing.T) {
	t.Parallel()
	asCustomers(t, func(c customer) {
		c.w.user(c.login, withApp, func(in *account.New) { in.Groups = []string{"held"} })
		enter := func() {
			c.write("form#login input[name=login]", c.login)
			c.write("form#login input[name=password]", rightPassword)
		}
		c.do(chromedp.Navigate(c.odoo))
		enter()
		c.press("form#login #submit", "#trust")
		c.do(chromedp.Click(chromedp.CSS("#trust")))
		c.write("input[name=code]", c.next(appSecret))
		c.press("form#factor #submit", "#there")
		c.open("/my/security/devices")
		c.unfold("form[id^=device-forget-]:not(#device-forget-all)")
		c.press("form[id^=device-forget-]:not(#device-forget-all) button", "#none")
		c.open("/my/security/disable")
		c.see("#refused", "")
		c.open("/my/security/history")
		c.unfold("form[id^=not-me-]")
		c.press("form[id^=not-me-] button", "form#password-change")
		c.signOut()
		c.do(chromedp.Navigate(c.odoo))
		enter()
		c.press("form#login #submit", "form#factor") // the device is not known any more
	})
}

// Two-step verification off where no policy asks for it, by the password and the
// factor; the mail about it takes it back.
func TestTurnedOffInChromium(t *testing.T) {
	t.Parallel()
	asCustomers(t, func(c customer) {
		c.w.user(c.login, withApp)
		c.open("/my/security/disable")
		c.signIn(rightPassword, appSecret, "form#factors-disable")
		c.write("form#factors-disable input[name=password]", rightPassword)
		c.press("form#factors-disable #submit", "#done")
		c.open(c.mailed(c.login, "/not-me/"))
		c.press("form#not-me #submit", "main:not(:has(form#not-me)) h1")
		c.open("/my/security")
		c.see("form#login", "")
	})
}
