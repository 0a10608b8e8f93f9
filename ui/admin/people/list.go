package people

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/people"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// lists is the pages that find people.
type lists struct{ *Pages }

// listView is the list of people.
type listView struct {
	admin.Head
	Filters  admin.Fields
	Boxes    admin.Fields // of the filter
	Filtered bool
	People   []personView
	Empty    admin.Empty
	Pager    admin.Pager
	Query    string // the filter as an address has it
	Acts     admin.Field
	Groups   []string
	All      string // "all that match", in words; empty: the page shows them all
	TooMany  string // why that is not offered
	Waiting  int    // temporary codes that wait for somebody else's word
	MayAdd   bool
	MayTake  bool // an export
}

type personView struct {
	ID, Name, Login, URL string
	Chips                []cell
	Groups               string
	SignedIn             string
}

// boxes are the yes-or-no filters.
var boxes = []struct {
	name string
	of   func(*people.Filter) *bool
}{
	{"no_factor", func(f *people.Filter) *bool { return &f.NoFactor }},
	{"never", func(f *people.Filter) *bool { return &f.Never }},
	{"invited", func(f *people.Filter) *bool { return &f.Invited }},
	{"registered", func(f *people.Filter) *bool { return &f.Registered }},
	{"locked", func(f *people.Filter) *bool { return &f.Locked }},
	{"disabled", func(f *people.Filter) *bool { return &f.Disabled }},
}

// filterOf reads a filter from an address.
func filterOf(q url.Values) people.Filter {
	f := people.Filter{
		Text: strings.TrimSpace(q.Get("q")), Kind: idp.Kind(q.Get("kind")), Group: q.Get("group"), Role: q.Get("role"),
	}
	for _, b := range boxes {
		*b.of(&f) = q.Get(b.name) != ""
	}
	f.Stale, _ = strconv.Atoi(q.Get("stale"))
	if f.Stale < 0 {
		f.Stale = 0
	}
	return f
}

// queryOf writes a filter for an address.
func queryOf(f people.Filter, sort people.Sort) url.Values {
	q := url.Values{}
	for name, v := range map[string]string{"q": f.Text, "kind": string(f.Kind), "group": f.Group, "role": f.Role} {
		if v != "" {
			q.Set(name, v)
		}
	}
	for _, b := range boxes {
		if *b.of(&f) {
			q.Set(b.name, "yes")
		}
	}
	if f.Stale > 0 {
		q.Set("stale", strconv.Itoa(f.Stale))
	}
	if sort == people.BySignIn {
		q.Set("sort", string(sort))
	}
	return q
}

func (p lists) list(c *page.Context, v admin.Visit) error {
	return p.showList(c, v, http.StatusOK, v.Head(c), c.R.URL.Query())
}

// showList draws the list that an address asks for.
func (p lists) showList(c *page.Context, v admin.Visit, status int, h admin.Head, address url.Values) error {
	q := people.Query{Filter: filterOf(address), Sort: people.Sort(address.Get("sort")), After: people.ParseCursor(address.Get("after"))}
	found, err := p.Directory.Search(c.Context(), v.By, q)
	if err != nil {
		return err
	}
	groups, err := p.Groups.All(c.Context())
	if err != nil {
		return err
	}
	view := listView{Head: h, MayAdd: v.May(idp.EditPeople), MayTake: v.May(idp.EditPeople) || v.May(idp.SeeAudit)}
	if p.Approvals != nil && v.May(idp.HelpPeople) {
		all, err := p.Approvals.Waiting(c.Context(), v.By, "")
		if err != nil {
			return err
		}
		for _, a := range all {
			if a.Waits() && a.Requester != v.By.User || !a.Waits() && a.Requester == v.By.User {
				view.Waiting++
			}
		}
	}
	for _, g := range groups {
		view.Groups = append(view.Groups, g.Name)
	}
	fill(c, v, &view, q, found)
	c.Script()
	c.Connect()
	return c.Show(set, status, "list.html", view)
}

func fill(c *page.Context, v admin.Visit, view *listView, q people.Query, found people.Page) {
	view.Filters, view.Boxes = filters(c, q, view.Groups)
	view.Filtered = q.Filter != people.Filter{}
	view.Query = queryOf(q.Filter, q.Sort).Encode()
	for _, e := range found.People {
		view.People = append(view.People, personOf(c, v, e, found.Locked[e.User.ID]))
	}
	count := c.Words.N("admin.users.count", found.Count)
	if found.More {
		count = c.Words.T("admin.users.count_more", people.Exactly)
	}
	view.Pager.Count = count
	if found.Next != nil {
		next := queryOf(q.Filter, q.Sort)
		next.Set("after", found.Next.String())
		view.Pager.Next = Home + "?" + next.Encode()
	}
	if q.After != (people.Cursor{}) {
		view.Pager.First = Home + "?" + view.Query
	}
	if view.Pager.Next != "" || view.Pager.First != "" {
		view.All = c.Words.N("admin.users.all", found.Count)
		if found.More {
			view.All, view.TooMany = "", c.Words.T("admin.users.bulk_too_many", c.Words.Number(people.Exactly))
		}
	}
	switch {
	case view.Filtered:
		view.Empty = admin.Empty{Title: c.Words.T("admin.users.none_title"), Text: c.Words.T("admin.users.none_text"), URL: Home, Button: c.Words.T("admin.users.none_do")}
	case view.MayAdd:
		view.Empty = admin.Empty{Title: c.Words.T("admin.users.nobody_title"), Text: c.Words.T("admin.users.nobody_text"), URL: Home + "/import", Button: c.Words.T("admin.users.import")}
	default:
		view.Empty = admin.Empty{Title: c.Words.T("admin.users.nobody_title")}
	}
	view.Acts = actsField(c, v)
}

