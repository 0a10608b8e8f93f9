// Package people draws the part of the administration that is about people:
// finding them, everything about one of them, what is done to one or to many,
// import and merge.
//
// It decides nothing: who may do what to whom is asked by the use cases. What
// the visitor may not do is not drawn.
package people

import (
	"embed"
	"errors"
	"fmt"
	"net/url"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/export"
	"latchkey/idp/people"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/page"
	"latchkey/ui/security"
)

//go:embed *.html
var files embed.FS

var set = admin.Parse(files)

// Home is where the part begins.
const Home = admin.Home + "/users"

// Pages serves the part. Its fields are set once, before first use.
type Pages struct {
	Accounts  *account.Service
	Help      *account.Help
	Approvals *account.Approvals
	Directory *people.Directory
	Cards     *people.Cards
	Bulk      *people.Bulk
	Imports   *people.Imports
	Merging   *people.Merging
	Data      *export.Service // nil: nobody's data can be handed out here
	Companies Companies       // nil: without
	Groups    idp.Groups
	Kinds     func() []mfa.Kind // of factor that the house has
	Security  *security.Pages   // nil: without
	Issuer    string
	NoMail    bool // there is no mail server, so that invitations wait
}

// Sections is the part.
func (p *Pages) Sections() []admin.Section {
	routes := p.many()
	for _, more := range [][]admin.Route{p.one(), deeds{p}.acts(), p.protection()} {
		routes = append(routes, more...)
	}
	return []admin.Section{{Name: "users", Path: Home, Right: idp.SeePeople, Group: "people", Routes: routes}}
}

// many are the pages about many people.
func (p *Pages) many() []admin.Route {
	const bulk, imported, approvals = Home + "/bulk/:batch", Home + "/import/:batch", Home + "/approvals"
	prepare := admin.Post(Home+"/bulk", idp.HelpPeople, "", bulks{p}.prepare)
	prepare.Back = listOf
	upload := admin.Post(Home+"/import", idp.EditPeople, Home+"/import", uploads{p}.upload)
	upload.Upload = people.MaxFile
	return []admin.Route{
		admin.Get(Home, idp.SeePeople, lists{p}.list),
		admin.Post(Home+"/export", idp.SeePeople, Home, lists{p}.export).Guarded(),
		admin.Get(Home+"/new", idp.EditPeople, forms{p}.newPerson).Guarded(),
		admin.Post(Home+"/new", idp.EditPeople, Home+"/new", forms{p}.add).Guarded(),
		prepare,
		admin.Get(bulk, idp.HelpPeople, bulks{p}.plan),
		admin.Post(bulk+"/start", idp.HelpPeople, bulk, bulks{p}.startBulk).Guarded(),
		admin.Get(Home+"/import", idp.EditPeople, uploads{p}.importPage),
		upload,
		admin.Get(imported, idp.EditPeople, uploads{p}.draft),
		admin.Post(imported+"/check", idp.EditPeople, imported, uploads{p}.check),
		admin.Post(imported+"/start", idp.EditPeople, imported, uploads{p}.startImport).Guarded(),
		admin.Get(imported+"/refused", idp.EditPeople, uploads{p}.refused),
		admin.Get(approvals, idp.HelpPeople, helping{p}.approvals),
		admin.Post(approvals+"/:request/allow", idp.HelpPeople, approvals, helping{p}.allow).Guarded(),
		admin.Post(approvals+"/:request/refuse", idp.HelpPeople, approvals, helping{p}.refuse),
		admin.Post(approvals+"/:request/take", idp.HelpPeople, approvals, helping{p}.take).Guarded(),
	}
}

// one are the pages about one person.
func (p *Pages) one() []admin.Route {
	const user = Home + "/:user"
	merge := admin.Post(user+"/merge", idp.EditPeople, "", merges{p}.merge).Guarded()
	merge.Back = mergedWith
	return []admin.Route{
		admin.Get(user, idp.SeePeople, cards{p}.card),
		admin.Get(user+"/edit", idp.EditPeople, forms{p}.editPerson).Guarded(),
		admin.Post(user+"/edit", idp.EditPeople, user+"/edit", forms{p}.edit).Guarded(),
		admin.Get(user+"/role", idp.GrantRoles, forms{p}.rolePage),
		admin.Post(user+"/role", idp.GrantRoles, user+"/role", forms{p}.role).Guarded(),
		admin.Get(user+"/groups", idp.EditPeople, forms{p}.groupsPage),
		admin.Post(user+"/groups", idp.EditPeople, user+"/groups", forms{p}.groups).Guarded(),
		admin.Get(user+"/temporary", idp.HelpPeople, helping{p}.temporaryPage).Guarded(),
		admin.Post(user+"/temporary", idp.HelpPeople, user+"/temporary", helping{p}.temporary).Guarded(),
		admin.Get(user+"/invite", idp.HelpPeople, helping{p}.invitePage),
		admin.Post(user+"/invite", idp.HelpPeople, user+"/invite", helping{p}.invite).Guarded(),
		admin.Get(user+"/enrol", idp.HelpPeople, helping{p}.enrolPage),
		admin.Post(user+"/enrol", idp.HelpPeople, user+"/enrol", helping{p}.enrol).Guarded(),
		admin.Get(user+"/merge", idp.EditPeople, merges{p}.mergePage),
		merge,
		admin.Post(user+"/data", idp.EditPeople, user, cards{p}.data).Guarded(),
	}
}

