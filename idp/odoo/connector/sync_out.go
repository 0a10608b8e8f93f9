package connector

import (
	"context"
	"errors"

	"latchkey/idp/odoo/rpc"
)

// outgoing is the part of a run that changes Odoo.
type outgoing struct {
	run    *syncRun
	client *rpc.Client
}

// all archives in Odoo who was disabled or removed here, and takes that back for
// who is enabled again, if the settings say so. Sessions there end in any case:
// see [Endings]. Who Latchkey itself signs in as is never archived.
func (o outgoing) all(ctx context.Context) error {
	if !o.run.c.Settings.Archive {
		return nil
	}
	after := int64(0)
	for {
		if err := o.run.goesOn(ctx); err != nil {
			return err
		}
		all, err := o.run.ties.Page(ctx, TieQuery{Connection: o.run.c.ID, After: after, Apart: true})
		if err != nil || len(all) == 0 {
			return err
		}
		for _, h := range all {
			after = h.Odoo
			if h.Odoo == o.client.UID() {
				continue
			}
			if err := o.send(ctx, h); err != nil {
				return err
			}
		}
	}
}

func (o outgoing) send(ctx context.Context, h Held) error {
	what, active, count := "archive", false, &o.run.counts.Archived
	if h.Closed == ClosedHere {
		what, active, count = "restore", true, &o.run.counts.Restored
	}
	tie := h.Tie
	tie.Closed = map[bool]Closed{true: Open, false: ClosedHere}[active]
	err := o.run.do(what, h, Note{}, func() error {
		if err := o.client.Write(ctx, "res.users", []int64{h.Odoo}, rpc.Args{"active": active}, nil); err != nil {
			return err
		}
		return o.run.ties.Save(ctx, tie)
	})
	if errors.Is(err, rpc.ErrFault) || errors.Is(err, rpc.ErrDenied) || errors.Is(err, rpc.ErrNotFound) {
		o.run.trouble(h.Odoo, h.Login, noted(err, "sync.refused"))
		return nil
	}
	*count++
	return err
}
