// Package apps is the part of the administration about applications that people
// sign in to, and about the keys that sign what they are told.
//
// It keeps nothing and decides nothing: package oidc does. A secret is drawn by
// the answer to the very request that made it, and by nothing else.
package apps

import (
	"embed"
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
	return []admin.Section{p.applications(), p.signingKeys()}
}

func (p *Pages) applications() admin.Section {
	const one = Clients + "/:client"
	r, f, s, life := p.reader(), forms{p.Clients, p.told()}, secretPages{p.Clients, p.told()}, fate{p.Clients}
	return admin.Section{Name: "clients", Path: Clients, Right: idp.SeeClients, Group: "apps", Routes: []admin.Route{
		admin.Get(Clients, idp.SeeClients, r.list),
		admin.Get(Clients+"/new", idp.EditClients, f.choose),
		admin.Get(Clients+"/new/:type", idp.EditClients, f.blank).Guarded(),
		admin.Post(Clients+"/new/:type", idp.EditClients, Clients+"/new/:type", f.add).Guarded(),
		admin.Get(one, idp.SeeClients, r.show),
		admin.Get(one+"/edit", idp.EditClients, f.edit).Guarded(),
		admin.Post(one+"/edit", idp.EditClients, one+"/edit", f.update).Guarded(),
		admin.Post(one+"/test", idp.EditClients, one, r.test),
		admin.Get(one+"/code", idp.SeeClients, r.examples),
		admin.Get(one+"/rotate", idp.EditClients, s.askRotate),
		admin.Post(one+"/rotate", idp.EditClients, one+"/rotate", s.rotate).Guarded(),
		admin.Get(one+"/end", idp.EditClients, s.askEnd),
		admin.Post(one+"/end", idp.EditClients, one+"/end", s.end).Guarded(),
		admin.Get(one+"/disable", idp.EditClients, life.askDisable),
		admin.Post(one+"/disable", idp.EditClients, one+"/disable", life.disable).Guarded(),
		admin.Post(one+"/enable", idp.EditClients, one, life.enable).Guarded(),
		admin.Get(one+"/remove", idp.EditClients, life.askRemove),
		admin.Post(one+"/remove", idp.EditClients, one+"/remove", life.remove).Guarded(),
	}}
}

func (p *Pages) signingKeys() admin.Section {
	k := keyPages{p.Keys}
	return admin.Section{Name: "keys", Path: Keys, Right: idp.SeeKeys, Group: "apps", Routes: []admin.Route{
		admin.Get(Keys, idp.SeeKeys, k.list),
		admin.Get(Keys+"/rotate", idp.RotateKeys, k.askRotate),
		admin.Post(Keys+"/rotate", idp.RotateKeys, Keys+"/rotate", k.rotate).Guarded(),
		admin.Get(Keys+"/revoke/:key", idp.RotateKeys, k.askRevoke),
		admin.Post(Keys+"/revoke/:key", idp.RotateKeys, Keys+"/revoke/:key", k.revoke).Guarded(),
	}}
}

func (p *Pages) told() handout { return handout{p.Issuer, p.Validation} }

func (p *Pages) reader() reader { return reader{p.Clients, p.told()} }

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

// about is the client of an act with the words of the page that asks.
func about(c *page.Context, v admin.Visit, clients *oidc.Registrar) (oidc.Client, admin.Head, error) {
	cl, err := clients.Get(c.Context(), v.By, id(c))
	return cl, v.Head(c, crumbs(c, cl)...), err
}
