package odoo

import (
	"context"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// websites puts our snippet on the websites of an Odoo, and takes it away.
type websites struct {
	connections getter
	portal      portal
}

// portal is what writes there.
type portal interface {
	ShowPortal(ctx context.Context, by idp.Actor, id string) (connector.Portal, error)
	InstallPortal(ctx context.Context, by idp.Actor, id string) (int, error)
	RemovePortal(ctx context.Context, by idp.Actor, id string) (int, error)
}

// portalView is the page of the snippet on Odoo's websites.
type portalView struct {
	admin.Head
	ID, Action, Back string
	connector.Portal
	Whole bool // on all websites
	May   bool
}

func (w websites) show(c *page.Context, v admin.Visit) error {
	one, err := w.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), lookTime)
	defer cancel()
	head := v.Head(c, crumbs(c, one.ID)...)
	there, err := w.portal.ShowPortal(ctx, v.By, one.ID)
	if err != nil {
		return instead(c, head, one.ID, err)
	}
	return c.Show(set, http.StatusOK, "portal.html", portalView{
		Head: head, ID: one.ID, Action: address(one.ID, "portal"), Back: address(one.ID), Portal: there, Whole: len(there.Websites) > 0 && len(there.Written) == len(there.Websites), May: v.May(idp.EditOdoo),
	})
}

func (w websites) change(c *page.Context, v admin.Visit) error {
	ctx, cancel := context.WithTimeout(c.Context(), lookTime)
	defer cancel()
	do, done := w.portal.InstallPortal, "installed"
	if c.Form("act") == "remove" {
		do, done = w.portal.RemovePortal, "taken_away"
	}
	if _, err := do(ctx, v.By, id(c)); err != nil {
		return instead(c, v.Head(c, crumbs(c, id(c))...), id(c), err)
	}
	return c.Redirect(address(id(c), "portal") + "?done=" + done)
}
