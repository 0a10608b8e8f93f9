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
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/security"
	"latchkey/ui/admin"
	"latchkey/ui/admin/odoowords"
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
	People *connector.People
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
	const one = Home + "/:connection"
	see, edit := idp.SeeOdoo, idp.EditOdoo
	import_ := admin.Post(one+"/import", edit, one+"/import", p.bringIn).Guarded()
	import_.Upload = uploadMost
	return []admin.Section{{
		Name: "odoo", Path: Home, Right: see, Group: "apps", Routes: []admin.Route{
			admin.Get(Home, see, p.list),
			admin.Get(addressConnect, edit, p.connect).Guarded(),
			admin.Post(addressConnect, edit, addressConnect, p.findDatabases).Guarded(),
			admin.Post(addressConnect+"/look", edit, addressConnect, p.look).Guarded(),
			admin.Post(addressConnect+"/do", edit, addressConnect, p.join).Guarded(),
			admin.Get(addressJob+"/:job", see, p.job),
			admin.Get(one, see, p.show),
			admin.Get(one+"/log", see, p.log),
			admin.Post(one+"/doctor", edit, one, p.doctor),
			admin.Post(one+"/cure", edit, one, p.cure).Guarded(),
			admin.Get(one+"/settings", edit, p.settings),
			admin.Post(one+"/settings", edit, one+"/settings", p.configure).Guarded(),
			admin.Post(one+"/sync", edit, one, p.sync),
			admin.Get(one+"/import", edit, p.askImport),
			import_,
			admin.Get(one+"/link", edit, p.askLink),
			admin.Post(one+"/link", edit, one+"/link", p.link).Guarded(),
			admin.Get(one+"/lock", edit, p.askLock),
			admin.Post(one+"/lock", edit, one+"/lock", p.lock).Guarded(),
			admin.Get(one+"/unlock", edit, p.askUnlock),
			admin.Post(one+"/unlock", edit, one+"/unlock", p.unlock).Guarded(),
			admin.Post(one+"/end", edit, one, p.end).Guarded(),
			admin.Post(one+"/case", edit, one, p.closeCase),
			admin.Get(one+"/portal", edit, p.portal),
			admin.Post(one+"/portal", edit, one+"/portal", p.changePortal).Guarded(),
			admin.Get(one+"/disconnect", edit, p.askDisconnect),
			admin.Post(one+"/disconnect", edit, one+"/disconnect", p.disconnect).Guarded(),
		},
	}}
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

// listView is the page of all connections.
type listView struct {
	admin.Head
	Rows  []listRow
	May   bool
	Empty *admin.Empty
}

type listRow struct {
	ID, URL, Address, Company, Version, Contact, Sync, Linked string
	Well, Locked                                              bool
}

func (p *Pages) list(c *page.Context, v admin.Visit) error {
	all, err := p.People.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	view := listView{Head: v.Head(c), May: v.May(idp.EditOdoo)}
	for _, one := range all {
		s, err := p.People.SyncState(c.Context(), one.ID)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, rowOf(c, v, one, s))
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.odoo.empty"), Text: c.Words.T("admin.odoo.empty_text")}
		if view.May {
			view.Empty.URL, view.Empty.Button = addressConnect, c.Words.T("admin.odoo.connect")
		}
	}
	return c.Show(set, http.StatusOK, "list.html", view)
}

func rowOf(c *page.Context, v admin.Visit, one connector.Connection, s connector.SyncState) listRow {
	row := listRow{
		ID: one.ID, URL: address(one.ID), Address: one.URL, Company: one.Facts.Company.Name, Version: one.Facts.Version.Full, Contact: when(c, v, one.Health.Good),
		Linked: c.Words.T("admin.odoo.linked_of", fmt.Sprint(one.Facts.Linked), fmt.Sprint(one.Facts.Users)), Well: one.Health.Well(), Locked: !one.Lock.At.IsZero(),
		Sync: c.Words.T("admin.odoo.off"),
	}
	if one.Settings.Sync {
		row.Sync = when(c, v, s.Succeeded)
		row.Well = row.Well && s.Failure == ""
	}
	return row
}

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
