package connector_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	companies "latchkey/idp/company"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// town is an office with the people of both sides.
type town struct {
	*office
	*connector.Imports
	*connector.Links
	*connector.Arrivals
	*connector.Synchroniser
	accounts  *account.Service
	customers *companies.Service
}

func townOf(h *office) *town {
	t := &town{office: h, accounts: accountsOf(h.db, h.clock)}
	t.customers = customersOf(h.db, h.clock)
	o := t.instance("one")
	t.Imports, t.Links, t.Arrivals, t.Synchroniser = o.Imports, o.Links, o.Arrivals, o.Sync
	h.connect()
	return t
}

// instance is another server on the same database.
func (t *town) instance(holder string) *connector.Office {
	p := t.parts
	p.Accounts, p.Directory, p.Ties, p.Limiter, p.Holder, p.Customers = t.accounts, t.db.Directory, t.db.Ties, t.db.Limiter, holder, t.customers
	return connector.New(p)
}

// eachTown runs f with every version of Odoo.
func eachTown(t *testing.T, o odootest.Options, f func(t *town)) {
	t.Helper()
	eachOffice(t, o, func(h *office) { f(townOf(h)) })
}

// eachStoreTown runs f with one version, on every database.
func eachStoreTown(t *testing.T, f func(t *town)) {
	t.Helper()
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(townOf(open(t, db, clock, odootest.Options{}))) })
}

func (t *town) conn() connector.Connection {
	t.Helper()
	c, err := t.Find(t.Context(), "shop")
	t.must(err)
	return c
}

func (t *town) set(change func(*connector.Settings)) {
	t.Helper()
	c := t.conn()
	change(&c.Settings)
	t.must(t.db.Connections.Save(t.Context(), c))
}

func (t *town) add(in account.New) idp.User {
	t.Helper()
	u, err := t.accounts.Add(t.Context(), atHost, in)
	t.must(err)
	return u
}

func (t *town) user(who string) idp.User {
	t.Helper()
	u, err := t.accounts.Find(t.Context(), who)
	t.must(err)
	return u
}

// bring imports through Odoo's interface.
func (t *town) bring() connector.ImportReport {
	t.Helper()
	c := t.conn()
	from, err := t.Source(t.Context(), c)
	t.must(err)
	i := connector.Import{Accounts: t.accounts, Directory: t.db.Directory, Ties: t.db.Ties, Customers: t.customers, Connection: c}
	r, err := i.Run(t.Context(), atHost, from)
	t.must(err)
	return r
}

// linked says to whom a user of Odoo is linked through us; "" to nobody.
func (t *town) linkedTo(odoo int64) string {
	t.Helper()
	r := t.odoo.Get("res.users", odoo)
	if fmt.Sprint(r["oauth_provider_id"]) != fmt.Sprint(t.conn().Provider) || r["oauth_uid"] == false {
		return ""
	}
	return fmt.Sprint(r["oauth_uid"])
}

func (t *town) link(dry bool) (connector.LinkReport, []connector.LinkTrouble) {
	t.Helper()
	var found []connector.LinkTrouble
	r, err := t.Link(t.Context(), atHost, t.conn(), connector.Linking{DryRun: dry, Found: func(f connector.LinkFinding) error {
		found = append(found, f.Trouble)
		return nil
	}})
	t.must(err)
	slices.Sort(found)
	return r, found
}

