package rules

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type groups struct{ *Pages }

type groupRow struct {
	URL, Name, Feed string
	Members         string
	Policies        []link
	Clients         []link
}

type link struct{ URL, Name string }

type groupsView struct {
	admin.Head
	Text  string
	Rows  []groupRow
	Empty *admin.Empty
	Add   admin.Field
	May   bool
	Pager admin.Pager
}

type memberRow struct{ URL, ID, Name, Login string }

type groupView struct {
	admin.Head
	Row    groupRow
	Text   string
	Rows   []memberRow
	Empty  *admin.Empty
	Join   admin.Field
	Rename admin.Field
	May    bool // and nothing else fills it
	Pager  admin.Pager
}

// groupsPage is how many groups or members a page lists.
const groupsPage = 50

// addressOf is the page of a group. A name that would not stay whole in a path
// is written another way.
func addressOf(name string) string {
	plain := name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_@:", r)
	})
	if plain {
		return groupsPath + "/" + name
	}
	return groupsPath + "/~" + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// groupOf is the group of the path.
func groupOf(c *page.Context) string {
	name := c.R.PathValue("group")
	if code, is := strings.CutPrefix(name, "~"); is {
		if b, err := base64.RawURLEncoding.DecodeString(code); err == nil {
			return string(b)
		}
	}
	return name
}

func groupRowOf(c *page.Context, g rulebook.Group) groupRow {
	row := groupRow{URL: addressOf(g.Name), Name: g.Name, Feed: g.Feed, Members: strconv.Itoa(g.Members)}
	if g.Members > rulebook.CountMost {
		row.Members = c.Words.T("admin.groups.many", rulebook.CountMost)
	}
	for _, p := range g.Policies {
		row.Policies = append(row.Policies, link{pathOf(p.ID), p.Name})
	}
	for _, a := range g.Clients {
		row.Clients = append(row.Clients, link{admin.Home + "/clients/" + url.PathEscape(a.ID), a.Name})
	}
	return row
}

func (g groups) list(c *page.Context, v admin.Visit) error {
	view, err := g.view(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "groups.html", view)
}

func (g groups) view(c *page.Context, v admin.Visit) (groupsView, error) {
	q := rulebook.GroupQuery{Text: strings.TrimSpace(c.Query("q")), After: c.Query("after"), Limit: groupsPage + 1}
	all, err := g.Groups.List(c.Context(), v.By, q)
	if err != nil {
		return groupsView{}, err
	}
	return groupsOf(c, v, q, all), nil
}

func groupsOf(c *page.Context, v admin.Visit, q rulebook.GroupQuery, all []rulebook.Group) groupsView {
	view := groupsView{Head: v.Head(c), Text: q.Text, May: v.May(idp.EditPeople), Add: admin.Field{Name: "name", Label: c.Words.T("admin.groups.name"), Required: true}}
	if q.After != "" {
		view.Pager.First = groupsPath + "?" + url.Values{"q": {q.Text}}.Encode()
	}
	if len(all) > groupsPage {
		all = all[:groupsPage]
		view.Pager.Next = groupsPath + "?" + url.Values{"q": {q.Text}, "after": {all[groupsPage-1].Name}}.Encode()
	}
	for _, one := range all {
		view.Rows = append(view.Rows, groupRowOf(c, one))
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.groups.none"), Text: c.Words.T("admin.groups.none_text")}
		if q.Text != "" {
			view.Empty = &admin.Empty{Title: c.Words.T("admin.groups.not_found")}
		}
	}
	return view
}

func (g groups) add(c *page.Context, v admin.Visit) error {
	name := strings.TrimSpace(c.Form("name"))
	err := g.Groups.Add(c.Context(), v.By, name)
	if err == nil {
		return c.Redirect(addressOf(name) + "?done=added")
	}
	word := wordFor(err)
	if word == "" {
		return err
	}
	view, err := g.view(c, v)
	if err != nil {
		return err
	}
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	view.Add.Value, view.Add.Error = c.Form("name"), c.Words.T(fmt.Sprintf("admin.groups.wrong.%s", word))
	return c.Show(set, http.StatusBadRequest, "groups.html", view)
}

// wordFor is what is wrong with a group's name, or "" for other errors.
func wordFor(err error) string {
	var fed *rulebook.FedError
	var field *rulebook.FieldError
	switch {
	case errors.As(err, &fed):
		return "fed"
	case errors.Is(err, idp.ErrTaken):
		return "taken"
	case errors.As(err, &field):
		return field.Field
	}
	return ""
}

func (g groups) show(c *page.Context, v admin.Visit) error {
	view, err := g.one(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "group.html", view)
}

func (g groups) one(c *page.Context, v admin.Visit) (groupView, error) {
	is, err := g.Groups.Get(c.Context(), v.By, groupOf(c))
	if err != nil {
		return groupView{}, err
	}
	text := strings.TrimSpace(c.Query("q"))
	q := rulebook.MemberQuery{Group: is.Name, Words: idp.Words(text), After: idp.UserID(c.Query("after")), Limit: groupsPage + 1}
	people, err := g.Groups.Members(c.Context(), v.By, q)
	if err != nil {
		return groupView{}, err
	}
	return groupViewOf(c, v, is, text, q, people), nil
}

