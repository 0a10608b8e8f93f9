package odoo

import (
	"context"
	"strings"

	"latchkey/idp"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// upkeep is the small things on a connection's own page.
type upkeep struct {
	cases  cases
	endAll func(ctx context.Context, by idp.Actor, who string) error
}

// cases forgets a case that somebody has looked at.
type cases interface {
	CloseCase(ctx context.Context, by idp.Actor, id string, u idp.UserID) error
}

func (u upkeep) closeCase(c *page.Context, v admin.Visit) error {
	if err := u.cases.CloseCase(c.Context(), v.By, id(c), idp.UserID(c.Form("user"))); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=case_closed")
}

// end signs somebody out here and in all Odoos.
func (u upkeep) end(c *page.Context, v admin.Visit) error {
	who := strings.TrimSpace(c.Form("who"))
	if who == "" {
		return c.Redirect(address(id(c)))
	}
	if err := u.endAll(c.Context(), v.By, who); err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=ended")
}
