package company_test

import (
	"context"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/company"
)

// E-01: an invitation, and what is done with it later, takes the same time for a
// free address and for one that is somebody's elsewhere.
func TestEven(t *testing.T) {
	eachHouse(t, func(h *house) {
		h.Even = 150 * time.Millisecond
		for _, email := range []string{"free@example.org", "nobody@example.org"} {
			began := time.Now()
			h.must(h.Invite(h.Context(), h.by("lead"), h.ours.ID, company.Invitation{Name: "X", Email: email}))
			if took := time.Since(began); took < h.Even {
				h.Errorf("%s: %v", email, took)
			}
			id := h.sees("lead", email).ID
			for n, act := range []func(context.Context, idp.Actor, string, string) error{h.Resend, h.Disable, h.Enable} {
				began := time.Now()
				h.must(act(h.Context(), h.by("lead"), h.ours.ID, id))
				if took := time.Since(began); took < h.Even {
					h.Errorf("%s: act %d: %v", email, n, took)
				}
			}
		}
	})
}

// A main contact does not let in again whom a feeding system wants out as well,
// or who was merged away.
func TestLetGo(t *testing.T) {
	eachHouse(t, func(h *house) {
		ctx, lead := h.Context(), h.by("lead")
		for who, away := range map[string]func(id idp.UserID) error{
			"member": func(id idp.UserID) error { return h.db.Provisioned.KeepOut(ctx, id) },
			"second": func(id idp.UserID) error { return h.db.Moves.Memberships(ctx, id, h.people["stranger"].ID) },
		} {
			id := h.id(h.ours, who)
			h.must(h.Disable(ctx, lead, h.ours.ID, id))
			if p := h.sees("lead", who+"@example.org"); !p.MayEnable {
				h.Errorf("%s: %+v", who, p)
			}
			h.must(away(h.people[who].ID))
			h.want(who, h.Enable(ctx, lead, h.ours.ID, id), idp.ErrNotFound)
		}
	})
}
