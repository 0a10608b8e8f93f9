package people

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// forms is the pages on which people are added and changed.
type forms struct{ *Pages }

// formView is a page with one form.
type formView struct {
	admin.Head
	Title  string
	Text   string
	ID     string
	Action string
	Fields admin.Fields
	Button string
	Danger bool
	Cancel string
}

func showForm(c *page.Context, status int, v formView) error {
	c.Here(v.Action)
	return c.Show(set, status, "form.html", v)
}

// personFields are what is known about a person.
func personFields(c *page.Context, u idp.User) admin.Fields {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	kind := u.Kind
	if kind == "" {
		kind = idp.Internal
	}
	language := admin.Field{Name: "locale", Label: t("locale"), Type: "select", Options: []admin.Option{{Label: t("locale_any")}}}
	known := false
	for _, l := range languages() {
		known = known || l.Tag == u.Locale
		language.Options = append(language.Options, admin.Option{Value: l.Tag, Label: l.Name, Chosen: l.Tag == u.Locale})
	}
	if !known && u.Locale != "" {
		language.Options = append(language.Options, admin.Option{Value: u.Locale, Label: u.Locale, Chosen: true})
	}
	verified := admin.Field{Name: "verified", Label: t("verified"), Type: "checkbox", Help: t("verified_help")}
	if u.EmailVerified {
		verified.Value = "yes"
	}
	return admin.Fields{
		{Name: "name", Label: t("name"), Value: u.Name, Auto: "off"},
		{Name: "email", Label: t("email"), Type: "email", Value: u.Email, Auto: "off"},
		{Name: "login", Label: t("login"), Value: u.Login, Help: t("login_help"), Auto: "off"},
		{Name: "phone", Label: t("phone"), Type: "tel", Value: u.Phone, Help: t("phone_help"), Auto: "off"},
		admin.Select(c, "kind", t("kind"), "admin.users.kind_%s", string(kind), string(idp.Internal), string(idp.Portal)),
		language, verified,
	}
}

// wrongIn puts what is wrong beside the fields that it is about.
func wrongIn(c *page.Context, fs admin.Fields, err error) admin.Fields {
	names := account.FieldOf(err)
	if errors.Is(err, idp.ErrTaken) {
		names = append(names, "taken")
	}
	for _, n := range names {
		text := c.Words.T(fmt.Sprintf("admin.users.wrong.%s", n))
		switch at := n; {
		case n == "taken" && c.Form("email") != "":
			fs.Marked("email", text)
		case n == "taken":
			fs.Marked("login", text)
		default:
			fs.Marked(at, text)
		}
	}
	return fs
}

// refusedForm is a form drawn again with everything typed.
func refusedForm(c *page.Context, f formView, err error) (formView, int, bool) {
	said := troubleOf(c, err)
	if !errors.Is(err, idp.ErrInvalid) && said == "" || errors.Is(err, idp.ErrDenied) {
		return f, 0, false
	}
	f.Fields = wrongIn(c, f.Fields.Filled(c), err)
	if said == "" || errors.Is(err, idp.ErrTaken) {
		said = c.Words.T("admin.users.look_below")
	}
	f.Head = f.Refused(c.Words.T("admin.users.refused"), said)
	status := http.StatusBadRequest
	if !errors.Is(err, idp.ErrInvalid) {
		status = http.StatusConflict
	}
	return f, status, true
}

// newForm is the form of somebody new.
func (p forms) newForm(c *page.Context, v admin.Visit) formView {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	fs := personFields(c, idp.User{})
	fs = append(fs, admin.Field{Name: "groups", Label: t("groups"), Help: t("groups_help"), Auto: "off"})
	if v.May(idp.GrantRoles) {
		fs = append(fs, roleField(c, v, ""))
	}
	fs = append(fs, admin.Field{Name: "invite", Label: t("invite_now"), Type: "checkbox", Value: "yes"})
	return formView{Head: v.Head(c, crumb(c)...), Title: t("new"), Text: t("new_text"), ID: "new", Action: Home + "/new", Fields: fs, Button: t("new_do"), Cancel: Home}
}

// roleField offers the roles that the visitor may give.
func roleField(c *page.Context, v admin.Visit, role idp.Role) admin.Field {
	f := admin.Field{Name: "role", Label: c.Words.T("admin.users.role"), Type: "select", Help: c.Words.T("admin.users.role_help"), Options: []admin.Option{{Label: roleName(c, ""), Chosen: role == ""}}}
	for _, r := range slices.Backward(idp.Roles()) {
		if v.By.MayGrant(r) == nil {
			f.Options = append(f.Options, admin.Option{Value: string(r), Label: roleName(c, r), Chosen: r == role})
		}
	}
	return f
}

func (p forms) newPerson(c *page.Context, v admin.Visit) error {
	return showForm(c, http.StatusOK, p.newForm(c, v))
}

