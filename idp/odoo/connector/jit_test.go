package connector_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
)

func (t *town) arrive(u idp.User) error {
	t.Helper()
	return t.Arriving(t.Context(), t.conn().Client, u, idp.Origin{Address: "203.0.113.7"})
}

// told returns the results of the events of a kind.
func (t *town) told(what string) (out []string) {
	t.Helper()
	t.must(t.db.Log.Events(t.Context(), idp.EventQuery{What: []string{what}}, func(e idp.Event) error {
		out = append(out, e.Result)
		return nil
	}))
	return out
}

// ODOO.md §5: who is one active user there is linked before the browser goes
// back; who is a contact becomes a portal user, without a mail and without a
// second contact; the e-mail there stays.
func TestArriving(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		id := t.odoo.AddUser("pia.login", "Pia", "PIA_x@Example.org", true)
		t.odoo.AddUser("piaax", "Other", "piaax@example.org", true) // _ is no pattern
		pia := t.add(account.New{Email: "pia_x@example.org", Verified: true})
		t.must(t.arrive(pia))
		if t.linkedTo(id) != string(pia.ID) || t.odoo.Get("res.users", id)["email"] != "PIA_x@Example.org" {
			t.Errorf("%v", t.odoo.Get("res.users", id))
		}
		t.odoo.Calls()
		before, _ := t.db.Trips()
		c := t.conn()
		between, _ := t.db.Trips()
		for range 3 {
			t.must(t.Arriving(t.Context(), c.Client, pia, idp.Origin{}))
		}
		after, _ := t.db.Trips()
		if calls := t.odoo.Calls(); len(calls) > 0 || after-between > 0 {
			t.Errorf("a linked person costs %d calls and %d round trips (%d)", len(calls), after-between, between-before)
		}

		contact := t.odoo.Add("res.partner", odootest.Record{"name": "Carl", "email": "carl@example.org", "active": true})
		carl := t.add(account.New{Email: "carl@example.org", Verified: true})
		if err := t.arrive(carl); !errors.Is(err, connector.ErrStranger) || t.made(carl) != 0 {
			t.Errorf("a portal user without leave: %v", err)
		}
		t.set(func(s *connector.Settings) { s.Contacts = true })
		t.must(t.arrive(carl))
		made := t.odoo.Get("res.users", t.made(carl))
		if made == nil || made["partner_id"] != contact || made["email"] != "carl@example.org" || made["share"] != true || len(t.odoo.Mails()) != 0 {
			t.Errorf("%v", made)
		}
		if got := t.told("odoo.link"); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"ok", "ok", "refused"}) {
			t.Errorf("%v", got)
		}
		// What nobody has proven makes no link: anybody can type it.
		eve := t.odoo.AddUser("eve", "Eve", "eve@example.org", false)
		unproven := t.add(account.New{Email: "eve@example.org"})
		if err := t.arrive(unproven); !errors.Is(err, connector.ErrStranger) || t.linkedTo(eve) != "" {
			t.Errorf("linked by an e-mail that nobody has proven: %v", err)
		}
		// Where strangers may sign up, Odoo makes a user of them.
		t.odoo.SetParam("auth_signup.invitation_scope", "b2c")
		t.wait(31 * time.Second)
		t.must(t.arrive(unproven))
		if t.linkedTo(eve) != "" {
			t.Error("linked by an e-mail that nobody has proven")
		}
	})
}

// made is the user in Odoo that is linked to a person; 0: none.
func (t *town) made(u idp.User) int64 {
	t.Helper()
	for _, id := range t.odoo.All("res.users") {
		if t.linkedTo(id) == string(u.ID) {
			return id
		}
	}
	return 0
}