// actsField is what the visitor may do to many.
func actsField(c *page.Context, v admin.Visit) admin.Field {
	f := admin.Field{Name: "act", Label: c.Words.T("admin.users.bulk_act"), Type: "select"}
	for _, a := range people.Acts() {
		if v.May(a.Right()) {
			f.Options = append(f.Options, admin.Option{Value: string(a), Label: c.Words.T(fmt.Sprintf("admin.users.act.%s", string(a)))})
		}
	}
	return f
}

func filters(c *page.Context, q people.Query, groups []string) (fields, ticks admin.Fields) {
	t := func(key string) string { return c.Words.T(fmt.Sprintf("admin.users.%s", key)) }
	choose := func(name string, value string, options ...admin.Option) admin.Field {
		f := admin.Field{Name: name, Label: t("filter_" + name), Type: "select", Options: append([]admin.Option{{Label: t("filter_any")}}, options...)}
		for i := range f.Options {
			f.Options[i].Chosen = f.Options[i].Value == value
		}
		return f
	}
	kinds, roles, in := []admin.Option{}, []admin.Option{{Value: people.AnyRole, Label: t("role_any")}}, []admin.Option{}
	for _, k := range []idp.Kind{idp.Internal, idp.Portal} {
		kinds = append(kinds, admin.Option{Value: string(k), Label: t("kind_" + string(k))})
	}
	for _, r := range idp.Roles() {
		roles = append(roles, admin.Option{Value: string(r), Label: t("role_" + string(r))})
	}
	for _, g := range groups {
		in = append(in, admin.Option{Value: g, Label: g})
	}
	stale := []admin.Option{}
	for _, days := range []int{30, 90, 180, 365} {
		stale = append(stale, admin.Option{Value: strconv.Itoa(days), Label: c.Words.N("admin.users.stale_days", days)})
	}
	if q.Stale > 0 && !slices.ContainsFunc(stale, func(o admin.Option) bool { return o.Value == strconv.Itoa(q.Stale) }) {
		stale = append(stale, admin.Option{Value: strconv.Itoa(q.Stale), Label: c.Words.N("admin.users.stale_days", q.Stale)})
	}
	staleValue := ""
	if q.Stale > 0 {
		staleValue = strconv.Itoa(q.Stale)
	}
	order := admin.Field{Name: "sort", Label: t("filter_sort"), Type: "select"}
	for _, s := range []people.Sort{people.ByName, people.BySignIn} {
		order.Options = append(order.Options, admin.Option{Value: string(s), Label: t("sort_" + string(s)), Chosen: s == cmp.Or(q.Sort, people.ByName)})
	}
	fields = admin.Fields{
		choose("kind", string(q.Kind), kinds...), choose("group", q.Group, in...), choose("role", q.Role, roles...), choose("stale", staleValue, stale...), order,
	}
	for _, b := range boxes {
		f := admin.Field{Name: b.name, Label: t("filter_" + b.name), Type: "checkbox"}
		if *b.of(&q.Filter) {
			f.Value = "yes"
		}
		ticks = append(ticks, f)
	}
	search := admin.Field{Name: "q", Label: t("search"), Type: "search", Value: q.Text, Auto: "off", Help: t("search_help")}
	return append(admin.Fields{search}, fields...), ticks
}

func personOf(c *page.Context, v admin.Visit, e people.Entry, locked bool) personView {
	u := e.User
	out := personView{
		ID: string(u.ID), Name: page.PersonOf(u).Name, Login: u.Login, URL: urlOf(u.ID), Groups: strings.Join(u.Groups, ", "),
		SignedIn: when(c, v, e.SignedIn), Chips: chips(c, e, locked),
	}
	if out.SignedIn == "" {
		out.SignedIn = c.Words.T("admin.users.never_in")
	}
	return out
}

// chips say at a glance how somebody stands.
func chips(c *page.Context, e people.Entry, locked bool) []cell {
	u := e.User
	var out []cell
	chip := func(kind, key string) {
		out = append(out, cell{Chip: kind, Text: c.Words.T(fmt.Sprintf("admin.users.%s", key))})
	}
	switch {
	case u.Disabled:
		chip("bad", "state_disabled")
	case locked:
		chip("bad", "state_locked")
	case e.Waiting():
		chip("warn", "state_invited")
	}
	if u.Role != "" {
		chip("plain", "role_"+string(u.Role))
	}
	if u.Kind == idp.Portal {
		chip("plain", "kind_portal")
	}
	if !e.Registered.IsZero() {
		chip("plain", "state_registered")
	}
	if slices.ContainsFunc(u.Factors, func(k mfa.Kind) bool { return k != "temporary" }) {
		chip("good", "state_second")
	} else if !u.Disabled {
		chip("warn", "state_bare")
	}
	return out
}

// export writes the people of a filter as a file.
func (p lists) export(c *page.Context, v admin.Visit) error {
	q, err := url.ParseQuery(c.Form("filter"))
	if err != nil {
		return fmt.Errorf("%w: filter", idp.ErrInvalid)
	}
	format := people.Format(c.Form("format"))
	begun := false
	err = p.Directory.Export(c.Context(), v.By, filterOf(q), format, func() io.Writer {
		begun = true
		kind := "text/csv; charset=utf-8"
		if format == people.JSON {
			kind = "application/json"
		}
		return c.Download("users."+string(format), kind)
	})
	if err != nil && begun {
		panic(http.ErrAbortHandler) // half a file must not look whole
	}
	return err
}
