package records

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/security"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

const (
	auditPath = "/admin/audit"
	chainPath = auditPath + "/chain"
)

func (p *Pages) auditRoutes() []admin.Route {
	return []admin.Route{
		admin.Get(auditPath, idp.SeeAudit, p.events),
		admin.Get(auditPath+"/events/:event", idp.SeeAudit, p.event),
		admin.Post(auditPath+"/export", idp.SeeAudit, auditPath, p.export).Guarded(),
		admin.Get(chainPath, idp.SeeAudit, p.chain),
		admin.Post(chainPath+"/verify", idp.SeeAudit, chainPath, p.verify),
	}
}

// filters are the fields of the form, as they were typed.
type filters struct{ url.Values }

// names of the fields, in the order of the form.
var filterNames = []string{"user", "actor", "what", "result", "since", "until", "client", "address", "request"}

func filtersOf(from url.Values) filters {
	out := url.Values{}
	for _, name := range filterNames {
		if v := strings.TrimSpace(from.Get(name)); v != "" {
			out.Set(name, v)
		}
	}
	return filters{out}
}

// errNobody is a person in the filters whom nobody knows.
var errNobody = errors.New("records: nobody")

// wrongField says which field of the filters an error is about.
type wrongField struct {
	name string
	error
}

func (w wrongField) Unwrap() error { return w.error }

// query reads the filters. Days are those of the reader's time zone; the last one
// is meant with all its hours.
func (p *Pages) query(c *page.Context, v admin.Visit, f filters) (q audit.Query, err error) {
	q = audit.Query{
		What: f.Get("what"), Client: idp.ClientID(f.Get("client")), Result: f.Get("result"), Address: f.Get("address"), Request: f.Get("request"),
	}
	if q.User, err = p.whom(c, "user", f.Get("user")); err != nil {
		return q, err
	}
	if q.Actor, err = p.whom(c, "actor", f.Get("actor")); err != nil {
		return q, err
	}
	zone := security.Zone(v.User)
	if q.Since, err = dayOf("since", f.Get("since"), zone); err != nil {
		return q, err
	}
	if q.Until, err = dayOf("until", f.Get("until"), zone); err != nil {
		return q, err
	}
	if !q.Until.IsZero() {
		q.Until = q.Until.AddDate(0, 0, 1)
	}
	if !q.Since.IsZero() && !q.Until.IsZero() && !q.Since.Before(q.Until) {
		return q, wrongField{"until", idp.ErrInvalid}
	}
	return q, nil
}

// idLength is that of a person's id: the log knows people who are gone.
const idLength = 26

func (p *Pages) whom(c *page.Context, field, who string) (idp.UserID, error) {
	if who == "" {
		return "", nil
	}
	u, err := p.Find(c.Context(), who)
	switch {
	case errors.Is(err, idp.ErrNotFound) && len(who) == idLength:
		return idp.UserID(who), nil
	case errors.Is(err, idp.ErrNotFound):
		return "", wrongField{field, errNobody}
	}
	return u.ID, err
}

func dayOf(field, text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return t, wrongField{field, idp.ErrInvalid}
	}
	return t, nil
}

// eventsView is the list.
type eventsView struct {
	admin.Head
	Fields  admin.Fields
	Hidden  []admin.Hidden // the filters, for the export
	Some    bool           // filters are set
	Rows    []rowView
	Looked  string // how far back, when the page is not full
	Pager   admin.Pager
	Empty   admin.Empty
	Chain   string // address of its page
	Export  string
	Quick   []link
	Warning string // the last check found something
}

type link struct{ Title, URL string }

type rowView struct {
	URL, When, What, Code, Result, Chip, Client, Address string
	Who, Whom                                            personView
}

// personView is a person in a row: a name, and what finds the rest about them.
type personView struct{ Name, ID, URL string }

func (p *Pages) events(c *page.Context, v admin.Visit) error {
	f := filtersOf(c.R.URL.Query())
	view := eventsView{Head: v.Head(c), Some: len(f.Values) > 0, Chain: chainPath, Export: auditPath + "/export", Quick: quick(c)}
	for _, name := range filterNames {
		if f.Has(name) {
			view.Hidden = append(view.Hidden, admin.Hidden{Name: name, Value: f.Get(name)})
		}
	}
	view.Fields = fieldsOf(c, f)
	status := http.StatusOK
	found, err := p.search(c, v, f)
	if wrong := markWrong(c, view.Fields, err); wrong {
		status, found = http.StatusBadRequest, audit.Page{}
	} else if err != nil {
		return err
	}
	if view.Rows, err = p.rows(c, v, found.Entries); err != nil {
		return err
	}
	view.page(c, v, f, found)
	if st, err := p.Log.Status(c.Context(), v.By); err != nil {
		return err
	} else if st.Verified != nil && !st.Verified.Well() {
		view.Warning = brokenOf(c, st.Verified.Broken)
	}
	return c.Show(set, status, "audit_list.html", view)
}

func (p *Pages) search(c *page.Context, v admin.Visit, f filters) (audit.Page, error) {
	q, err := p.query(c, v, f)
	if err != nil {
		return audit.Page{}, err
	}
	q.Before = cursorOf(c.Query("before"))
	return p.Log.Search(c.Context(), v.By, q)
}