// Where it is not clear who somebody is, nobody guesses, nothing is made, and
// the log says who was in question.
func TestArrivingSeveral(t *testing.T) {
	for name, people := range map[string]func(t *town){
		"two users": func(t *town) {
			t.odoo.AddUser("a", "A", "who@example.org", true)
			t.odoo.AddUser("b", "B", "who@example.org", true)
		},
		"login and e-mail": func(t *town) {
			t.odoo.AddUser("who@example.org", "A", "", true)
			t.odoo.AddUser("b", "B", "who@example.org", true)
		},
		"another person's": func(t *town) {
			t.odoo.Set("res.users", t.odoo.AddUser("a", "A", "who@example.org", true), odootest.Record{"oauth_provider_id": t.conn().Provider, "oauth_uid": "x"})
		},
		"another provider": func(t *town) {
			t.odoo.Set("res.users", t.odoo.AddUser("a", "A", "who@example.org", true), odootest.Record{"oauth_provider_id": int64(1), "oauth_uid": "x"})
		},
		"several contacts": func(t *town) {
			for range 2 {
				t.odoo.Add("res.partner", odootest.Record{"name": "C", "email": "who@example.org", "active": true})
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreTown(t, func(t *town) {
				t.set(func(s *connector.Settings) { s.Contacts = true })
				people(t)
				who := t.add(account.New{Email: "who@example.org", Verified: true})
				n := len(t.odoo.All("res.users"))
				if err := t.arrive(who); !errors.Is(err, connector.ErrSeveral) {
					t.Errorf("%v", err)
				}
				if t.made(who) != 0 || len(t.odoo.All("res.users")) != n {
					t.Error("somebody was linked or made")
				}
				if got := t.told("odoo.link"); !slices.Equal(got, []string{"several"}) {
					t.Errorf("%v", got)
				}
				all, err := t.db.Journal.Cases(t.Context(), t.conn().ID, 10)
				if err != nil || len(all) != 1 || all[0].What == "" || connector.Sentences[all[0].Said.Says] == "" || !strings.HasPrefix(all[0].Said.Says, "case.") {
					t.Errorf("%+v, %v: a reader of another language is not told who they may be", all, err)
				}
			})
		})
	}
}

// An Odoo that does not answer keeps nobody: it is noted, left alone for a
// while, and asked again afterwards.
func TestArrivingDown(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		id := t.odoo.AddUser("pia", "Pia", "pia@example.org", true)
		pia := t.add(account.New{Email: "pia@example.org", Verified: true})
		t.odoo.Break(odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway)
		began := time.Now()
		t.must(t.arrive(pia))
		if took := time.Since(began); took > 4*time.Second || t.linkedTo(id) != "" || !slices.Equal(t.told("odoo.link"), []string{"failed"}) {
			t.Errorf("%s, %v", took, t.told("odoo.link"))
		}
		t.odoo.Break()
		t.odoo.Calls()
		t.must(t.arrive(pia))
		if len(t.odoo.Calls()) > 0 {
			t.Error("an Odoo that is down is asked by everybody")
		}
		t.wait(31 * time.Second)
		t.must(t.arrive(pia))
		if t.linkedTo(id) != string(pia.ID) {
			t.Error("not linked afterwards")
		}
	})
}

// Two browsers at once make one link and no error.
func TestArrivingTwice(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		pia := t.add(account.New{Email: "pia@example.org", Verified: true})
		id := t.odoo.AddUser("pia", "Pia", "pia@example.org", true)
		c := t.conn()
		done := make(chan error)
		for n := range 6 {
			p := t.instance(fmt.Sprint(n))
			go func() { done <- p.Arrivals.Arriving(t.Context(), c.Client, pia, idp.Origin{}) }()
		}
		for range 6 {
			t.must(<-done)
		}
		tie, err := t.db.Ties.ByUser(t.Context(), "shop", pia.ID)
		if err != nil || tie.Odoo != id || tie.Linked.IsZero() || t.linkedTo(id) != string(pia.ID) {
			t.Errorf("%+v %v", tie, err)
		}
	})
}