func groupViewOf(c *page.Context, v admin.Visit, is rulebook.Group, text string, q rulebook.MemberQuery, people []idp.User) groupView {
	row := groupRowOf(c, is)
	view := groupView{
		Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.groups"), URL: groupsPath}), Row: row, Text: text, May: v.May(idp.EditPeople) && is.Feed == "",
		Join:   admin.Field{Name: "who", Label: c.Words.T("admin.groups.join_label"), Help: c.Words.T("admin.groups.join_help"), Type: "textarea", Rows: 2, Mono: true, Required: true},
		Rename: admin.Field{Name: "name", Label: c.Words.T("admin.groups.new_name"), Value: is.Name, Required: true},
	}
	if q.After != "" {
		view.Pager.First = row.URL + "?" + url.Values{"q": {text}}.Encode()
	}
	if len(people) > groupsPage {
		people = people[:groupsPage]
		view.Pager.Next = row.URL + "?" + url.Values{"q": {text}, "after": {string(people[groupsPage-1].ID)}}.Encode()
	}
	for _, u := range people {
		name := u.Name
		if name == "" {
			name = called(u)
		}
		view.Rows = append(view.Rows, memberRow{admin.Home + "/users/" + string(u.ID), string(u.ID), name, called(u)})
	}
	if len(people) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.groups.nobody")}
		if text != "" {
			view.Empty.Title = c.Words.T("admin.groups.nobody_found")
		}
	}
	return view
}

func (g groups) join(c *page.Context, v admin.Visit) error {
	who := tidy(strings.NewReplacer("\r", "\n", ",", "\n", ";", "\n").Replace(c.Form("who")))
	_, err := g.Groups.Join(c.Context(), v.By, groupOf(c), who...)
	var field *rulebook.FieldError
	if !errors.As(err, &field) {
		return g.ended(c, err, "joined")
	}
	view, err := g.one(c, v)
	if err != nil {
		return err
	}
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	view.Join.Value, view.Join.Error = c.Form("who"), c.Words.T("admin.groups.wrong.who", field.Want)
	return c.Show(set, http.StatusBadRequest, "group.html", view)
}

func (g groups) leave(c *page.Context, v admin.Visit) error {
	return g.ended(c, g.Groups.Leave(c.Context(), v.By, groupOf(c), idp.UserID(c.Form("user"))), "left")
}

// ended leads back to the group.
func (g groups) ended(c *page.Context, err error, done string) error {
	if err != nil {
		return err
	}
	return c.Redirect(addressOf(groupOf(c)) + "?done=" + done)
}

func (g groups) rename(c *page.Context, v admin.Visit) error {
	name := strings.TrimSpace(c.Form("name"))
	err := g.Groups.Rename(c.Context(), v.By, groupOf(c), name)
	if err == nil {
		return c.Redirect(addressOf(name) + "?done=renamed")
	}
	word := wordFor(err)
	if errors.Is(err, idp.ErrSpent) {
		word = "meanwhile"
	}
	if word == "" {
		return err
	}
	view, err := g.one(c, v)
	if err != nil {
		return err
	}
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	view.Rename.Value, view.Rename.Error = c.Form("name"), c.Words.T(fmt.Sprintf("admin.groups.wrong.%s", word))
	return c.Show(set, http.StatusBadRequest, "group.html", view)
}

func (g groups) sure(c *page.Context, v admin.Visit) error {
	view, err := g.removing(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "sure.html", view)
}

func (g groups) removing(c *page.Context, v admin.Visit) (sureView, error) {
	is, err := g.Groups.Get(c.Context(), v.By, groupOf(c))
	if err == nil && is.Feed != "" {
		err = &rulebook.FedError{Group: is.Name, Feed: is.Feed}
	}
	if err != nil {
		return sureView{}, err
	}
	out := admin.Confirm{
		ID: "group-remove", Title: c.Words.T("admin.groups.remove_title", is.Name), Text: []string{c.Words.N("admin.groups.remove_text", min(is.Members, rulebook.CountMost))},
		Action: addressOf(is.Name) + "/remove", Button: c.Words.T("admin.remove"), Danger: true, Cancel: addressOf(is.Name),
	}
	if is.Used() {
		var names []string
		for _, p := range is.Policies {
			names = append(names, p.Name)
		}
		for _, a := range is.Clients {
			names = append(names, a.Name)
		}
		out.Text = append(out.Text, c.Words.T("admin.groups.remove_used", strings.Join(names, ", ")))
		out.Fields = admin.Fields{{Name: "confirm", Label: c.Words.T("admin.groups.remove_label", is.Name), Required: true, Mono: true}}
	}
	return sureView{v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.groups"), URL: groupsPath}, admin.Crumb{Title: is.Name, URL: addressOf(is.Name)}), out}, nil
}

func (g groups) remove(c *page.Context, v admin.Visit) error {
	err := g.Groups.Remove(c.Context(), v.By, groupOf(c), strings.TrimSpace(c.Form("confirm")))
	var used *rulebook.UsedError
	if err == nil {
		return c.Redirect(groupsPath + "?done=removed")
	} else if !errors.As(err, &used) {
		return err
	}
	view, err := g.removing(c, v)
	if err != nil {
		return err
	}
	view.Head = view.Refused(c.Words.T("admin.refused"), "")
	view.Confirm.Fields = view.Confirm.Fields.Filled(c).Marked("confirm", c.Words.T("admin.groups.wrong.confirm"))
	return c.Show(set, http.StatusConflict, "sure.html", view)
}
