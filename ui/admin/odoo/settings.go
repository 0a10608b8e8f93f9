package odoo

import (
	"context"
	"net/http"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// settingPages are what an administrator chooses for one connection.
type settingPages struct{ connections configurer }

// configurer changes the settings of a connection.
type configurer interface {
	getter
	Configure(ctx context.Context, by idp.Actor, id string, change func(*connector.Settings)) (connector.Connection, error)
}

// settingsView is the form of a connection's settings.
type settingsView struct {
	admin.Head
	ID, Action, Cancel string
	Fields             admin.Fields
}

func (s settingPages) form(c *page.Context, v admin.Visit) error {
	one, err := s.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	is := one.Settings
	return c.Show(set, http.StatusOK, "settings.html", settingsView{
		Head: v.Head(c, crumbs(c, one.ID)...), ID: one.ID, Action: address(one.ID, "settings"), Cancel: address(one.ID),
		Fields: ticks(c, is),
	})
}

// ticks are the settings as fields.
func ticks(c *page.Context, is connector.Settings) admin.Fields {
	return admin.Fields{
		tick(c, "sync", is.Sync), tick(c, "archive", is.Archive), tick(c, "contacts", is.Contacts), tick(c, "newcomers", is.Newcomers), tick(c, "trickle", is.Trickle),
		tick(c, "leads", is.Leads), tick(c, "invite", is.Invite), tick(c, "keep_locked", is.KeepLocked),
	}
}

func (s settingPages) configure(c *page.Context, v admin.Visit) error {
	_, err := s.connections.Configure(c.Context(), v.By, id(c), func(to *connector.Settings) {
		for name, on := range map[string]*bool{"sync": &to.Sync, "archive": &to.Archive, "contacts": &to.Contacts, "newcomers": &to.Newcomers, "trickle": &to.Trickle, "leads": &to.Leads, "invite": &to.Invite, "keep_locked": &to.KeepLocked} {
			*on = c.Form(name) != ""
		}
	})
	if err != nil {
		return err
	}
	return c.Redirect(address(id(c)) + "?done=saved")
}
