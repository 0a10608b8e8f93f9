package connector_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// self makes somebody who made their own account.
func (t *town) self(email string) idp.User {
	t.Helper()
	u := t.add(account.New{Email: email, Verified: true, Kind: idp.Portal})
	l, _ := idp.NewLink(idp.LinkRegister, idp.User{ID: "an address"}, t.clock.Now(), time.Hour)
	t.must(t.db.Requested.Put(t.Context(), l))
	t.must(t.db.Requested.Spend(t.Context(), l.Hash, u.ID))
	return t.user(email)
}

// cases are what an administrator is asked.
func (t *town) cases() (out []string) {
	t.Helper()
	all, err := t.db.Journal.Cases(t.Context(), t.conn().ID, 10)
	t.must(err)
	for _, c := range all {
		out = append(out, c.Said.Says)
	}
	return out
}

// E-09, D-02: a customer does not become an employee by an address: neither at a
// sign-in, nor by the synchronisation, the command or an adoption. An
// administrator is asked.
func TestCustomerIsNoEmployee(t *testing.T) {
	for name, login := range map[string][2]string{
		"by the login": {"ada@example.org", "ada@work.example"}, "by the e-mail": {"ada", "ada@example.org"}, "by both": {"ada@example.org", "ada@example.org"},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreTown(t, func(t *town) {
				t.set(func(s *connector.Settings) {
					s.Contacts, s.Newcomers = true, true
					s.Import.On = map[connector.Class]connector.Choice{connector.Exists: connector.Adopt}
				})
				invited := t.add(account.New{Email: "ada@example.org", Verified: true, Kind: idp.Portal})
				id := t.odoo.AddUser(login[0], "Ada", login[1], false)
				if err := t.arrive(invited); !errors.Is(err, connector.ErrSeveral) || t.linkedTo(id) != "" {
					t.Errorf("at the sign-in: %v", err)
				}
				if got := t.cases(); len(got) != 1 || got[0] != "case.internal" || connector.Sentences[got[0]] == "" {
					t.Errorf("%v", got)
				}
				l, _ := idp.NewLink(idp.LinkRegister, idp.User{ID: "an address"}, t.clock.Now(), time.Hour)
				t.must(t.db.Requested.Put(t.Context(), l))
				t.must(t.db.Requested.Spend(t.Context(), l.Hash, invited.ID))
				t.wait(time.Hour)
				if _, found := t.link(false); t.linkedTo(id) != "" || len(found) != 1 {
					t.Errorf("linked by the command: %v", found)
				}
				t.bring()
				t.wait(7 * time.Hour)
				t.sync()
				if u := t.user("ada@example.org"); u.Kind != idp.Portal || len(u.Groups) != 0 || t.linkedTo(id) != "" {
					t.Errorf("%+v", u)
				}
			})
		})
	}
}

// D-02: who made their own account, was linked as a customer and is an employee
// there by now is left as they are here until an administrator says so; they
// leave with everybody else.
func TestSyncRaisesNobody(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		ada := t.self("ada@example.org")
		id := t.odoo.AddUser("ada@example.org", "Ada", "ada@example.org", true)
		t.must(t.arrive(ada))
		if t.sync(); t.linkedTo(id) != string(ada.ID) || fmt.Sprint(t.user("ada@example.org").Groups) != "[odoo:shop:portal]" {
			t.Fatalf("%v", t.user("ada@example.org").Groups)
		}
		for range 2 {
			t.wait(7 * time.Hour)
			t.odoo.Set("res.users", id, odootest.Record{t.groups(): []int64{t.odoo.Group("group_user")}})
			s := t.sync()
			if u := t.user("ada@example.org"); u.Kind != idp.Portal || fmt.Sprint(u.Groups) != "[odoo:shop:portal]" || s.Last.LeftOut == 0 {
				t.Errorf("%+v, %+v", u, s.Last)
			}
		}
		internal := idp.Internal
		_, err := t.accounts.Update(t.Context(), atHost, ada.ID, account.Change{Kind: &internal})
		t.must(err)
		t.wait(7 * time.Hour)
		if t.sync(); fmt.Sprint(t.user("ada@example.org").Groups) != "[odoo:shop:internal]" {
			t.Errorf("%+v", t.user("ada@example.org"))
		}
	})
}

