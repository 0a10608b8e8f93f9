// Package odoo is the part of the administration about connected Odoos: connect,
// import, link, keep in step, lock, examine, disconnect.
//
// It keeps nothing and decides nothing: package connector does. Work that takes
// longer than a page goes on behind it (package job). The key to an Odoo is
// never drawn, and on its way between two pages it lies sealed.
package odoo

import (
	"context"
	"embed"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/security"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// Home is where the section begins.
const Home = "/admin/odoo"

// Addresses with names of their own; no connection's page lies there.
const (
	addressConnect = Home + "/connect"
	addressJob     = Home + "/job"
)

// uploadMost is how large an exported file may be, in bytes: about 100,000
// users.
const uploadMost = 20 << 20

//go:embed *.html
var files embed.FS

var set = admin.Parse(files)

// Sealer seals what travels between two pages of the wizard; [keyring.Ring] is
// one.
type Sealer interface {
	Seal(plain, where []byte) ([]byte, error)
	Open(sealed, where []byte) ([]byte, error)
}

// Pages are the pages of connected Odoos. All fields but Dress must be set.
type Pages struct {
	Odoo   *connector.Office
	Jobs   *job.Desk
	Sealer Sealer
	// End ends the sessions of a person, named by login, e-mail or id, here and in
	// all connected Odoos.
	End func(ctx context.Context, by idp.Actor, who string) error
	// Dress gives the client of a new connection the looks of its company; nil:
	// nobody does.
	Dress func(ctx context.Context, by idp.Actor, c connector.Connection) (string, error)
}

// Sections are the entries of the navigation.
func (p *Pages) Sections() []admin.Section {
	return []admin.Section{{
		Name: "odoo", Path: Home, Right: idp.SeeOdoo, Group: "apps",
		Routes: slices.Concat(p.toSee(), p.toConnect(), p.ofPeople(), p.ofDoors(), p.ofUpkeep()),
	}}
}

// addressOne is the page of a connection.
const addressOne = Home + "/:connection"

func (p *Pages) toSee() []admin.Route {
	r := reader{p.Odoo.Register, p.Odoo.Sync, p.bench(), p.Odoo.Doctor}
	return []admin.Route{
		admin.Get(Home, idp.SeeOdoo, r.list),
		admin.Get(addressOne, idp.SeeOdoo, r.show),
		admin.Get(addressOne+"/log", idp.SeeOdoo, r.log),
		admin.Get(addressJob+"/:job", idp.SeeOdoo, p.bench().show),
	}
}

func (p *Pages) toConnect() []admin.Route {
	w, d := wizard{p.Odoo.Setup, p.Dress, p.Sealer, p.bench()}, parting{p.Odoo.Register, p.Odoo.Setup}
	return []admin.Route{
		admin.Get(addressConnect, idp.EditOdoo, w.begin).Guarded(),
		admin.Post(addressConnect, idp.EditOdoo, addressConnect, w.findDatabases).Guarded(),
		admin.Post(addressConnect+"/look", idp.EditOdoo, addressConnect, w.look).Guarded(),
		admin.Post(addressConnect+"/do", idp.EditOdoo, addressConnect, w.join).Guarded(),
		admin.Get(addressOne+"/disconnect", idp.EditOdoo, d.ask),
		admin.Post(addressOne+"/disconnect", idp.EditOdoo, addressOne+"/disconnect", d.disconnect).Guarded(),
	}
}

func (p *Pages) ofPeople() []admin.Route {
	i, l, s := importing{p.Odoo.Register, p.Odoo.Imports, p.bench()}, linking{p.Odoo.Register, p.Odoo.Links, p.bench()}, syncing{p.Odoo.Sync, p.bench()}
	bringIn := admin.Post(addressOne+"/import", idp.EditOdoo, addressOne+"/import", i.bringIn).Guarded()
	bringIn.Upload = uploadMost
	return []admin.Route{
		admin.Get(addressOne+"/import", idp.EditOdoo, i.ask),
		bringIn,
		admin.Get(addressOne+"/link", idp.EditOdoo, l.ask),
		admin.Post(addressOne+"/link", idp.EditOdoo, addressOne+"/link", l.link).Guarded(),
		admin.Post(addressOne+"/sync", idp.EditOdoo, addressOne, s.sync),
	}
}

func (p *Pages) ofDoors() []admin.Route {
	l, w := locking{p.Odoo.Register, p.Odoo.Locks, p.bench()}, websites{p.Odoo.Register, p.Odoo.Websites}
	return []admin.Route{
		admin.Get(addressOne+"/lock", idp.EditOdoo, l.askLock),
		admin.Post(addressOne+"/lock", idp.EditOdoo, addressOne+"/lock", l.lock).Guarded(),
		admin.Get(addressOne+"/unlock", idp.EditOdoo, l.askUnlock),
		admin.Post(addressOne+"/unlock", idp.EditOdoo, addressOne+"/unlock", l.unlock).Guarded(),
		admin.Get(addressOne+"/portal", idp.EditOdoo, w.show),
		admin.Post(addressOne+"/portal", idp.EditOdoo, addressOne+"/portal", w.change).Guarded(),
	}
}

func (p *Pages) ofUpkeep() []admin.Route {
	d, s, u := surgery{p.Odoo.Doctor, p.bench()}, settingPages{p.Odoo.Register}, upkeep{p.Odoo.Register, p.End}
	return []admin.Route{
		admin.Post(addressOne+"/doctor", idp.EditOdoo, addressOne, d.doctor),
		admin.Post(addressOne+"/cure", idp.EditOdoo, addressOne, d.cure).Guarded(),
		admin.Get(addressOne+"/settings", idp.EditOdoo, s.form),
		admin.Post(addressOne+"/settings", idp.EditOdoo, addressOne+"/settings", s.configure).Guarded(),
		admin.Post(addressOne+"/end", idp.EditOdoo, addressOne, u.end).Guarded(),
		admin.Post(addressOne+"/case", idp.EditOdoo, addressOne, u.closeCase),
	}
}

func (p *Pages) bench() bench { return bench{p.Jobs} }

// getter finds the connection that a page is about.
type getter interface {
	Get(ctx context.Context, by idp.Actor, id string) (connector.Connection, error)
}

func id(c *page.Context) string { return c.R.PathValue("connection") }

// address is the page of a connection, or one below it.
func address(id string, below ...string) string {
	return strings.Join(append([]string{Home, url.PathEscape(id)}, below...), "/")
}

func crumbs(c *page.Context, id string) []admin.Crumb {
	out := []admin.Crumb{{Title: c.Words.T("admin.nav.odoo"), URL: Home}}
	if id != "" {
		out = append(out, admin.Crumb{Title: id, URL: address(id)})
	}
	return out
}

// when says a moment in the reader's own zone.
func when(c *page.Context, v admin.Visit, at time.Time) string {
	if at.IsZero() {
		return c.Words.T("admin.odoo.never")
	}
	return c.Words.DateTime(at.In(security.Zone(v.User)))
}

// word is a name of the connector as a part of a key.
func word(name string) string { return strings.ReplaceAll(name, "-", "_") }

// confirmView is a page that asks once more.
type confirmView struct {
	admin.Head
	Confirm admin.Confirm
	Lists   []namedList
	Code    string
}

// namedList is some lines under a title.
type namedList struct {
	Title string
	Items []odoowords.Line
}

func confirm(c *page.Context, status int, view confirmView) error {
	return c.Show(set, status, "confirm.html", view)
}

// label adds the words of a field: admin.odoo.field.NAME and, if there is one,
// admin.odoo.help.NAME.
func label(c *page.Context, f admin.Field) admin.Field {
	f.Label = c.Words.T(fmt.Sprintf("admin.odoo.field.%s", f.Name))
	if help := fmt.Sprintf("admin.odoo.help.%s", f.Name); c.Words.Has(help) {
		f.Help = c.Words.T(help)
	}
	return f
}

func tick(c *page.Context, name string, on bool) admin.Field {
	f := label(c, admin.Field{Name: name, Type: "checkbox"})
	if on {
		f.Value = "yes"
	}
	return f
}
