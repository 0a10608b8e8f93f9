package people

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"latchkey/idp"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// deeds is what is done to one person after asking once more.
type deeds struct{ *Pages }

// act is something that is done to one person after asking once more.
type act struct {
	name   string // of its path and its words
	right  idp.Right
	danger bool
	gone   bool // the person has no page afterwards
	do     func(p *Pages) func(ctx context.Context, by idp.Actor, id idp.UserID) error
}

var singles = []act{
	{"disable", idp.EditPeople, true, false, func(p *Pages) func(context.Context, idp.Actor, idp.UserID) error { return p.Accounts.Disable }},
	{"enable", idp.EditPeople, false, false, func(p *Pages) func(context.Context, idp.Actor, idp.UserID) error { return p.Accounts.Enable }},
	{"unlock", idp.HelpPeople, false, false, func(p *Pages) func(context.Context, idp.Actor, idp.UserID) error { return p.Accounts.Unlock }},
	{"reset", idp.HelpPeople, true, false, func(p *Pages) func(context.Context, idp.Actor, idp.UserID) error { return p.Accounts.ResetFactors }},
	{"end", idp.HelpPeople, true, false, func(p *Pages) func(context.Context, idp.Actor, idp.UserID) error { return p.Accounts.EndSessions }},
	{"void", idp.HelpPeople, false, false, func(p *Pages) func(context.Context, idp.Actor, idp.UserID) error { return p.Help.Codes().Void }},
	{"remove", idp.EditPeople, true, true, func(p *Pages) func(context.Context, idp.Actor, idp.UserID) error { return p.Accounts.Remove }},
}

// acts are the pages that ask once more, and what they do.
func (p deeds) acts() []admin.Route {
	var out []admin.Route
	for _, a := range singles {
		path := Home + "/:user/" + a.name
		out = append(out,
			admin.Get(path, a.right, func(c *page.Context, v admin.Visit) error { return p.ask(c, v, http.StatusOK, a, v.Head(c)) }),
			admin.Post(path, a.right, path, func(c *page.Context, v admin.Visit) error { return p.act(c, v, a) }).Guarded())
	}
	return out
}

// confirmView is a page that asks once more.
type confirmView struct {
	admin.Head
	Confirm admin.Confirm
}

// ask says in words what will happen.
func (p deeds) ask(c *page.Context, v admin.Visit, status int, a act, h admin.Head) error {
	u, err := p.touchable(c, v, a.right)
	if err != nil {
		return err
	}
	h.Trail = crumb(c, u)
	c.Here(urlOf(u.ID) + "/" + a.name)
	return c.Show(set, status, "confirm.html", confirmView{h, admin.Confirm{
		ID: a.name, Title: c.Words.T(fmt.Sprintf("admin.users.ask.%s", a.name), page.PersonOf(u).Name), Text: []string{c.Words.T(fmt.Sprintf("admin.users.ask_text.%s", a.name))},
		Action: urlOf(u.ID) + "/" + a.name, Button: c.Words.T(fmt.Sprintf("admin.users.act.%s", a.name)), Danger: a.danger, Cancel: urlOf(u.ID),
	}})
}

func (p deeds) act(c *page.Context, v admin.Visit, a act) error {
	id := idp.UserID(c.R.PathValue("user"))
	err := a.do(p.Pages)(c.Context(), v.By, id)
	if said := troubleOf(c, err); said != "" && !errors.Is(err, idp.ErrDenied) {
		return p.ask(c, v, http.StatusConflict, a, v.Head(c).Refused(c.Words.T("admin.users.refused"), said))
	} else if err != nil {
		return err
	}
	if a.gone {
		return c.Redirect(Home + "?done=" + a.name)
	}
	return c.Redirect(urlOf(id) + "?done=" + a.name)
}
