package connector_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// D-01, D-06: the use cases themselves refuse who may not, and what they show of
// a connection holds no key.
func TestLookRights(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	h.connect()
	p := connector.New(h.parts)
	ctx := t.Context()
	auditor, admin := idp.Actor{User: "a", Role: idp.Auditor}, idp.Actor{User: "b", Role: idp.Admin}
	for name, do := range map[string]func(idp.Actor) error{
		"list":  func(by idp.Actor) error { _, err := h.List(ctx, by); return err },
		"get":   func(by idp.Actor) error { _, err := h.Get(ctx, by, "shop"); return err },
		"runs":  func(by idp.Actor) error { _, err := h.Runs(ctx, by, "shop"); return err },
		"cases": func(by idp.Actor) error { _, err := h.Cases(ctx, by, "shop"); return err },
	} {
		if err := do(auditor); err != nil {
			t.Errorf("%s by the auditor: %v", name, err)
		}
		if err := do(idp.Actor{User: "c", Role: idp.HelpDesk}); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("%s by the help desk: %v", name, err)
		}
	}
	for name, do := range map[string]func(idp.Actor) error{
		"databases": func(by idp.Actor) error { _, err := h.Databases(ctx, by, h.odoo.URL); return err },
		"configure": func(by idp.Actor) error {
			_, err := h.Configure(ctx, by, "shop", func(*connector.Settings) {})
			return err
		},
		"cure": func(by idp.Actor) error { _, err := h.Cure(ctx, by, "shop", "client"); return err },
		"case": func(by idp.Actor) error { return h.CloseCase(ctx, by, "shop", "u") },
		"sync": func(by idp.Actor) error {
			_, err := p.Sync.SyncNow(ctx, by, "shop", connector.SyncOptions{})
			return err
		},
		"link":  func(by idp.Actor) error { _, err := p.Links.LinkAll(ctx, by, "shop", connector.Linking{}); return err },
		"bring": func(by idp.Actor) error { _, err := p.Imports.BringIn(ctx, by, "shop", connector.Intake{}); return err },
	} {
		if err := do(auditor); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("%s by the auditor: %v", name, err)
		}
	}
	// D-01: what an Odoo does to people is a change of people, too: a token for Odoo
	// alone is not enough.
	narrow := idp.Actor{User: "b", Role: idp.Admin, Scopes: []idp.Right{idp.EditOdoo}}
	for name, do := range map[string]func() error{
		"bring": func() error { _, err := p.Imports.BringIn(ctx, narrow, "shop", connector.Intake{}); return err },
		"sync":  func() error { _, err := p.Sync.SyncNow(ctx, narrow, "shop", connector.SyncOptions{}); return err },
		"link":  func() error { _, err := p.Links.LinkAll(ctx, narrow, "shop", connector.Linking{}); return err },
		"configure": func() error {
			_, err := h.Configure(ctx, narrow, "shop", func(s *connector.Settings) { s.Trickle = true })
			return err
		},
	} {
		if err := do(); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("%s by a token for Odoo alone: %v", name, err)
		}
	}
	all, err := h.List(ctx, admin)
	h.must(err)
	one, err := h.Get(ctx, admin, "shop")
	h.must(err)
	same, err := h.Configure(ctx, admin, "shop", func(s *connector.Settings) { s.Archive = true })
	h.must(err)
	if all[0].Key != "" || one.Key != "" || same.Key != "" {
		t.Error("a key is shown")
	}
	kept, err := h.Find(ctx, "shop")
	h.must(err)
	if kept.Key != h.odoo.Key || !kept.Settings.Archive {
		t.Errorf("%+v", kept)
	}
}

// One finding is put right, the others stay as they are.
func TestCure(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{Website: true})
	c := h.connect().Connection
	h.odoo.Set("auth.oauth.provider", c.Provider, odootest.Record{"enabled": false})
	h.odoo.Set("website", 1, odootest.Record{"domain": "shop.example.org"}) // an address that is not registered
	d, err := h.Cure(t.Context(), host, "shop", "hosts")
	h.must(err)
	fixed := map[string]bool{}
	for _, f := range d.Findings {
		fixed[f.Check] = f.Fixed
	}
	if !fixed["hosts"] || fixed["provider_row"] || h.row()["enabled"] != false {
		t.Errorf("%+v", d.Findings)
	}
	d, err = h.Examine(t.Context(), host, "shop", true)
	h.must(err)
	if h.row()["enabled"] != true {
		t.Errorf("%+v", d.Findings)
	}
}

// Two cures may change the same client, and neither loses the other's change.
func TestCuresTogether(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{Series: 17, Website: true})
	h.connect()
	c, err := h.parts.Clients.ByID(t.Context(), "shop")
	h.must(err)
	c.Sessions = "multi"
	h.must(h.parts.Clients.Save(t.Context(), c))
	h.odoo.Set("website", 1, odootest.Record{"domain": "shop.example.org"})
	_, err = h.Examine(t.Context(), host, "shop", true)
	h.must(err)
	c, err = h.parts.Clients.ByID(t.Context(), "shop")
	h.must(err)
	if c.Sessions != "single" || len(c.RedirectURIs) != 2 {
		t.Errorf("%+v", c)
	}
}

// A run that finds nothing new leaves no line; one that does something, or fails,
// leaves one.
func TestSyncJournal(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	p := townOf(h)
	run := func(want int) {
		t.Helper()
		clock.Pass(time.Second)
		c, err := h.Find(t.Context(), "shop")
		h.must(err)
		_, err = p.Sync(context.WithoutCancel(t.Context()), c, connector.SyncOptions{})
		runs, other := h.parts.Journal.Runs(t.Context(), "shop", 10)
		h.must(other)
		if len(runs) != want {
			t.Errorf("%d lines, want %d (%v)", len(runs), want, err)
		}
	}
	run(0)
	h.odoo.AddUser("pia@example.org", "Pia", "pia@example.org", true)
	run(1)
	run(1)
	h.odoo.Break(odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway, odootest.Gateway)
	clock.Pass(2 * time.Minute) // what is kept open is opened anew
	run(2)
}