// page says where the list goes on.
func (view *eventsView) page(c *page.Context, v admin.Visit, f filters, found audit.Page) {
	if c.Query("before") != "" {
		view.Pager.First = auditPath + "?" + f.Encode()
	}
	if found.Next != (idp.Cursor{}) {
		next := url.Values{"before": {cursorText(found.Next)}}
		for name := range f.Values {
			next.Set(name, f.Get(name))
		}
		view.Pager.Next = auditPath + "?" + next.Encode()
	}
	if !found.Looked.IsZero() {
		view.Looked = c.Words.T("admin.audit.looked", c.Words.DateTime(found.Looked.In(security.Zone(v.User))))
	}
	view.Empty = admin.Empty{Title: c.Words.T("admin.audit.none"), Text: c.Words.T("admin.audit.none_text")}
	if view.Some {
		view.Empty = admin.Empty{Title: c.Words.T("admin.audit.none_fit"), Text: c.Words.T("admin.audit.none_fit_text"), URL: auditPath, Button: c.Words.T("admin.audit.all")}
	}
}

// quick are filters that are asked for often.
func quick(c *page.Context) []link {
	at := func(name, value string) string { return auditPath + "?" + url.Values{name: {value}}.Encode() }
	return []link{
		{c.Words.T("admin.audit.quick.failed"), at("result", audit.Failed)},
		{c.Words.T("admin.audit.quick.signin"), at("what", "signin")},
		{c.Words.T("admin.audit.quick.factor"), at("what", "factor.")},
		{c.Words.T("admin.audit.quick.policy"), at("what", "policy.")},
		{c.Words.T("admin.audit.quick.client"), at("what", "client.")},
		{c.Words.T("admin.audit.quick.denied"), at("result", "denied")},
	}
}

// results are those that the form offers.
var results = []string{"ok", audit.Failed, "denied", "wrong", "locked"}

func fieldsOf(c *page.Context, f filters) admin.Fields {
	field := func(name string) admin.Field {
		return admin.Field{Name: name, Label: c.Words.T(fmt.Sprintf("admin.audit.field.%s", name)), Value: f.Get(name)}
	}
	out := admin.Fields{field("user"), field("actor"), field("what"), resultField(c, f.Get("result")), field("since"), field("until"), field("client"), field("address"), field("request")}
	for i := range out {
		switch out[i].Name {
		case "since", "until":
			out[i].Type = "date"
		case "user", "actor":
			out[i].Help = c.Words.T("admin.audit.help.person")
		case "what", "client", "address", "request":
			out[i].Mono = true
		}
	}
	out[2].Help = c.Words.T("admin.audit.help.what")
	return out
}

// resultField also offers the result that a link named.
func resultField(c *page.Context, value string) admin.Field {
	f := admin.Field{Name: "result", Label: c.Words.T("admin.audit.field.result"), Type: "select", Options: []admin.Option{{Label: c.Words.T("admin.audit.result_all")}}}
	known := value == ""
	for _, r := range results {
		known = known || r == value
		f.Options = append(f.Options, admin.Option{Value: r, Label: resultOf(c, r), Chosen: r == value})
	}
	if !known {
		f.Options = append(f.Options, admin.Option{Value: value, Label: resultOf(c, value), Chosen: true})
	}
	return f
}

// markWrong puts a refusal beside its field.
func markWrong(c *page.Context, fields admin.Fields, err error) bool {
	var w wrongField
	name := ""
	switch {
	case errors.As(err, &w):
		name = w.name
	case errors.Is(err, idp.ErrInvalid):
		name = "what" // the only one that the form cannot judge
	default:
		return false
	}
	text := c.Words.T(fmt.Sprintf("admin.audit.wrong.%s", name))
	if errors.Is(err, errNobody) {
		text = c.Words.T("admin.audit.wrong.nobody")
	}
	fields.Marked(name, text)
	return true
}

// rows draws events with the names of their people.
func (p *Pages) rows(c *page.Context, v admin.Visit, es []audit.Entry) ([]rowView, error) {
	names, err := p.Log.Names(c.Context(), v.By, es...)
	if err != nil {
		return nil, err
	}
	zone := security.Zone(v.User)
	out := make([]rowView, len(es))
	for i, e := range es {
		out[i] = rowView{
			URL: auditPath + "/events/" + url.PathEscape(e.ID), When: c.Words.DateTime(e.At.In(zone)), What: whatOf(c, e.What), Code: e.What,
			Result: resultOf(c, e.Result), Chip: chipOf(e.Result), Client: string(e.Client), Address: e.Origin.Address,
			Who: whoOf(c, v, e, names), Whom: personOf(v, e.User, names),
		}
	}
	return out, nil
}

// whoOf is who did it: a person, the command line, or nobody whom the house knew.
func whoOf(c *page.Context, v admin.Visit, e audit.Entry, names map[idp.UserID]string) personView {
	switch {
	case e.Actor != "":
		return personOf(v, e.Actor, names)
	case strings.HasPrefix(e.Origin.Agent, "command line"):
		return personView{Name: c.Words.T("admin.audit.host")}
	case e.Origin.Address == "":
		return personView{Name: c.Words.T("admin.audit.house")}
	}
	return personView{}
}

func personOf(v admin.Visit, id idp.UserID, names map[idp.UserID]string) personView {
	if id == "" {
		return personView{}
	}
	out := personView{Name: names[id], ID: string(id)}
	if out.Name == "" {
		out.Name = string(id)
	} else if v.May(idp.SeePeople) {
		out.URL = "/admin/users/" + url.PathEscape(string(id))
	}
	return out
}

// cursorText and cursorOf carry a place in the log through an address.
func cursorText(at idp.Cursor) string {
	return at.At.UTC().Format(cursorLayout) + "_" + at.ID
}

const cursorLayout = "20060102T150405.000"

func cursorOf(text string) idp.Cursor {
	at, id, _ := strings.Cut(text, "_")
	t, err := time.Parse(cursorLayout, at)
	if err != nil {
		return idp.Cursor{} // the first page
	}
	return idp.Cursor{At: t, ID: id}
}
