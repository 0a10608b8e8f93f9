package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/odootest"
	"latchkey/mfa/policy"
)

// press clicks a button and waits for what it leads to.
func (b tab) press(button, then string) {
	b.t.Helper()
	b.follow(button)
	b.do(chromedp.WaitVisible(chromedp.CSS(then)))
}

func (b tab) fill(field, text string) {
	b.t.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(field), text))
}

// From the link that the server prints to the first policy, without JavaScript:
// the owner's account, their authenticator app, the list of first steps, a
// policy from a template, its effect, and the policy in force.
func TestFirstStartInChromium(t *testing.T) {
	t.Parallel()
	ctx := shell(t, "en")
	w := newWorld(t, "sqlite")
	for i := range 3 {
		w.user(fmt.Sprintf("customer%d@example.org", i), func(in *account.New) { in.Kind = idp.Portal })
	}
	token, _, err := w.people.accounts.Founding().OwnerLink(t.Context(), idp.Origin{})
	w.must(err)
	b := tab{t, ctx, "en"}
	b.do(chromedp.EmulateViewport(1200, 800), chromedp.Navigate(w.url+"/first/"+token))
	b.see("form#found", "admin-first")
	b.fill("#found-name", "Olga Owner")
	b.fill("#found-email", "olga@example.org")
	b.fill("#new-password", rightPassword)
	b.press("form#found #submit", "form#login")
	b.fill("input[name=password]", rightPassword)
	b.follow("form#login #submit")
	b.do(chromedp.WaitVisible(chromedp.CSS("a[data-method=totp], code.secret")))
	if b.eval(`String(!!document.querySelector("code.secret"))`) == "false" {
		b.press("a[data-method=totp]", "code.secret")
	}
	secret := strings.Join(strings.Fields(b.eval(`document.querySelector("code.secret").textContent`)), "")
	b.press("a#next", "form#codes-kept")
	b.do(chromedp.Click(chromedp.CSS("form#codes-kept input[name=kept]")))
	b.press("form#codes-kept #submit", "form#totp-confirm")
	code, err := totp.GenerateCode(secret, w.clock())
	w.must(err)
	b.fill("form#totp-confirm input[name=code]", code)
	b.follow("form#totp-confirm #submit")
	b.see("#first-steps", "admin-overview-first")
	b.noScript(true)
	b.do(chromedp.Navigate(w.url + "/admin/policies"))
	b.see("#admin-nav [aria-current]", "admin-policies-none")
	b.do(chromedp.Navigate(w.url + "/admin/policies/new"))
	b.see("#template-portal", "admin-policy-templates")
	b.press("#template-portal", "form#policy")
	b.see("form#policy", "admin-policy-edit")
	b.follow("form#policy button#submit")
	b.do(chromedp.WaitVisible(chromedp.CSS("a[href$='/publish']")))
	b.see("h1", "admin-policy-draft")
	b.press("a[href$='/publish']", "form#policy-publish")
	b.see("form#policy-publish", "admin-policy-publish")
	b.fill("form#policy-publish [name=reason]", "customers see invoices")
	b.follow("form#policy-publish #submit")
	b.see("#done", "admin-policy-published")
	all, err := w.db.Policies.InForce(t.Context())
	w.must(err)
	if len(all) != 1 || all[0].Whom.Kind != string(idp.Portal) || all[0].What.Assurance != policy.MFA {
		t.Fatalf("%+v", all)
	}
	vs, err := w.rules.book().History(t.Context(), idp.Actor{Host: true}, all[0].ID, 0, 10)
	w.must(err)
	if len(vs) != 1 || vs[0].Reason != "customers see invoices" {
		t.Errorf("%+v", vs)
	}
	for page, name := range map[string]string{"": "overview", "/users": "users", "/audit": "audit", "/reports/evidence": "evidence", "/settings": "settings", "/branding": "branding", "/messages": "messages", "/keys": "keys"} {
		b.do(chromedp.Navigate(w.url + "/admin" + page))
		b.see("#admin-nav [aria-current]", "admin-"+name)
	}
}

// signInAs gives password and code of somebody on the way to a page.
func (b tab) signInAs(w *world, login, at, then string) {
	b.t.Helper()
	w.later(30 * time.Second) // each code once
	b.do(chromedp.Navigate(w.url+at), chromedp.WaitVisible(chromedp.CSS("form#login")))
	b.fill("input[name=login]", login)
	b.fill("input[name=password]", rightPassword)
	b.press("form#login #submit", "form#factor")
	b.fill("form#factor input[name=code]", w.code(appSecret))
	b.press("form#factor #submit", then)
}

