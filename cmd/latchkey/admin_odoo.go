package main

import (
	"context"
	"log/slog"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/admin/odoo"
)

// workshop is where work goes on behind pages.
func (b *base) workshop() *job.Desk {
	return &job.Desk{Store: b.db.Jobs(), Now: b.now, Fault: func(j job.Job, err error) {
		slog.Error("work behind a page failed", "kind", j.Kind, "about", j.About, "err", err)
	}}
}

// adminOdoo are the pages of connected Odoos.
func (h *house) adminOdoo() []admin.Section {
	p := &odoo.Pages{
		People: h.people(), Jobs: h.jobs, Sealer: h.ring,
		End: func(ctx context.Context, by idp.Actor, who string) error {
			u, err := h.accounts.Find(ctx, who)
			if err != nil {
				return err
			}
			return h.security.EndOtherSessions(ctx, by, u.ID)
		},
		Dress: func(ctx context.Context, by idp.Actor, c connector.Connection) (string, error) {
			return h.dressAsOdoo(ctx, by, c, false)
		},
	}
	return p.Sections()
}
