package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// connected connects the running Odoo by its own means, until the test ends.
func (o *liveOdoo) connected(w *world) connector.Connection {
	o.t.Helper()
	ctx, s := o.t.Context(), w.odoo.office()
	began := time.Now()
	r, err := s.Setup.Connect(ctx, host, connector.Order{URL: o.url, Database: o.db, Login: o.login, Key: o.password, ID: fmt.Sprintf("live%d", began.Unix())}, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Logf("Odoo %s by %s, connected in %s", r.Connection.Facts.Version.Full, r.Connection.Facts.Protocol, time.Since(began).Round(time.Millisecond))
	o.t.Cleanup(func() {
		if _, err := s.Setup.Disconnect(context.WithoutCancel(ctx), host, r.Connection.ID, false, false); err != nil {
			o.t.Error(err)
		}
	})
	if len(r.Warnings) > 0 && r.Connection.Facts.Version.Series >= 18 { // before, one session is all there can be
		o.t.Errorf("%v", r.Warnings)
	}
	o.provider = float64(r.Connection.Provider)
	return r.Connection
}

// A running Odoo is connected twice, examined, told of the end of sessions,
// locked and disconnected.
func TestLiveConnected(t *testing.T) {
	o := openOdoo(t)
	w := newWorld(t, "sqlite")
	c := o.connected(w)
	s, ctx := w.odoo.office(), t.Context()
	again, err := s.Setup.Connect(ctx, host, connector.Order{URL: o.url, Database: o.db, Login: o.login, Key: o.password}, nil)
	if err != nil || again.Connection.Provider != c.Provider {
		t.Fatalf("%+v %v", again, err)
	}
	run := time.Now().UnixNano()
	ada := w.user(fmt.Sprintf("ada%d@example.org", run), func(in *account.New) { in.Kind = idp.Portal })
	o.linked(ada.Email, "group_portal", ada)

	one, two := w.person(), w.person()
	if _, who := o.enter(w, one, ada.Email); who != ada.Email {
		t.Fatalf("Odoo says %q", who)
	}
	w.later(time.Minute)
	_, who := o.enter(w, two, ada.Email)
	if first := o.whoIs(one); who != ada.Email || (first == ada.Email) != (c.Facts.Version.Series >= 18) {
		t.Fatalf("second browser: Odoo says %q and %q", who, first)
	}
	began := time.Now()
	if err := w.people.guard().EndOtherSessions(ctx, host, ada.ID); err != nil {
		t.Fatal(err)
	}
	if n, err := w.odoo.endings().Round(ctx); err != nil || n != 1 {
		t.Errorf("%d messages, %v", n, err)
	}
	if a, b := o.whoIs(one), o.whoIs(two); a != "" || b != "" {
		t.Errorf("still signed in: %q %q", a, b)
	}
	t.Logf("sessions ended in %s", time.Since(began).Round(time.Millisecond))
	w.later(time.Minute)
	if _, who := o.enter(w, two, ada.Email); who != ada.Email {
		t.Fatalf("again: Odoo says %q", who)
	}
	if who := o.whoIs(one); who != "" {
		t.Errorf("a new sign-in made the old session of another browser good again: %q", who)
	}

	d, err := s.Doctor.Examine(ctx, host, c.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Findings {
		t.Logf("%s %s: %s", f.Level, f.Check, f.Evidence)
		if strings.Contains("provider_row way button redirect_uri proxy_mode issuer validation hosts client", f.Check) {
			t.Errorf("found %s in a good connection", f.Check)
		}
	}
	o.call("res.users", "write", []any{[]any{o.find(ada.Email)}, map[string]any{"password": "An-old-odoo-pw-1"}}, nil)
	cfg := rpc.Config{URL: o.url, Database: o.db}
	if _, err := rpc.CheckPassword(ctx, cfg, ada.Email, "An-old-odoo-pw-1"); err != nil {
		t.Fatal(err)
	}
	began = time.Now()
	locked, err := s.Locks.Lock(ctx, host, c.ID, connector.LockOrder{})
	t.Cleanup(func() {
		if _, _, err := s.Locks.Unlock(context.WithoutCancel(ctx), host, c.ID, false); err != nil {
			t.Error(err)
		}
	})
	if err != nil || len(locked.Users) != 1 {
		t.Fatalf("%+v %v", locked, err)
	}
	t.Logf("locked in %s", time.Since(began).Round(time.Millisecond))
	if _, err := rpc.CheckPassword(ctx, cfg, ada.Email, "An-old-odoo-pw-1"); !errors.Is(err, rpc.ErrWrongKey) {
		t.Errorf("the old password still works: %v", err)
	}
	if who := o.whoIs(two); who != "" {
		t.Errorf("the session outlives the password: %q", who)
	}
	if _, who := o.enter(w, w.person(), ada.Email); who != ada.Email {
		t.Errorf("locked out of Latchkey's way, too: %q", who)
	}
}

func (o *liveOdoo) find(login string) float64 {
	o.t.Helper()
	found, _ := o.call("res.users", "search", []any{[]any{[]any{"login", "=", login}}}, nil).([]any)
	if len(found) != 1 {
		o.t.Fatalf("%s: %v", login, found)
	}
	return found[0].(float64)
}

// The snippet in a real browser: straight in from Odoo's login page with the
// deep link, the tile, out through us, and not straight back in.
func TestLivePortalInChromium(t *testing.T) {
	o := openOdoo(t)
	w := newWorld(t, "sqlite")
	c := o.connected(w)
	if !c.Facts.Has("website") {
		t.Skip("this Odoo has no website")
	}
	s, ctx := w.odoo.office(), t.Context()
	if n, err := s.Websites.InstallPortal(ctx, host, c.ID); err != nil || n == 0 {
		t.Fatalf("%d %v", n, err)
	}
	ada := w.user(fmt.Sprintf("ada%d@example.org", time.Now().UnixNano()), withApp, func(in *account.New) { in.Kind = idp.Portal })
	o.linked(ada.Email, "group_portal", ada)
	b := tab{t, chromium(t, "en"), "odoo"}
	enter := func() {
		t.Helper()
		b.see("form#login", "")
		b.do(chromedp.SendKeys(chromedp.CSS("input[name=login]"), ada.Email), chromedp.SendKeys(chromedp.CSS("input[name=password]"), rightPassword))
		b.follow("form#login #submit")
		b.see("form#factor", "")
		b.do(chromedp.SendKeys(chromedp.CSS("input[name=code]"), w.code(appSecret)))
		b.follow("form#factor #submit")
		b.see(".o_portal_wrap, .o_portal", "")
		w.later(time.Minute)
	}
	b.do(chromedp.Navigate(o.url + "/web/login?redirect=" + url.QueryEscape("/my/account?from=mail")))
	enter()
	if at := b.eval(`location.href`); at != o.url+"/my/account?from=mail" {
		t.Errorf("the deep link is lost: at %s", at)
	}
	b.do(chromedp.Navigate(o.url + "/my"))
	b.see(`a[data-latchkey="security"]`, "odoo-portal")
	if to := b.eval(`document.querySelector('a[data-latchkey="security"]').href`); to != w.url+"/my/security" {
		t.Errorf("the tile leads to %s", to)
	}

	began := time.Now()
	if err := w.people.guard().EndOtherSessions(ctx, host, ada.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.odoo.endings().Round(ctx); err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.Navigate(o.url + "/my"))
	enter() // straight from Odoo's login page, which nobody sees
	t.Logf("out, and in again, within %s", time.Since(began).Round(time.Millisecond))

	b.do(chromedp.Navigate(o.url + "/my"))
	b.see(`a[data-latchkey="security"]`, "")
	b.eval(`document.querySelector('a[href*="/web/session/logout"]').click(), ""`)
	b.see("form#logout", "")
	b.follow("form#logout button")
	b.do(chromedp.WaitVisible(chromedp.CSS("#wrapwrap")))
	if at := b.eval(`location.origin`); at != o.url {
		t.Errorf("after the way out at %s", at)
	}
	b.do(chromedp.Navigate(o.url + "/web/login"))
	b.see("form#login", "")
	b.do(chromedp.Navigate(o.url + "/web/login?local=1"))
	b.see("form.oe_login_form", "")
	if at := b.eval(`location.pathname`); at != "/web/login" {
		t.Errorf("Odoo's own form cannot be reached: at %s", at)
	}
	if n, err := s.Websites.RemovePortal(ctx, host, c.ID); err != nil || n == 0 {
		t.Errorf("%d %v", n, err)
	}
	b.do(chromedp.Navigate(o.url + "/web/login"))
	b.see("form.oe_login_form", "")
	if links := b.eval(`document.querySelector('a[href^="` + w.url + oidc.PathAuthorize + `"]').textContent`); !strings.Contains(links, "Log in with") {
		t.Errorf("the button says %q", links)
	}
}
