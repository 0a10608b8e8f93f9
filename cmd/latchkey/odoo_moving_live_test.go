package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
)

// Issue 5.3 with a running Odoo: a first password is asked of Odoo once, and then
// kept here; who has one here is never asked about; wrong ones are limited; an
// Odoo that is down is named, and nothing is lost.
func TestLiveTrickle(t *testing.T) {
	o := openOdoo(t)
	d := o.door()
	w := newWorld(t, "sqlite")
	c := o.connected(w)
	run := time.Now().UnixNano()
	name := func(who string) string { return fmt.Sprintf("%s%d@example.org", who, run) }
	tina, tom, tess, here := name("tina"), name("tom"), name("tess"), name("here")
	for _, login := range []string{tina, tom, tess} {
		o.member(login, login, rightPassword)
	}
	from, err := w.odoo.office().Imports.Source(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	w.bring(t, c, from)
	o.member(here, here, "Only-in-Odoo-1")
	w.known(t, here)
	w.configure(c, func(s *connector.Settings) { s.Trickle = true })
	try := func(login, plain string) *person {
		t.Helper()
		return w.person().open("/login").want("form#login").submit("form#login", "login", login, "password", plain)
	}

	if q := try(tina, "Wrong-password-1"); !q.has("form#login") || d.about(tina) != 1 {
		t.Errorf("%s, asked %d times", q.at, d.about(tina))
	}
	began := time.Now()
	p := w.person()
	if _, who := o.enter(w, p, tina); who != tina {
		t.Fatalf("Odoo says %q", who)
	}
	t.Logf("first sign-in with Odoo's password, until Odoo says who it is: %s", time.Since(began).Round(time.Millisecond))
	u, err := w.people.accounts.Find(t.Context(), tina)
	if err != nil || !strings.HasPrefix(u.Password, "$argon2id$") || d.about(tina) != 2 {
		t.Errorf("kept as %.12s, asked %d times, %v", u.Password, d.about(tina), err)
	}
	d.shut.Store(true)
	if q := try(tina, rightPassword); q.has("form#login") {
		t.Errorf("second sign-in with Odoo shut: %s %s", q.at, q.text())
	}
	d.shut.Store(false)
	if q := try(here, "Only-in-Odoo-1"); !q.has("form#login") || d.about(here) != 0 || d.about(tina) != 2 {
		t.Errorf("somebody with a password here: asked %d times; second sign-in: %d", d.about(here), d.about(tina))
	}

	for range 8 {
		try(tom, "Wrong-password-1")
	}
	if n := d.about(tom); n == 0 || n > 5 {
		t.Errorf("Odoo was asked %d times about wrong passwords", n)
	}
	if q := try(tom, rightPassword); !q.has("form#login") {
		t.Error("no limit: the right password after eight wrong ones")
	}
	w.later(20 * time.Minute)
	if q := try(tom, rightPassword); q.has("form#login") {
		t.Errorf("after the wait: %s", q.text())
	}

	d.shut.Store(true)
	try(tess, rightPassword)
	w.later(15 * time.Second)
	known, unknown := try(tess, rightPassword), try(name("nobody"), rightPassword)
	if !known.has("#silent") || known.text() != unknown.text() {
		t.Errorf("Odoo is shut, and the page says %q to one and %q to the other", known.text(), unknown.text())
	}
	if h, err := w.odoo.office().Book.Find(t.Context(), c.ID); err != nil || h.Health.Well() {
		t.Errorf("%+v %v", h.Health, err)
	}
	d.shut.Store(false)
	w.later(20 * time.Minute)
	if _, who := o.enter(w, w.person(), tess); who != tess {
		t.Errorf("after Odoo came back: Odoo says %q", who)
	}
	w.later(time.Minute)
	if q := try(name("nobody"), rightPassword); q.has("#silent") {
		t.Error("Odoo is still said to be silent")
	}
}

// Issue 5.4 with a running Odoo: a contact without a user becomes a portal user
// on that very contact, where the settings say so, and lands in the portal; where
// not, a page of ours says it.
func TestLiveContact(t *testing.T) {
	o := openOdoo(t)
	w := newWorld(t, "sqlite")
	c := o.connected(w)
	run := time.Now().UnixNano()
	written, email := fmt.Sprintf("Carla%d@Example.org", run), fmt.Sprintf("carla%d@example.org", run)
	contact := o.create("res.partner", map[string]any{"name": "Carla Live", "email": written, "phone": "+32 2 555 01 02"})
	t.Cleanup(func() { o.call("res.partner", "write", []any{[]any{contact}, map[string]any{"active": false}}, nil) })
	id := w.known(t, email)
	if !c.Facts.Has("website") { // with open sign-up, Odoo would make a user of anybody, on a second contact
		const scope = "auth_signup.invitation_scope"
		was := o.call("ir.config_parameter", "get_param", []any{scope}, nil)
		o.call("ir.config_parameter", "set_param", []any{scope, "b2b"}, nil)
		t.Cleanup(func() { o.call("ir.config_parameter", "set_param", []any{scope, was}, nil) })
	}

	p := o.knock(w, w.person(), "/my").signIn(w, email)
	if p.status != 403 || !strings.Contains(p.text(), "You have no account in this Odoo yet") || o.count("res.users", []any{"oauth_uid", "=", id}) != 0 {
		t.Errorf("without leave: %d %s %s", p.status, p.at, p.text())
	}
	w.configure(c, func(s *connector.Settings) { s.Contacts = true })
	began := time.Now()
	p = o.knock(w, w.person(), "/my").signIn(w, email)
	o.finish(p, p.answer())
	to := p.header.Get("Location")
	who := o.whoIs(p)
	t.Logf("from the password to a portal user on the contact, signed in: %s", time.Since(began).Round(time.Millisecond))
	if who != email || !strings.HasSuffix(to, "/my") {
		t.Fatalf("Odoo says %q and leads to %s", who, to)
	}
	if p.open(o.url + "/my"); p.status != 200 || !p.has(".o_portal_wrap, .o_portal") || !strings.Contains(p.text(), "Carla Live") {
		t.Errorf("%d %s", p.status, p.text())
	}
	users, _ := o.call("res.users", "search", []any{[]any{[]any{"oauth_uid", "=", id}}}, nil).([]any)
	if len(users) != 1 {
		t.Fatalf("%v", users)
	}
	made := users[0].(float64)
	t.Cleanup(func() {
		o.call("res.users", "write", []any{[]any{made}, map[string]any{"active": false, "login": email + "-gone"}}, nil)
	})
	u := o.one("res.users", made, "partner_id", "share", "login")
	partner := o.one("res.partner", contact, "email", "name", "phone")
	if on, _ := u["partner_id"].([]any); len(on) == 0 || on[0] != contact || u["share"] != true {
		t.Errorf("%v", u)
	}
	if partner["email"] != written || partner["name"] != "Carla Live" || partner["phone"] != "+32 2 555 01 02" {
		t.Errorf("the contact was written over: %v", partner)
	}
	if n := o.count("res.partner", []any{"email", "=ilike", email}); n != 1 {
		t.Errorf("%v contacts", n)
	}
	w.later(15 * time.Minute)
	if _, who := o.enter(w, w.person(), email); who != email || o.count("res.users", []any{"login", "=", email}) != 1 {
		t.Errorf("again: Odoo says %q", who)
	}
}

// Issue 5.4 with a running Odoo: a link that was taken away there by hand is made
// again at the next sign-in, with the synchronisation and without; and who is
// linked costs Odoo no call.
func TestLiveLinkMadeAgain(t *testing.T) {
	o := openOdoo(t)
	d := o.door()
	w := newWorld(t, "sqlite")
	c := o.connected(w)
	email := fmt.Sprintf("rita%d@example.org", time.Now().UnixNano())
	user := o.member(email, email, "Odoo-password-1")
	id := w.known(t, email)
	enter := func(when string) {
		t.Helper()
		began := time.Now()
		if _, who := o.enter(w, w.person(), email); who != email {
			t.Errorf("%s: Odoo says %q", when, who)
		}
		t.Logf("%s: signed in within %s", when, time.Since(began).Round(time.Millisecond))
	}
	unlink := func() {
		t.Helper()
		o.call("res.users", "write", []any{[]any{user}, map[string]any{"oauth_provider_id": false, "oauth_uid": false}}, nil)
	}
	enter("linked on the way")
	unlink()
	w.later(3 * time.Minute)
	enter("after the link was taken away, without synchronisation")

	w.configure(c, func(s *connector.Settings) { s.Sync = true })
	w.later(time.Minute)
	go w.odoo.office().Sync.Run(t.Context(), func(c string, err error) { t.Errorf("%s: %v", c, err) })
	until := func(what string, is func(connector.SyncState) bool) {
		t.Helper()
		for end := time.Now().Add(40 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			s, err := w.odoo.office().Sync.SyncState(t.Context(), c.ID)
			if err != nil || time.Now().After(end) {
				t.Fatalf("never: %s: %+v %v", what, s, err)
			}
			if is(s) {
				return
			}
		}
	}
	until("the first run", func(s connector.SyncState) bool { return !s.Succeeded.IsZero() })
	time.Sleep(time.Second) // it takes in what it found
	before := d.calls.Load()
	enter("watched over")
	if n := d.calls.Load() - before; n > 0 {
		t.Errorf("a linked person costs Odoo %d calls", n)
	}
	unlink()
	began := time.Now()
	w.later(21 * time.Second)
	until("the link is gone", func(s connector.SyncState) bool { return !s.Unlinked.IsZero() })
	t.Logf("the synchronisation saw it %s after it was due", time.Since(began).Round(time.Millisecond))
	time.Sleep(time.Second)
	enter("after the link was taken away, with synchronisation")
	if o.one("res.users", user, "oauth_uid")["oauth_uid"] != id {
		t.Error("Odoo has another link")
	}

	// With the row, all links go.
	w.later(time.Second)
	o.call("auth.oauth.provider", "unlink", []any{[]any{float64(c.Provider)}}, nil)
	r, err := w.odoo.office().Doctor.Cure(t.Context(), host, c.ID, "provider_row")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		t.Logf("%s fixed=%t gone=%t: %s", f.Check, f.Fixed, f.Gone, f.Evidence)
	}
	time.Sleep(6 * time.Second) // every instance hears of it
	enter("after the row was made anew")
}

// Where nobody can tell who somebody is, the page says so, to them and to who
// administers both, and no token leaves.
func TestLiveSeveral(t *testing.T) {
	o := openOdoo(t)
	w := newWorld(t, "sqlite")
	o.connected(w)
	run := time.Now().UnixNano()
	email := fmt.Sprintf("twin%d@example.org", run)
	o.member(fmt.Sprintf("a%d", run), email, "Odoo-password-1")
	o.member(fmt.Sprintf("b%d", run), email, "Odoo-password-1")
	w.known(t, email)
	owner := w.user(fmt.Sprintf("owner%d@example.org", run), withApp, func(in *account.New) { in.Role = idp.Owner })
	for _, look := range []struct {
		lang, scheme string
		width        int64
	}{{"en", "light", 390}, {"en", "dark", 1200}, {"fr", "dark", 390}, {"fr", "light", 1200}} {
		b := tab{t, chromium(t, look.lang), look.lang}
		w.later(time.Minute)
		b.several(w, o, email, owner.Email, look.scheme, look.width)
	}
}