// Issue 5.4: everybody who is known is linked, by any version; nobody else, and
// never over somebody else's link; a second run changes nothing.
func TestLink(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		for n := range 130 {
			login := fmt.Sprintf("c%d@example.org", n)
			t.odoo.AddUser(login, login, login, true)
		}
		if r := t.bring(); r.Added != 130 {
			t.Fatalf("%+v", r)
		}
		c := t.conn()
		google := t.odoo.AddUser("google@example.org", "G", "google@example.org", true)
		t.odoo.Set("res.users", google, odootest.Record{"oauth_provider_id": c.Provider - 1, "oauth_uid": "g"})
		other := t.odoo.AddUser("other@example.org", "O", "other@example.org", true)
		t.odoo.Set("res.users", other, odootest.Record{"oauth_provider_id": c.Provider, "oauth_uid": "somebody"})
		local := t.odoo.AddUser("local", "L", "local@example.org", false) // known here by a proven e-mail
		typed := t.odoo.AddUser("typed", "T", "typed@example.org", true)  // known here by one that nobody has proven
		t.odoo.AddUser("twin1", "T", "twin@example.org", true)
		t.odoo.AddUser("twin2", "T", "twin@example.org", true)
		t.odoo.AddUser("stranger@example.org", "S", "stranger@example.org", true)
		off := t.odoo.AddUser("off@example.org", "O", "off@example.org", true)
		for _, in := range []account.New{
			{Email: "google@example.org", Verified: true}, {Email: "other@example.org", Verified: true}, {Login: "elsewhere", Email: "local@example.org", Verified: true},
			{Email: "typed@example.org"}, {Email: "twin@example.org", Verified: true}, {Email: "off@example.org", Verified: true},
		} {
			t.add(in)
		}
		t.must(t.accounts.Disable(t.Context(), atHost, t.user("off@example.org").ID))
		gone := t.user("c7@example.org")
		t.must(t.accounts.Remove(t.Context(), atHost, gone.ID))

		want := []connector.LinkTrouble{
			connector.Ambiguous, connector.Ambiguous, connector.DisabledHere, connector.NotHere, connector.NotHere, connector.NotHere, connector.OtherPerson, connector.OtherProvider,
		}
		if t.odoo.Series >= 19 {
			want = append(want, connector.NotHere) // the administrator is an internal user there
			slices.Sort(want)
		}
		t.odoo.Calls()
		dry, _ := t.link(true)
		if w := t.written(); len(w) > 0 {
			t.Errorf("a dry run wrote %v", w)
		}
		r, found := t.link(false)
		if r.Linked != 130 || dry.Linked != 130 || !slices.Equal(found, want) {
			t.Errorf("%+v %v", r, found)
		}
		if n := len(slices.DeleteFunc(t.odoo.Calls(), func(c odootest.Call) bool { return c.Method != "load" })); n > 3 {
			t.Errorf("%d calls for 130 users", n)
		}
		if t.linkedTo(local) != string(t.user("elsewhere").ID) || t.linkedTo(typed) != "" || t.linkedTo(other) != "somebody" || t.linkedTo(google) != "" || t.linkedTo(off) != "" {
			t.Error("wrong people are linked")
		}
		if r, _ := t.link(false); r.Linked != 0 || r.Already != 130 {
			t.Errorf("again: %+v", r)
		}
		if w := t.written(); len(w) > 0 {
			t.Errorf("a second run wrote %v", w)
		}
	})
}

// One user that Odoo refuses holds up nobody; an Odoo that fails is told.
func TestLinkRefused(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		a := t.odoo.AddUser("a@example.org", "A", "a@example.org", true)
		b := t.odoo.AddUser("b@example.org", "B", "b@example.org", true)
		t.bring()
		// An archived user holds a's link: Odoo's own constraint forbids a second.
		old := t.odoo.AddUser("old", "Old", "", true)
		t.odoo.Set("res.users", old, odootest.Record{"active": false, "oauth_provider_id": t.conn().Provider, "oauth_uid": string(t.user("a@example.org").ID)})
		r, found := t.link(false)
		if r.Linked != 1 || !slices.Contains(found, connector.RefusedThere) || t.linkedTo(a) != "" || t.linkedTo(b) == "" {
			t.Errorf("%+v %v", r, found)
		}
		t.odoo.Break(odootest.HTML)
		if _, err := t.Link(t.Context(), atHost, t.conn(), connector.Linking{}); !errors.Is(err, rpc.ErrNotOdoo) {
			t.Errorf("%v", err)
		}
		if _, err := t.Link(t.Context(), idp.Actor{User: "x"}, t.conn(), connector.Linking{}); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("%v", err)
		}
	})
}
