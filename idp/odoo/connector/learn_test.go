package connector_test

import (
	"context"
	"testing"
	"time"

	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// meddled are the connections of a store, in which somebody changes something
// once: after work has signed in to an Odoo, or after it has saved.
type meddled struct {
	connector.Connections
	heard, saved func()
}

func once(f *func()) {
	if do := *f; do != nil {
		*f = nil
		do()
	}
}

func (m *meddled) Heard(ctx context.Context, id string, at time.Time, failure error) error {
	defer once(&m.heard)
	return m.Connections.Heard(ctx, id, at, failure)
}

func (m *meddled) Save(ctx context.Context, c connector.Connection) error {
	defer once(&m.saved)
	return m.Connections.Save(ctx, c)
}

// D-04: work that takes minutes does not undo what an administrator has saved
// meanwhile: a lock that was taken back, people who are not to be locked or
// invited any more, other groups.
func TestWorkKeepsSettings(t *testing.T) {
	for name, c := range map[string]struct {
		late   bool // it is changed after the work has saved once
		unlock bool
		work   func(h *office) error
	}{
		"examine": {unlock: true, work: func(h *office) error { _, err := h.Examine(h.Context(), host, "shop", false); return err }},
		"cure":    {late: true, unlock: true, work: func(h *office) error { _, err := h.Cure(h.Context(), host, "shop", "provider_row"); return err }},
		"connect": {unlock: true, work: func(h *office) error { _, err := h.Connect(h.Context(), host, h.order(), nil); return err }},
		"lock": {work: func(h *office) error {
			_, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{Force: true})
			return err
		}},
		"unlock": {work: func(h *office) error { _, _, err := h.Unlock(h.Context(), host, "shop", false); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			clock := storetest.NewClock()
			h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
			h.connect()
			h.lock()
			_, err := h.Configure(t.Context(), host, "shop", func(s *connector.Settings) { s.KeepLocked, s.Invite = true, true })
			h.must(err)
			others := connector.New(h.parts)
			meddle := func() {
				if c.unlock {
					_, _, err := others.Locks.Unlock(t.Context(), host, "shop", false)
					h.must(err)
				}
				_, err := others.Register.Configure(t.Context(), host, "shop", func(s *connector.Settings) {
					s.KeepLocked, s.Invite, s.Groups = false, false, map[string]string{"base.group_user": "staff"}
				})
				h.must(err)
			}
			m := &meddled{Connections: h.parts.Connections, heard: meddle}
			if c.late {
				m.heard, m.saved = nil, meddle
			}
			h.parts.Connections = m
			h.use(connector.New(h.parts))
			h.setRow(odootest.Record{"enabled": false})
			h.wait(time.Hour)
			h.must(c.work(h))
			now, err := h.Find(t.Context(), "shop")
			h.must(err)
			if m.heard != nil || m.saved != nil {
				t.Fatal("nobody has changed anything: the test proves nothing")
			}
			if now.Settings.KeepLocked || now.Settings.Invite || now.Settings.Groups["base.group_user"] != "staff" {
				t.Errorf("undone: %+v", now.Settings)
			}
			if unlocked := name != "lock"; now.Lock.At.IsZero() != unlocked || (len(now.Facts.Before) == 0) != unlocked {
				t.Errorf("%+v, before %v", now.Lock, now.Facts.Before)
			}
			if name == "examine" && !now.Facts.Read.Equal(clock.Now()) {
				t.Error("nothing was learnt")
			}
		})
	}
}
