package main

import (
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/oidc"
	"latchkey/idp/password"
	"latchkey/idp/store/storetest"
)

// hashOfEmployee is a vector of Odoo's, of "Employee-pw-1".
const hashOfEmployee = "$pbkdf2-sha512$600000$9773XktJyZmzVkoJwXhv7Q$scqROIVOJCa4gkkc/H1coxsmDl3kIAOA/mKMO5RhSE05AWATTrly7xKSkSw54rt2nRIbV50MdmkDuY/C7qmgZg"

// connected connects an Odoo to the world.
func (w *world) connected(t *testing.T) (*odootest.Odoo, connector.Connection) {
	t.Helper()
	there := odootest.New(t, odootest.Options{Now: w.clock})
	_, err := w.odoo.office().Setup.Connect(t.Context(), host, connector.Order{URL: there.URL, Database: there.Database, Login: odootest.Login, Key: there.Key, ID: "shop"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := w.odoo.office().Book.Find(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return there, c
}

// bring imports people.
func (w *world) bring(t *testing.T, c connector.Connection, from connector.Source) connector.ImportReport {
	t.Helper()
	i := connector.Import{Accounts: w.people.accounts, Directory: w.db.Directory, Ties: w.db.Ties, Connection: c}
	r, err := i.Run(t.Context(), host, from)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// button is where Odoo's own button leads.
func (w *world) button(there *odootest.Odoo, c connector.Connection) string {
	return "/oauth2/authorize?response_type=token&client_id=" + string(c.Client) + "&redirect_uri=" + there.URL + "/auth_oauth/signin&scope=openid+profile+email&state=" +
		"%7B%22d%22%3A+%22erp%22%7D"
}

// Issue 5.2: whoever comes from Odoo's database signs in with their old password
// and their old authenticator app, and the old hash is replaced by ours.
func TestOldPasswordAndApp(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		base := odootest.NewDatabase(t, storetest.Postgres(t), 18)
		base.User(odootest.User{Login: "ada", Email: "ada@example.org", Name: "Ada", Lang: "fr_FR", Password: hashOfEmployee, App: appSecret, Groups: []int{1}, Devices: 2})
		there, c := w.connected(t)
		there.SetParam("auth_signup.invitation_scope", "b2c") // it has not the people of that database
		from, err := connector.OpenSQLAtHost(t.Context(), base.DSN, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close(t.Context())
		if r := w.bring(t, c, from); r.Added != 1 || r.Devices != 2 {
			t.Fatalf("%+v", r)
		}
		p := w.person().open(w.button(there, c)).want("form#login")
		p.submit("form#login", "login", "ada", "password", "Employee-pw-2").want("form#login")
		p.submit("form#login", "login", "ada", "password", "Employee-pw-1").want("form#factor")
		p.submit("form#factor", "code", "000000").want("form#factor")
		w.later(time.Minute)
		if p.submit("form#factor", "code", w.code(appSecret)); p.answer().Get("access_token") == "" {
			t.Errorf("%s", p.at)
		}
		u, err := w.people.accounts.Find(t.Context(), "ada@example.org")
		if err != nil || !strings.HasPrefix(u.Password, "$argon2id$") {
			t.Errorf("%.20s, %v", u.Password, err)
		}
	})
}

// Issue 5.3: without the database, the first password is asked of Odoo, once.
func TestTrickledPassword(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		there, c := w.connected(t)
		id := there.AddUser("pia@example.org", "Pia", "pia@example.org", true)
		there.Set("res.users", id, odootest.Record{"password": "Old-Password-1"})
		p := w.odoo.office()
		from, err := p.Imports.Source(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if r := w.bring(t, c, from); r.Added != 1 {
			t.Fatalf("%+v", r)
		}
		if _, err := p.Register.Configure(t.Context(), host, c.ID, func(s *connector.Settings) { s.Trickle = true }); err != nil {
			t.Fatal(err)
		}
		try := func(login, plain string) (*person, time.Duration) {
			began := time.Now()
			q := w.person().open("/login").want("form#login").submit("form#login", "login", login, "password", plain)
			return q, time.Since(began)
		}
		// E-01, A-12: a wrong password and an unknown name look the same, and take as long.
		wrong, long := try("pia@example.org", "Wrong-Password-1")
		unknown, longer := try("nobody@example.org", "Wrong-Password-1")
		if wrong.want("form#login"); wrong.status != unknown.status || wrong.text() != unknown.text() {
			t.Errorf("%d %q, %d %q", wrong.status, wrong.text(), unknown.status, unknown.text())
		}
		if d := (long - longer).Abs(); d > 500*time.Millisecond || long < time.Second {
			t.Errorf("%s and %s", long, longer)
		}
		if q, _ := try("pia@example.org", "Old-Password-1"); q.has("form#login") {
			t.Errorf("%s %s", q.at, q.text())
		}
		there.Calls()
		if q, _ := try("pia@example.org", "Old-Password-1"); q.has("form#login") || len(there.Calls()) > 0 {
			t.Errorf("Odoo is asked again: %s", q.at)
		}
		hasher, ok := w.proofs.hasher, false
		u, err := w.people.accounts.Find(t.Context(), "pia@example.org")
		if err == nil {
			ok, _, err = hasher.Check(t.Context(), u.Password, "Old-Password-1")
		}
		if err != nil || !ok || password.Known(u.Password) != nil {
			t.Errorf("%v %v", ok, err)
		}
	})
}

// Issue 5.4: linked on the way back to Odoo; where it is not clear who somebody
// is, a page of ours says so, and no token leaves.
func TestLinkedOnTheWay(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		there, c := w.connected(t)
		pia := there.AddUser("pia@example.org", "Pia", "pia@example.org", true)
		there.AddUser("a", "A", "twin@example.org", true)
		there.AddUser("b", "B", "twin@example.org", true)
		u := w.user("pia@example.org")
		w.user("twin@example.org")
		p := w.person().open(w.button(there, c)).signIn(w, "pia@example.org")
		if p.answer().Get("access_token") == "" || there.Get("res.users", pia)["oauth_uid"] != string(u.ID) {
			t.Errorf("%s %v", p.at, there.Get("res.users", pia))
		}
		calls := len(there.Calls())
		w.odooFlowAgain(t, p, there, c)
		if n := len(there.Calls()); n > 0 {
			t.Errorf("%d calls to Odoo for somebody who is linked, after %d", n, calls)
		}
		q := w.person().open(w.button(there, c)).signIn(w, "twin@example.org")
		if q.status != 409 || !strings.Contains(q.text(), "It is not clear which Odoo account is yours") {
			t.Errorf("%d %s", q.status, q.text())
		}
		found := false
		err := w.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"odoo.link"}}, func(e idp.Event) error {
			found = found || e.Result == "several" && strings.Contains(e.Detail["what"], "a") && e.Client == c.Client
			return nil
		})
		if err != nil || !found {
			t.Errorf("the log does not say so: %v", err)
		}
	})
}

// odooFlowAgain signs in to Odoo once more, at the price of one that needs no link: one round
// trip more than the 4 of DESIGN §3, for the page that asks "continue as".
func (w *world) odooFlowAgain(t *testing.T, p *person, there *odootest.Odoo, c connector.Connection) {
	t.Helper()
	client, err := w.db.Clients.ByID(t.Context(), oidc.ClientID(c.Client))
	if err != nil {
		t.Fatal(err)
	}
	p.open(w.button(there, c)).want("form#continue") // "continue as": see issue 5.9
	t0, _ := w.db.Trips()
	token := p.submit("form#continue", "decision", "continue").answer().Get("access_token")
	validate(t, w.url+odoo.ValidationPath(client), token)
	if t1, _ := w.db.Trips(); t1-t0 > 5 {
		t.Errorf("%d round trips for somebody who is linked", t1-t0)
	}
}