// C-11, C-12: whoever was refused and comes again at once is refused again, and
// costs no call and no line in the log, until what it depends on here changes, or
// half a minute is over.
func TestArrivingRefusedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		people func(t *town)
		want   error
	}{
		"stranger": {func(*town) {}, connector.ErrStranger},
		"several": {func(t *town) {
			t.odoo.AddUser("a", "A", "who@example.org", true)
			t.odoo.AddUser("b", "B", "who@example.org", true)
		}, connector.ErrSeveral},
	} {
		t.Run(name, func(t *testing.T) {
			eachStoreTown(t, func(t *town) {
				c.people(t)
				who, other := t.add(account.New{Email: "who@example.org", Verified: true}), t.add(account.New{Email: "pia@example.org", Verified: true})
				pia := t.odoo.AddUser("pia", "Pia", "pia@example.org", true)
				lines := 0
				asks := func(why string, whether bool) {
					t.Helper()
					t.odoo.Calls()
					if err := t.arrive(who); !errors.Is(err, c.want) {
						t.Errorf("%s: %v", why, err)
					}
					if whether {
						lines++
					}
					if calls, got := t.odoo.Calls(), t.told("odoo.link"); len(calls) > 0 != whether || len(got) != lines {
						t.Errorf("%s: %d calls, %v", why, len(calls), got)
					}
				}
				asks("first", true)
				for range 3 {
					asks("at once", false)
				}
				t.set(func(s *connector.Settings) { s.Contacts = true })
				asks("other settings", true)
				asks("at once", false)
				was := who.Email
				who.Email = "who.else@example.org"
				t.odoo.Calls()
				if _ = t.arrive(who); len(t.odoo.Calls()) == 0 {
					t.Error("another address is not looked for")
				}
				lines, who.Email = len(t.told("odoo.link")), was
				asks("the old address", true)
				t.wait(31 * time.Second)
				asks("later", true)
				t.must(t.arrive(other))
				if t.linkedTo(pia) != string(other.ID) {
					t.Error("another person is refused, too")
				}
			})
		})
	}
}

// ODOO.md §5: a customer whom Odoo does not know becomes a portal user with a
// contact, without a mail, where the settings allow it: by a proven address only,
// no employee, nobody who is archived there, and never beside a contact that is
// there.
func TestArrivingNewcomer(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		nina := t.add(account.New{Email: "nina@example.org", Name: "Nina Roy", Verified: true, Kind: idp.Portal})
		if err := t.arrive(nina); !errors.Is(err, connector.ErrStranger) || t.made(nina) != 0 {
			t.Errorf("without leave: %v", err)
		}
		t.set(func(s *connector.Settings) { s.Newcomers = true })
		t.must(t.arrive(nina))
		made := t.odoo.Get("res.users", t.made(nina))
		if made == nil || made["login"] != "nina@example.org" || made["email"] != "nina@example.org" || made["name"] != "Nina Roy" || made["share"] != true || len(t.odoo.Mails()) != 0 {
			t.Fatalf("%v", made)
		}
		before := len(t.odoo.All("res.users"))
		t.wait(time.Hour)
		t.must(t.arrive(nina))
		t.odoo.Add("res.partner", odootest.Record{"name": "Carl", "email": "carl@example.org", "active": true})
		gone := t.odoo.AddUser("gone@example.org", "Gone", "gone@example.org", true)
		t.odoo.Set("res.users", gone, odootest.Record{"active": false})
		for who, in := range map[string]account.New{
			"an employee": {Email: "boss@example.org", Verified: true, Kind: idp.Internal}, "an address that nobody has proven": {Email: "eve@example.org", Kind: idp.Portal},
			"a contact": {Email: "carl@example.org", Verified: true, Kind: idp.Portal}, "an archived user": {Email: "gone@example.org", Verified: true, Kind: idp.Portal},
		} {
			if err := t.arrive(t.add(in)); !errors.Is(err, connector.ErrStranger) {
				t.Errorf("%s: %v", who, err)
			}
		}
		if after := len(t.odoo.All("res.users")); after != before+1 {
			t.Errorf("%d users, were %d", after, before)
		}
	})
}