func (p forms) add(c *page.Context, v admin.Visit) error {
	in := account.New{
		Name: c.Form("name"), Email: c.Form("email"), Login: c.Form("login"), Phone: c.Form("phone"), Kind: idp.Kind(c.Form("kind")),
		Role: idp.Role(c.Form("role")), Locale: c.Form("locale"), Verified: c.Form("verified") != "", Groups: named(c.Form("groups")),
	}
	if in.Role != "" && !v.By.Proven(v.User.Factors, c.Now().Add(-freshly)) {
		return idp.ErrMore // giving a role takes a recent proof
	}
	u, err := p.Accounts.Add(c.Context(), v.By, in)
	if err != nil {
		if f, status, drawn := refusedForm(c, p.newForm(c, v), err); drawn {
			return showForm(c, status, f)
		}
		return err
	}
	if c.Form("invite") == "" || u.Email == "" {
		return c.Redirect(urlOf(u.ID) + "?done=new")
	}
	if _, err := p.Help.Invitations().Invite(c.Context(), v.By, u.ID, account.Invite{}); err != nil {
		return err
	}
	return c.Redirect(urlOf(u.ID) + "?done=new_invited")
}

// named parts the names of groups.
func named(list string) (out []string) {
	for n := range strings.SplitSeq(list, ",") {
		if n = strings.TrimSpace(n); n != "" {
			out = append(out, n)
		}
	}
	return out
}

func (p forms) editForm(c *page.Context, v admin.Visit, u idp.User) formView {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	return formView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.edit_title", page.PersonOf(u).Name), ID: "edit", Action: urlOf(u.ID) + "/edit",
		Fields: personFields(c, u), Button: t("save"), Cancel: urlOf(u.ID),
	}
}

func (p forms) editPerson(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.EditPeople)
	if err != nil {
		return err
	}
	return showForm(c, http.StatusOK, p.editForm(c, v, u))
}

func (p forms) edit(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.EditPeople)
	if err != nil {
		return err
	}
	text := func(name string) *string { s := c.Form(name); return &s }
	kind, verified := idp.Kind(c.Form("kind")), c.Form("verified") != ""
	change := account.Change{Login: text("login"), Email: text("email"), Name: text("name"), Phone: text("phone"), Locale: text("locale"), Kind: &kind}
	if *change.Login == u.Login && strings.EqualFold(u.Login, u.Email) && *change.Email != u.Email {
		change.Login = nil // it was the address, and follows it
	}
	if verified != u.EmailVerified || *change.Email != u.Email {
		change.ProvenEmail = &verified
	}
	if _, err := p.Accounts.Update(c.Context(), v.By, u.ID, change); err != nil {
		if f, status, drawn := refusedForm(c, p.editForm(c, v, u), err); drawn {
			return showForm(c, status, f)
		}
		return err
	}
	return c.Redirect(urlOf(u.ID) + "?done=edit")
}

func (p forms) roleForm(c *page.Context, v admin.Visit, u idp.User) formView {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	return formView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.role_title", page.PersonOf(u).Name), Text: t("role_text"), ID: "role",
		Action: urlOf(u.ID) + "/role", Fields: admin.Fields{roleField(c, v, u.Role)}, Button: t("save"), Cancel: urlOf(u.ID),
	}
}

func (p forms) rolePage(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.GrantRoles)
	if err != nil {
		return err
	}
	return showForm(c, http.StatusOK, p.roleForm(c, v, u))
}

func (p forms) role(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.GrantRoles)
	if err != nil {
		return err
	}
	role := idp.Role(c.Form("role"))
	if _, err := p.Accounts.Update(c.Context(), v.By, u.ID, account.Change{Role: &role}); err != nil {
		if f, status, drawn := refusedForm(c, p.roleForm(c, v, u), err); drawn {
			return showForm(c, status, f)
		}
		return err
	}
	return c.Redirect(urlOf(u.ID) + "?done=role")
}

// groupsView is the groups of a person.
type groupsView struct {
	admin.Head
	Title  string
	URL    string
	In     []string
	Others []string
	Field  admin.Field
	Cancel string
}

func (p forms) groupsPage(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.EditPeople)
	if err != nil {
		return err
	}
	return p.showGroups(c, v, http.StatusOK, u, "")
}

func (p forms) showGroups(c *page.Context, v admin.Visit, status int, u idp.User, wrong string) error {
	all, err := p.Groups.All(c.Context())
	if err != nil {
		return err
	}
	view := groupsView{
		Head: v.Head(c, crumb(c, u)...), Title: c.Words.T("admin.users.groups_title", page.PersonOf(u).Name), URL: urlOf(u.ID) + "/groups", In: u.Groups, Cancel: urlOf(u.ID),
		Field: admin.Field{Name: "group", Label: c.Words.T("admin.users.group_join"), Help: c.Words.T("admin.users.group_new"), Error: wrong, Auto: "off", Value: c.Form("group")},
	}
	for _, g := range all {
		if !slices.Contains(u.Groups, g.Name) {
			view.Others = append(view.Others, g.Name)
		}
	}
	c.Here(view.URL)
	return c.Show(set, status, "groups.html", view)
}

func (p forms) groups(c *page.Context, v admin.Visit) error {
	u, err := p.touchable(c, v, idp.EditPeople)
	if err != nil {
		return err
	}
	do, group, done := p.Accounts.Memberships().Join, strings.TrimSpace(c.Form("group")), "join"
	if c.Form("leave") != "" {
		do, group, done = p.Accounts.Memberships().Leave, c.Form("leave"), "leave"
	}
	if err := do(c.Context(), v.By, group, u.ID); errors.Is(err, idp.ErrInvalid) {
		return p.showGroups(c, v, http.StatusBadRequest, u, c.Words.T("admin.users.wrong.groups"))
	} else if err != nil {
		return err
	}
	return c.Redirect(urlOf(u.ID) + "/groups?" + url.Values{"done": {done}}.Encode())
}
