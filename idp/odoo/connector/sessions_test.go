package connector_test

import (
	"context"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// Line 6: whatever ends all that somebody has here ends their sessions in Odoo,
// in each version by its own means (ODOO.md §3).
func TestSessionsEnd(t *testing.T) {
	for name, end := range map[string]func(h *office, ctx context.Context, u idp.User) error{
		"disabled": func(h *office, ctx context.Context, u idp.User) error {
			return accountsOf(h.db, h.clock).Disable(ctx, host, u.ID)
		},
		"password": func(h *office, ctx context.Context, u idp.User) error {
			return accountsOf(h.db, h.clock).SetPassword(ctx, host, u.ID, "a long new password 1")
		},
		"reset": func(h *office, ctx context.Context, u idp.User) error {
			return accountsOf(h.db, h.clock).ResetFactors(ctx, host, u.ID)
		},
		"sign out": func(h *office, ctx context.Context, u idp.User) error { return h.db.Sessions.EndAll(ctx, u.ID, "") },
		"removed":  func(h *office, ctx context.Context, u idp.User) error { return h.db.Users.Remove(ctx, u.ID) },
	} {
		t.Run(name, func(t *testing.T) {
			eachOffice(t, odootest.Options{}, func(h *office) {
				h.connect()
				ada, there := h.person("ada")
				_, other := h.person("bob")
				session, kept := h.odoo.Open(there), h.odoo.Open(other)
				h.must(end(h, h.Context(), ada))
				if h.odoo.Who(session) == "" {
					h.Fatal("at an end before anybody told Odoo: the test proves nothing")
				}
				if n := h.send(); n != 1 {
					h.Errorf("%d messages", n)
				}
				if h.odoo.Who(session) != "" {
					h.Error("the session goes on")
				}
				if h.odoo.Who(kept) == "" {
					h.Error("somebody else's session is at an end")
				}
				if h.send() != 0 {
					h.Error("sent twice")
				}
			})
		})
	}
}

// A token that is the same after the end would make old sessions good again:
// the round rises with each end, whatever the epoch does.
func TestRoundRises(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		u := idp.User{ID: "u-1", Login: "ada", Created: clock.Now()}
		if err := db.Users.Add(ctx, u, nil); err != nil {
			t.Fatal(err)
		}
		for want := int64(1); want < 4; want++ {
			if err := db.Sessions.EndAll(ctx, u.ID, ""); err != nil {
				t.Fatal(err)
			}
			got, err := db.Users.ByID(ctx, u.ID)
			if err != nil || got.Round != want || got.Epoch != 0 {
				t.Errorf("%+v %v", got, err)
			}
		}
	})
}

// An Odoo that is down is told later; meanwhile it can be seen, and nothing is
// lost.
func TestSessionsEndLater(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		h.connect()
		ada, there := h.person("ada")
		session := h.odoo.Open(there)
		h.must(h.db.Sessions.EndAll(h.Context(), ada.ID, ""))
		h.odoo.Break(odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway)
		if h.send() != 0 || h.odoo.Who(session) == "" {
			h.Error("sent to an Odoo that is down")
		}
		h.odoo.Break()
		c, err := h.Find(h.Context(), "shop")
		h.must(err)
		if c.Health.Well() {
			h.Error("the connection looks well")
		}
		d, err := h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		if _, ok := found(d, "waiting"); !ok || d.Well() {
			h.Errorf("the doctor does not see what waits: %+v", d.Findings)
		}
		h.wait(61 * time.Second)
		if h.send() != 1 || h.odoo.Who(session) != "" {
			h.Error("not told later")
		}
		d, err = h.Examine(h.Context(), host, "shop", false)
		h.must(err)
		if _, ok := found(d, "waiting"); ok {
			h.Error("still waiting")
		}
	})
}

// Line 11: one person in several Odoos is signed out of all of them.
func TestSessionsEndInSeveral(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	h := open(t, db, clock, odootest.Options{Series: 17})
	h.connect()
	ada, there := h.person("ada")
	second := open(t, db, clock, odootest.Options{Series: 19})
	o := second.order()
	o.ID = "branch"
	r, err := h.Connect(t.Context(), host, o, nil)
	h.must(err)
	other := second.odoo.AddUser("ada.l", "Ada", "ada@example.org", false)
	second.odoo.Set("res.users", other, odootest.Record{"oauth_provider_id": r.Connection.Provider, "oauth_uid": string(ada.ID), "oauth_access_token": "lko_2"})
	one, two := h.odoo.Open(there), second.odoo.Open(other)
	h.must(db.Sessions.EndAll(t.Context(), ada.ID, ""))
	if n := h.send(); n != 2 || h.odoo.Who(one) != "" || second.odoo.Who(two) != "" {
		t.Errorf("%d messages, %q %q", n, h.odoo.Who(one), second.odoo.Who(two))
	}
	if _, err := h.Find(t.Context(), ""); err == nil {
		t.Error("which of two connections is meant was guessed")
	}
}

// found is a finding by its name.
func found(d connector.Diagnosis, check string) (connector.Finding, bool) {
	for _, f := range d.Findings {
		if f.Check == check {
			return f, true
		}
	}
	return connector.Finding{}, false
}