// The help desk helps somebody who lost their phone: a temporary code, shown
// once, which opens the account; without JavaScript.
func TestHelpDeskInChromium(t *testing.T) {
	t.Parallel()
	ctx := shell(t, "en")
	w := newWorld(t, "sqlite")
	w.user("hugo@example.org", withApp, func(in *account.New) { in.Role = idp.HelpDesk })
	pia := w.user("pia@example.org", withApp)
	b := tab{t, ctx, "en"}
	b.noScript(true)
	b.do(chromedp.EmulateViewport(1200, 800))
	b.signInAs(w, "hugo@example.org", "/admin/users/"+string(pia.ID)+"/temporary", "form[action$='/temporary']")
	b.see("form[action$='/temporary']", "admin-temporary")
	b.fill("form[action$='/temporary'] [name=reason]", "phone lost, seen at the desk")
	b.follow("form[action$='/temporary'] button[type=submit]")
	b.see(".secret-once output, output.secret", "")
	b.noScript(false) // to read what is shown
	code := strings.TrimSpace(b.eval(`document.querySelector("output.secret").textContent`))
	b.do(chromedp.Navigate(w.url + "/logout"))
	b.press("form#logout #submit", "body:not(:has(form#logout)) main h1")
	b.do(chromedp.Navigate(w.url+"/my/security"), chromedp.WaitVisible(chromedp.CSS("form#login")))
	b.fill("input[name=login]", "pia@example.org")
	b.fill("input[name=password]", rightPassword)
	b.press("form#login #submit", "form#factor, a[data-method=temporary]")
	if b.eval(`String(!!document.querySelector("a[data-method=temporary]"))`) == "true" {
		b.press("a[data-method=temporary]", "form#factor")
	}
	b.fill("form#factor input[name=code]", code)
	b.press("form#factor #submit", "#status")
	var seen []idp.Event
	w.must(w.db.Log.Events(t.Context(), idp.EventQuery{User: pia.ID, What: []string{"factor.temporary"}}, func(e idp.Event) error {
		seen = append(seen, e)
		return nil
	}))
	if len(seen) != 1 || seen[0].Detail["reason"] != "phone lost, seen at the desk" || seen[0].Origin.Request == "" {
		t.Errorf("%+v", seen)
	}
}

// A spreadsheet's file with a thousand people, as a spreadsheet writes it.
func TestImportInChromium(t *testing.T) {
	t.Parallel()
	ctx := shell(t, "en")
	w := newWorld(t, "sqlite")
	t.Cleanup(w.jobs.Close) // before the database goes
	w.user("anna@example.org", withApp, func(in *account.New) { in.Role = idp.Admin })
	var file bytes.Buffer
	file.WriteString("\ufeffNom;Courriel;Type\r\n")
	for i := range 1000 {
		fmt.Fprintf(&file, "\"Client n° %d\";client%d@example.org;portal\r\n", i, i)
	}
	name := filepath.Join(t.TempDir(), "clients.csv")
	w.must(os.WriteFile(name, file.Bytes(), 0o600))
	b := tab{t, ctx, "en"}
	b.do(chromedp.EmulateViewport(1200, 800))
	b.signInAs(w, "anna@example.org", "/admin/users/import", "form#upload")
	b.see("form#upload", "admin-import")
	b.do(chromedp.SetUploadFiles(chromedp.CSS("form#upload input[type=file]"), []string{name}))
	b.press("form#upload button[type=submit]", "form#check")
	b.see("form#check", "admin-import-columns")
	b.follow("form#check button[type=submit]")
	b.do(chromedp.WaitVisible(chromedp.CSS("form#start")))
	b.see("form#start", "admin-import-preview")
	b.follow("form#start button[type=submit]")
	for until := time.Now().Add(60 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		all, err := w.db.Users.List(t.Context(), idp.UserQuery{Kind: idp.Portal, Limit: 2000})
		w.must(err)
		if len(all) == 1000 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("%d of 1000 are there", len(all))
		}
	}
	b.do(chromedp.Navigate(w.url + "/admin/users?q=client"))
	b.see("#results", "admin-users-found")
}

// An Odoo is connected from the browser, as the fake of the contract knows it:
// address, key, what was found, done; without JavaScript.
func TestConnectOdooInChromium(t *testing.T) {
	t.Parallel()
	ctx := shell(t, "en")
	w := newWorld(t, "sqlite")
	t.Cleanup(w.jobs.Close)
	o := odootest.New(t, odootest.Options{Website: true, Now: w.clock})
	w.user("anna@example.org", withApp, func(in *account.New) { in.Role = idp.Admin })
	b := tab{t, ctx, "en"}
	b.noScript(true)
	b.do(chromedp.EmulateViewport(1200, 800))
	b.signInAs(w, "anna@example.org", "/admin/odoo/connect", "input[name=url]")
	b.see("input[name=url]", "admin-odoo-connect")
	b.fill("input[name=url]", o.URL)
	b.follow("main form[method=post] button[type=submit]")
	b.do(chromedp.WaitVisible(chromedp.CSS("[name=login]")))
	b.see("[name=login]", "admin-odoo-key")
	b.fill("[name=database]", o.Database)
	b.fill("input[name=login]", odootest.Login)
	b.fill("input[name=key]", o.Key)
	b.press("form#odoo-login button[type=submit]", "form#odoo-connect")
	b.see("form#odoo-connect", "admin-odoo-found")
	b.follow("form#odoo-connect button[type=submit]")
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(300 * time.Millisecond) {
		all, err := w.db.Connections.All(t.Context())
		w.must(err)
		if len(all) == 1 && all[0].Provider > 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("not connected: %+v\n%s", all, b.eval(`document.body.innerText`))
		}
	}
	b.do(chromedp.Navigate(w.url + "/admin/odoo"))
	b.see(".list tbody th a", "admin-odoo")
	b.follow(".list tbody th a")
	b.see("h1", "admin-odoo-connection")
}
