package odoo

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// histories knows when a connection was examined last.
type histories interface {
	Last(ctx context.Context, by idp.Actor, id string) (connector.Examined, error)
}

// examinedView is the last examination, by whomever, and the worst that it found.
type examinedView struct{ Title, At, Chip, Says string }

func examinedOf(c *page.Context, v admin.Visit, e connector.Examined) examinedView {
	out := examinedView{Title: c.Words.T("admin.odoo.examined"), At: when(c, v, e.At)}
	if e.At.IsZero() {
		return out
	}
	worst, found := e.Worst()
	if !found {
		out.Chip, out.Says = "chip-good", c.Words.T("admin.odoo.examined_well")
		return out
	}
	out.Chip = "chip-warn"
	if worst.Level == connector.Problem {
		out.Chip = "chip-bad"
	}
	l, _ := odoowords.Finding(c.Words, connector.Finding{Check: worst.Check})
	out.Says = l.Title
	return out
}