// E-09: who made their own account has proven an address and nothing else: a
// user who only signs in with it there is not taken for them.
func TestArrivingByMailAlone(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		t.set(func(s *connector.Settings) { s.Contacts, s.Newcomers = true, true })
		ada, bob := t.self("ada@example.org"), t.self("bob@example.org")
		id := t.odoo.AddUser("ada@example.org", "Ada", "new.ada@example.org", true)
		if err := t.arrive(ada); !errors.Is(err, connector.ErrSeveral) || t.linkedTo(id) != "" || fmt.Sprint(t.cases()) != "[case.email]" {
			t.Errorf("%v, %v", err, t.cases())
		}
		id = t.odoo.AddUser("bob", "Bob", "Bob <BOB@example.org>", true)
		t.odoo.Set("res.users", id, odootest.Record{"email": "Bob@example.org"})
		if t.must(t.arrive(bob)); t.linkedTo(id) != string(bob.ID) {
			t.Error("not linked by their address")
		}
	})
}

// E-09: names are compared as they are written: ß is not ss.
func TestLinkFoldsNothing(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		t.add(account.New{Login: "x", Email: "ada@straße.example", Verified: true})
		id := t.odoo.AddUser("ada", "Ada", "ada@strasse.example", false)
		if _, found := t.link(false); t.linkedTo(id) != "" || len(found) != 1 {
			t.Errorf("linked: %v", found)
		}
	})
}

// C-12: who makes accounts by the thousand does not fill an Odoo with contacts: an
// administrator is asked about those beyond a number a day.
func TestNewcomersADay(t *testing.T) {
	clock := storetest.NewClock()
	t2 := townOf(open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{}))
	t2.set(func(s *connector.Settings) { s.Newcomers = true })
	arrive := func(i int) error { return t2.arrive(t2.self(fmt.Sprintf("n%d@example.org", i))) }
	for i := range 50 {
		t2.must(arrive(i))
	}
	if err := arrive(50); !errors.Is(err, connector.ErrSeveral) || fmt.Sprint(t2.cases()) != "[case.newcomers]" {
		t.Errorf("%v, %v", err, t2.cases())
	}
	t2.wait(24 * time.Hour)
	t2.must(t2.arrive(t2.user("n50@example.org")))
	if len(t2.cases()) != 0 {
		t.Error("the case is not settled")
	}
}

// ODOO.md §5: nobody is made twice: not beside a contact that was put away, nor
// beside one whose e-mail has a name before it.
func TestNewcomerWhoIsKnown(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		t.set(func(s *connector.Settings) { s.Newcomers = true })
		contact := func(email string, active bool) {
			t.odoo.Add("res.partner", odootest.Record{"name": "C", "email": email, "active": active})
		}
		contact("Carl <Carl@example.org>", true)
		contact("gone@example.org", false)
		t.odoo.AddUser("dora", "Dora", "Dora <dora@example.org>", true)
		n := len(t.odoo.All("res.users"))
		for _, who := range []string{"carl", "gone", "dora"} {
			if err := t.arrive(t.self(who + "@example.org")); !errors.Is(err, connector.ErrStranger) {
				t.Errorf("%s: %v", who, err)
			}
		}
		t.set(func(s *connector.Settings) { s.Contacts = true })
		t.must(t.arrive(t.user("carl@example.org")))
		if err := t.arrive(t.user("gone@example.org")); !errors.Is(err, connector.ErrStranger) || len(t.odoo.All("res.users")) != n+1 {
			t.Errorf("%v", err)
		}
	})
}
