package odoo

import (
	"context"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// parting takes back what the wizard made.
type parting struct {
	connections getter
	setup       disconnecter
}

// disconnecter disconnects.
type disconnecter interface {
	Disconnect(ctx context.Context, by idp.Actor, id string, dry, force bool) (did []connector.Note, err error)
}

func (p parting) ask(c *page.Context, v admin.Visit) error {
	one, err := p.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	return p.disconnection(c, v, one, http.StatusOK, nil)
}

// disconnection asks before everything is taken back. Of an Odoo that cannot be
// reached it asks whether its part may stay.
func (p parting) disconnection(c *page.Context, v admin.Visit, one connector.Connection, status int, failure error) error {
	ctx, cancel := context.WithTimeout(c.Context(), lookTime)
	defer cancel()
	view := confirmView{Head: v.Head(c, crumbs(c, one.ID)...), Confirm: admin.Confirm{
		ID: "disconnect", Title: c.Words.T("admin.odoo.disconnect_title", one.ID), Action: address(one.ID, "disconnect"), Button: c.Words.T("admin.odoo.disconnect"), Cancel: address(one.ID), Danger: true,
		Text: []string{c.Words.T("admin.odoo.disconnect_text"), c.Words.N("admin.odoo.disconnect_people", one.Facts.Linked)},
	}}
	did, err := p.setup.Disconnect(ctx, v.By, one.ID, true, false)
	if failure == nil {
		failure = err
	}
	if failure != nil {
		head, ok := told(c, view.Head, failure)
		if !ok {
			return failure
		}
		view.Head = head
		view.Confirm.Fields = admin.Fields{tick(c, "leave", false)}
	} else {
		view.Lists = []namedList{{c.Words.T("admin.odoo.disconnect_list"), notes(c.Words, did)}}
	}
	return confirm(c, status, view)
}

func (p parting) disconnect(c *page.Context, v admin.Visit) error {
	one, err := p.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), lookTime)
	defer cancel()
	if _, err := p.setup.Disconnect(ctx, v.By, one.ID, false, c.Form("leave") != ""); err != nil {
		if connector.Why(err).Kind == "" {
			return err
		}
		return p.disconnection(c, v, one, http.StatusBadGateway, err)
	}
	return c.Redirect(Home + "?done=disconnected")
}
