package connector_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	companies "latchkey/idp/company"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

func customersOf(db *store.DB, clock *storetest.Clock) *companies.Service {
	return &companies.Service{Store: db.Companies, Users: db.Users, Log: db.Log, Atomic: db.Atomic, Now: clock.Now}
}

// memberships are the companies of somebody, with a star where they lead.
func memberships(t *testing.T, s *companies.Service, u idp.User) (out []string) {
	t.Helper()
	all, err := s.Of(t.Context(), host, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	led, err := s.Store.Led(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		name := c.Name
		if slices.Contains(led, c) {
			name += "*"
		}
		out = append(out, name)
	}
	return out
}

// Issue 6.10: companies and their main contacts follow Odoo, by every version's
// own interface; what was done by hand stays; nobody leads a company of one.
func TestCustomers(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		s := t.customers
		user := func(login string, portal bool, partner odootest.Record) (int64, int64) {
			id := t.odoo.AddUser(login, login, login, portal)
			p := t.odoo.Get("res.users", id)["partner_id"].(int64)
			t.odoo.Set("res.partner", p, partner)
			return id, p
		}
		_, acme := user("acme@example.org", true, odootest.Record{"name": "Acme", "is_company": true})
		_, pia := user("pia@example.org", true, odootest.Record{"parent_id": acme})
		user("alone@example.org", true, odootest.Record{})
		user("clerk@example.org", false, odootest.Record{"parent_id": acme})
		beta := t.odoo.Add("res.partner", odootest.Record{"name": "Beta", "is_company": true})
		is := func(when string, want map[string][]string) {
			t.Helper()
			for who, names := range want {
				if got := memberships(t.T, s, t.user(who+"@example.org")); !slices.Equal(got, names) {
					t.Errorf("%s, %s: %v", when, who, got)
				}
			}
		}
		t.bring()
		is("imported", map[string][]string{"acme": {"Acme"}, "pia": {"Acme"}, "alone": nil, "clerk": nil})
		t.set(func(s *connector.Settings) { s.Leads = true })
		t.sync()
		is("leads", map[string][]string{"acme": {"Acme*"}, "pia": {"Acme"}, "alone": nil, "clerk": nil})
		if n := t.sync().Last.Changed; n != 0 {
			t.Errorf("%d changes without news", n)
		}
		t.wait(time.Hour)
		t.odoo.Set("res.partner", pia, odootest.Record{"parent_id": beta})
		user("bob@example.org", true, odootest.Record{"parent_id": beta})
		t.sync()
		is("moved", map[string][]string{"pia": {"Beta"}, "bob": {"Beta"}})
		all, err := s.List(t.Context(), host, companies.Query{Text: "beta"})
		t.must(err)
		t.must(s.Put(t.Context(), host, all[0].ID, t.user("pia@example.org").ID, true))
		t.wait(time.Hour)
		t.odoo.Set("res.partner", pia, odootest.Record{"parent_id": acme})
		t.sync()
		is("by hand", map[string][]string{"pia": {"Acme", "Beta*"}})
		t.odoo.Set("res.partner", beta, odootest.Record{"name": "Beta Ltd"})
		t.wait(7 * time.Hour) // the name of a company is seen when everybody is compared
		t.sync()
		is("renamed", map[string][]string{"bob": {"Beta Ltd"}, "pia": {"Acme", "Beta Ltd*"}})
		t.set(func(s *connector.Settings) { s.Leads = false })
		t.wait(7 * time.Hour)
		t.sync()
		is("no leads", map[string][]string{"acme": {"Acme"}, "pia": {"Acme", "Beta Ltd*"}})
	})
}

// The same from the tables.
func TestCustomersSQL(t *testing.T) {
	for _, version := range []int{16, 19} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			eachArrivals(t, func(a *arrivals) {
				o := odootest.NewDatabase(a.T, storetest.Postgres(a.T), version)
				o.User(odootest.User{Login: "acme@example.org", Email: "acme@example.org", Name: "Acme", Company: "Acme", Main: true, Groups: []int{2}})
				o.User(odootest.User{Login: "pia@example.org", Email: "pia@example.org", Name: "Pia", Company: "Acme", Groups: []int{2}})
				o.User(odootest.User{Login: "alone@example.org", Email: "alone@example.org", Name: "Alone", Groups: []int{2}})
				o.User(odootest.User{Login: "clerk@example.org", Email: "clerk@example.org", Name: "Clerk", Company: "Acme", Groups: []int{5}})
				a.conn.Settings.Leads = true
				a.sql(o, false)
				s := customersOf(a.db, a.clock)
				for who, want := range map[string][]string{"acme": {"Acme*"}, "pia": {"Acme"}, "alone": nil, "clerk": nil} {
					if got := memberships(a.T, s, a.find(who+"@example.org")); !slices.Equal(got, want) {
						a.Errorf("%s: %v", who, got)
					}
				}
			})
		})
	}
}
