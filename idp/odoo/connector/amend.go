package connector

import (
	"context"
	"errors"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// amend changes the client as it is by now: another cure may have changed it,
// too. A right to look after Odoos is none to look after applications
// (SECURITY.md D-01).
func (p *patient) amend(ctx context.Context, change func(*oidc.Client)) error {
	if err := p.by.May(idp.EditClients); err != nil {
		return err
	}
	old, err := p.clients.ByID(ctx, p.client.ID)
	if err != nil {
		return err
	}
	next := old
	change(&next)
	made, err := oidc.Revise(next)
	if err != nil {
		return err
	}
	detail := idp.Diff(amendable(old), amendable(made.Client))
	return p.book.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(p.clients.Save(ctx, made.Client), p.book.note(ctx, p.by, "client.update", p.c, detail))
	})
}

// amendable is what a cure may change, for the log.
func amendable(c oidc.Client) map[string]string {
	out := addresses(c)
	out["sessions"] = c.Sessions
	return out
}