// protection is the pages on which people look after their protection, for
// somebody else.
func (p *Pages) protection() []admin.Route {
	if p.Security == nil {
		return nil
	}
	var out []admin.Route
	for _, t := range p.Security.For(Home + "/:user/security") {
		r := admin.Route{Method: t.Method, Path: t.Path, Right: idp.SeePeople, Fresh: t.Fresh, Handle: func(c *page.Context, v admin.Visit) error {
			return t.Handle(c, v.By)
		}}
		if t.Method == "POST" {
			r.Right, r.Back = idp.HelpPeople, t.Back
		}
		out = append(out, r)
	}
	return out
}

// crumb is the way back to the list, and to a person.
func crumb(c *page.Context, u ...idp.User) []admin.Crumb {
	out := []admin.Crumb{{Title: c.Words.T("admin.nav.users"), URL: Home}}
	for _, one := range u {
		out = append(out, admin.Crumb{Title: page.PersonOf(one).Name, URL: urlOf(one.ID)})
	}
	return out
}

// urlOf is the page about a person.
func urlOf(id idp.UserID) string { return Home + "/" + url.PathEscape(string(id)) }

// whose is the person that the path names.
func (p *Pages) whose(c *page.Context) (idp.User, error) {
	return p.Accounts.Users.ByID(c.Context(), idp.UserID(c.R.PathValue("user")))
}

// touchable is whose for a page on which something is done to them: who may not
// does not see the form.
func (p *Pages) touchable(c *page.Context, v admin.Visit, right idp.Right) (idp.User, error) {
	u, err := p.whose(c)
	if err != nil {
		return u, err
	}
	return u, v.By.MayTouch(right, u)
}

// zone is where whoever reads lives.
func zone(v admin.Visit) *time.Location {
	z, err := time.LoadLocation(v.User.Profile.Zoneinfo)
	if err != nil {
		return time.UTC // which is named beside the time
	}
	return z
}

// when is a moment for the reader; nothing for never.
func when(c *page.Context, v admin.Visit, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return c.Words.DateTime(at.In(zone(v)))
}

// grid is a table; the piece "grid" draws it.
type grid struct {
	Head []string
	Rows [][]cell
}

// cell is one value, perhaps a link, perhaps a chip.
type cell struct {
	Label, Text, URL string
	Chip             string // "plain", "good", "warn", "bad"; empty: none
	Small            string // more, below
}

// row labels cells for small screens.
func (g *grid) row(cells ...cell) {
	for i := range cells {
		if i < len(g.Head) && cells[i].Label == "" {
			cells[i].Label = g.Head[i]
		}
	}
	g.Rows = append(g.Rows, cells)
}

// heads are the words above a grid.
func heads(c *page.Context, keys ...string) grid {
	var g grid
	for _, k := range keys {
		g.Head = append(g.Head, c.Words.T(fmt.Sprintf("admin.users.%s", k)))
	}
	return g
}

// troubles are the refusals that an action answers with words at its form.
var troubles = []struct {
	err error
	key string
}{
	{idp.ErrLastOwner, "last_owner"}, {account.ErrHasPassword, "has_password"}, {account.ErrDisabled, "is_disabled"}, {account.ErrNoAddress, "no_address"}, {account.ErrReachable, "reachable"},
	{account.ErrNeedsSecond, "needs_second"}, {account.ErrOwnRequest, "own_request"}, {account.ErrNotYet, "not_yet"},
	{people.ErrMany, "many"}, {people.ErrNobody, "nobody"}, {people.ErrSame, "same"}, {people.ErrSelf, "self"},
	{idp.ErrTaken, "taken"}, {idp.ErrSpent, "spent"}, {idp.ErrBusy, "busy"},
}

// troubleOf words a refusal; nothing for an error that is none of these.
func troubleOf(c *page.Context, err error) string {
	for _, t := range troubles {
		if errors.Is(err, t.err) {
			return c.Words.T(fmt.Sprintf("admin.users.trouble.%s", t.key))
		}
	}
	return ""
}
