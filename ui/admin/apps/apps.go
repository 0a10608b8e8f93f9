// Package apps is the part of the administration about applications that people
// sign in to, and about the keys that sign what they are told.
//
// It keeps nothing and decides nothing: package oidc does. A secret is drawn by
// the answer to the very request that made it, and by nothing else.
package apps

import (
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/security"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// Addresses.
const (
	Clients = "/admin/clients"
	Keys    = "/admin/keys"
)

//go:embed *.html
var files embed.FS

var set = admin.Parse(files)

// Pages are the pages of applications and keys. All fields must be set.
type Pages struct {
	Clients *oidc.Registrar
	Keys    *oidc.Custodian
	Issuer  string
	// Validation is the path of an Odoo's validation address.
	Validation func(oidc.Client) string
}

// Sections are the entries of the navigation.
func (p *Pages) Sections() []admin.Section {
	const one = Clients + "/:client"
	return []admin.Section{{
		Name: "clients", Path: Clients, Right: idp.SeeClients, Group: "apps", Routes: []admin.Route{
			admin.Get(Clients, idp.SeeClients, p.list),
			admin.Get(Clients+"/new", idp.EditClients, p.choose),
			admin.Get(Clients+"/new/:type", idp.EditClients, p.blank).Guarded(),
			admin.Post(Clients+"/new/:type", idp.EditClients, Clients+"/new/:type", p.add).Guarded(),
			admin.Get(one, idp.SeeClients, p.show),
			admin.Get(one+"/edit", idp.EditClients, p.edit).Guarded(),
			admin.Post(one+"/edit", idp.EditClients, one+"/edit", p.update).Guarded(),
			admin.Post(one+"/test", idp.EditClients, one, p.test),
			admin.Get(one+"/code", idp.SeeClients, p.snippets),
			admin.Get(one+"/rotate", idp.EditClients, p.askRotate),
			admin.Post(one+"/rotate", idp.EditClients, one+"/rotate", p.rotate).Guarded(),
			admin.Get(one+"/end", idp.EditClients, p.askEnd),
			admin.Post(one+"/end", idp.EditClients, one+"/end", p.end).Guarded(),
			admin.Get(one+"/disable", idp.EditClients, p.askDisable),
			admin.Post(one+"/disable", idp.EditClients, one+"/disable", p.disable).Guarded(),
			admin.Post(one+"/enable", idp.EditClients, one, p.enable).Guarded(),
			admin.Get(one+"/remove", idp.EditClients, p.askRemove),
			admin.Post(one+"/remove", idp.EditClients, one+"/remove", p.remove).Guarded(),
		},
	}, {
		Name: "keys", Path: Keys, Right: idp.SeeKeys, Group: "apps", Routes: []admin.Route{
			admin.Get(Keys, idp.SeeKeys, p.keys),
			admin.Get(Keys+"/rotate", idp.RotateKeys, p.askRotateKeys),
			admin.Post(Keys+"/rotate", idp.RotateKeys, Keys+"/rotate", p.rotateKeys).Guarded(),
			admin.Get(Keys+"/revoke/:key", idp.RotateKeys, p.askRevoke),
			admin.Post(Keys+"/revoke/:key", idp.RotateKeys, Keys+"/revoke/:key", p.revoke).Guarded(),
		},
	}}
}

// confirmView is a page that asks once more.
type confirmView struct {
	admin.Head
	Confirm admin.Confirm
}

func confirm(c *page.Context, h admin.Head, status int, f admin.Confirm) error {
	return c.Show(set, status, "confirm.html", confirmView{h, f})
}

func id(c *page.Context) oidc.ClientID { return oidc.ClientID(c.R.PathValue("client")) }

// address is the page of a client, or one below it.
func address(id oidc.ClientID, below ...string) string {
	return strings.Join(append([]string{Clients, url.PathEscape(string(id))}, below...), "/")
}

func crumbs(c *page.Context, cl ...oidc.Client) []admin.Crumb {
	out := []admin.Crumb{{Title: c.Words.T("admin.nav.clients"), URL: Clients}}
	for _, one := range cl {
		out = append(out, admin.Crumb{Title: one.Title(), URL: address(one.ID)})
	}
	return out
}

// day and moment say when, in the reader's own zone.
func day(c *page.Context, v admin.Visit, at time.Time) string {
	if at.IsZero() {
		return c.Words.T("admin.clients.never")
	}
	return c.Words.Date(at.In(security.Zone(v.User)))
}

func moment(c *page.Context, v admin.Visit, at time.Time) string {
	return c.Words.DateTime(at.In(security.Zone(v.User)))
}

// types are in the order in which they are offered.
var types = []oidc.Type{oidc.Odoo, oidc.Web, oidc.SPA, oidc.Native, oidc.Service}

// listView is the page of all applications.
type listView struct {
	admin.Head
	Rows  []listRow
	May   bool // add some
	Empty *admin.Empty
}

type listRow struct {
	ID, Name, URL, Type, Used string
	Disabled, Warned, Former  bool
}

func (p *Pages) list(c *page.Context, v admin.Visit) error {
	all, err := p.Clients.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "list.html", listOf(c, v, all, p.Clients.Now()))
}

func listOf(c *page.Context, v admin.Visit, all []oidc.Entry, now time.Time) listView {
	view := listView{Head: v.Head(c), May: v.May(idp.EditClients)}
	for _, e := range all {
		view.Rows = append(view.Rows, listRow{
			ID: string(e.Client.ID), Name: e.Client.Title(), URL: address(e.Client.ID), Type: typeName(c, e.Client.Type), Used: day(c, v, e.Used),
			Disabled: e.Client.Disabled, Warned: len(e.Warnings) > 0, Former: e.Client.FormerSecret.Good(now) || e.Client.FormerValidation.Good(now),
		})
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.clients.empty"), Text: c.Words.T("admin.clients.empty_text")}
		if view.May {
			view.Empty.URL, view.Empty.Button = Clients+"/new", c.Words.T("admin.clients.add")
		}
	}
	return view
}

func typeName(c *page.Context, t oidc.Type) string {
	return c.Words.T(fmt.Sprintf("admin.clients.type.%s", string(t)))
}
