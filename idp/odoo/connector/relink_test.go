package connector_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
)

// round lets an instance do what it does every few seconds.
func (t *town) round(p *connector.Office) {
	t.Helper()
	connector.Round(t.Context(), p.Sync, func(c string, err error) { t.Errorf("%s: %v", c, err) })
}

// unlink takes a link away, as somebody in Odoo does.
func (t *town) unlink(id int64) {
	t.odoo.Set("res.users", id, odootest.Record{"oauth_provider_id": false, "oauth_uid": false})
}

func (t *town) arriveAt(p *connector.Office, u idp.User) error {
	t.Helper()
	return p.Arrivals.Arriving(t.Context(), t.conn().Client, u, idp.Origin{})
}

// notes are what the log says of links.
func (t *town) notes() (out []string) {
	t.Helper()
	t.must(t.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"odoo.link"}}, func(e idp.Event) error {
		out = append(out, e.Result+" "+e.Detail["what"])
		return nil
	}))
	return out
}

// Issue 5.4: a link that somebody took away in Odoo is made again at the next
// sign-in, on whichever instance that is; the synchronisation tells of it, and
// who is linked costs Odoo nothing.
func TestLinkMadeAgain(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		id := t.odoo.AddUser("pia", "Pia", "pia@example.org", true)
		t.set(func(s *connector.Settings) { s.Sync = true })
		pia := t.add(account.New{Email: "pia@example.org", Verified: true})
		one, two := t.instance("one"), t.instance("two")
		for _, p := range []*connector.Office{one, two} {
			t.must(t.arriveAt(p, pia))
			t.round(p)
			t.must(t.arriveAt(p, pia))
		}
		t.wait(11 * time.Minute) // nothing is remembered any more
		t.round(one)
		t.round(two)
		t.odoo.Calls()
		t.must(t.arriveAt(two, pia))
		if n := len(t.odoo.Calls()); n > 0 {
			t.Errorf("%d calls for somebody whose link is watched", n)
		}
		t.unlink(id)
		t.wait(21 * time.Second)
		t.round(one)
		t.round(two)
		t.must(t.arriveAt(two, pia))
		if t.linkedTo(id) != string(pia.ID) {
			t.Error("not linked again")
		}
		if got := t.notes(); len(got) != 2 {
			t.Errorf("%q", got)
		}
	})
}

// Where no synchronisation watches over links, Odoo itself is asked now and then:
// without a word in the log if all is well, and without an error if it is down.
func TestLinkMadeAgainUnwatched(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		id := t.odoo.AddUser("pia", "Pia", "pia@example.org", true)
		pia := t.add(account.New{Email: "pia@example.org", Verified: true})
		t.must(t.arrive(pia))
		t.written()
		t.wait(3 * time.Minute)
		t.must(t.arrive(pia))
		if got := t.notes(); len(got) != 1 || len(t.written()) > 0 {
			t.Errorf("%q", got)
		}
		t.unlink(id)
		t.must(t.arrive(pia))
		if t.linkedTo(id) != "" {
			t.Error("Odoo was asked by everybody")
		}
		t.wait(3 * time.Minute)
		t.odoo.Break(odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway)
		t.must(t.arrive(pia))
		t.odoo.Break()
		t.odoo.Calls()
		t.must(t.arrive(pia))
		if len(t.odoo.Calls()) > 0 || len(t.notes()) != 1 {
			t.Errorf("an Odoo that is down is asked by everybody, or blamed: %q", t.notes())
		}
		t.wait(31 * time.Second)
		t.must(t.arrive(pia))
		if t.linkedTo(id) != string(pia.ID) || len(t.notes()) != 2 {
			t.Errorf("not linked again: %q", t.notes())
		}

		// Somebody gave the user to another person: nobody takes that back.
		t.odoo.Set("res.users", id, odootest.Record{"oauth_uid": "somebody else"})
		t.wait(3 * time.Minute)
		if err := t.arrive(pia); !errors.Is(err, connector.ErrSeveral) || t.linkedTo(id) != "somebody else" {
			t.Errorf("%v, linked to %s", err, t.linkedTo(id))
		}
	})
}

// With Odoo's row all links go, and no user is written. Everybody is linked
// again through the new row.
func TestLinkMadeAgainThroughNewRow(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		id := t.odoo.AddUser("pia", "Pia", "pia@example.org", true)
		t.set(func(s *connector.Settings) { s.Sync = true })
		pia := t.add(account.New{Email: "pia@example.org", Verified: true})
		p := t.instance("one")
		t.must(t.arriveAt(p, pia))
		t.round(p)
		t.must(t.arriveAt(p, pia))
		t.odoo.Remove("auth.oauth.provider", t.conn().Provider)
		t.odoo.Forget("res.users", "oauth_provider_id")
		t.wait(time.Second)
		d, err := t.Examine(t.Context(), host, "shop", true)
		t.must(err)
		if f, ok := found(d, "provider_row"); !ok || !f.Fixed {
			t.Errorf("%+v", d.Findings)
		}
		if f, ok := found(d, "unlinked"); !ok || f.Over() {
			t.Errorf("what the cure uncovered is not told: %+v", d.Findings)
		}
		t.round(p)
		t.must(t.arriveAt(p, pia))
		provider := t.odoo.Get("res.users", id)["oauth_provider_id"]
		if c := t.conn(); provider != c.Provider {
			t.Errorf("linked through %v, the row is %d", provider, c.Provider)
		}
	})
}
