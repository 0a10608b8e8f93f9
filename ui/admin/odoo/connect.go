package odoo

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// wizard connects an Odoo, step by step.
type wizard struct {
	setup  setup
	dress  func(ctx context.Context, by idp.Actor, c connector.Connection) (string, error) // nil: nobody does
	sealer Sealer
	work   bench
}

// setup connects Odoos.
type setup interface {
	Databases(ctx context.Context, by idp.Actor, address string) ([]string, error)
	Connect(ctx context.Context, by idp.Actor, o connector.Order, tell func(connector.Step)) (connector.Report, error)
}

// connectView is one step of the wizard.
type connectView struct {
	admin.Head
	Step    int // 1 address, 2 login, 3 what was found
	Steps   []stepView
	Form    string
	Action  string
	Button  string
	Fields  admin.Fields
	More    admin.Fields
	Hidden  []admin.Hidden
	KeyHelp bool
	At      []fact // where what is typed goes
	Found   []fact
	Notes   []odoowords.Line
}

// stepView is a step in the row of them.
type stepView struct {
	Title   string
	Current bool
	Past    bool
}

// fact is a name and a value.
type fact struct{ Name, Value string }

func stepOf(c *page.Context, v admin.Visit, step int) connectView {
	view := connectView{Head: v.Head(c, crumbs(c, "")...), Step: step, Button: c.Words.T("admin.odoo.go_on")}
	for i, name := range []string{"address", "login", "found", "done"} {
		view.Steps = append(view.Steps, stepView{Title: c.Words.T(fmt.Sprintf("admin.odoo.step.%s", name)), Current: i+1 == step, Past: i+1 < step})
	}
	c.Here(addressConnect)
	return view
}

// begin is the first step, or the second one for whoever had to prove more on
// the way through them: the key is not kept, and whatever follows needs it.
func (w wizard) begin(c *page.Context, v admin.Visit) error {
	switch {
	case c.Forms.Refilled(addressConnect):
		return c.Show(set, http.StatusOK, "connect.html", addressStep(c, v, c.Form("url")))
	case c.Forms.Refilled(addressConnect + "/look"), c.Forms.Refilled(addressConnect + "/do"):
		return c.Show(set, http.StatusOK, "connect.html", loginStep(c, v, ordered(c), strings.Fields(c.Form("databases"))))
	}
	return c.Show(set, http.StatusOK, "connect.html", addressStep(c, v, c.Query("url")))
}

func addressStep(c *page.Context, v admin.Visit, typed string) connectView {
	view := stepOf(c, v, 1)
	view.Form, view.Action = "odoo-address", addressConnect
	view.Fields = admin.Fields{label(c, admin.Field{Name: "url", Value: typed, Required: true, Mono: true, Auto: "url"})}
	return view
}

// findDatabases asks the Odoo for its databases, so that nobody has to type one.
func (w wizard) findDatabases(c *page.Context, v admin.Visit) error {
	ctx, cancel := context.WithTimeout(c.Context(), 20*time.Second)
	defer cancel()
	all, err := w.setup.Databases(ctx, v.By, c.Form("url"))
	if err != nil {
		view := addressStep(c, v, c.Form("url"))
		head, ok := told(c, view.Head, err)
		if !ok {
			return err
		}
		view.Head = head
		view.Fields = view.Fields.Marked("url", head.Error.Title)
		return c.Show(set, http.StatusBadRequest, "connect.html", view)
	}
	return c.Show(set, http.StatusOK, "connect.html", loginStep(c, v, connector.Order{URL: c.Form("url")}, all))
}

// loginStep asks for what opens the Odoo. The key is never drawn, but where it
// goes is to be seen: the form that brings the address may have been filled in by
// somebody else's link, and name any server (SECURITY.md D-06).
func loginStep(c *page.Context, v admin.Visit, o connector.Order, databases []string) connectView {
	view := stepOf(c, v, 2)
	view.Form, view.Action, view.KeyHelp = "odoo-login", addressConnect+"/look", true
	view.At = []fact{{c.Words.T("admin.odoo.fact.address"), plainAddress(o.Address())}}
	view.Hidden = []admin.Hidden{{Name: "url", Value: o.URL}, {Name: "databases", Value: strings.Join(databases, "\n")}}
	database := label(c, admin.Field{Name: "database", Value: o.Database, Mono: true})
	if len(databases) > 0 {
		database.Type, database.Help = "select", ""
		for _, d := range databases {
			database.Options = append(database.Options, admin.Option{Value: d, Label: d, Chosen: d == o.Database})
		}
	}
	view.Fields = admin.Fields{
		database, label(c, admin.Field{Name: "login", Value: o.Login, Required: true, Mono: true, Auto: "off"}),
		label(c, admin.Field{Name: "key", Type: "password", Required: true, Auto: "off"}),
	}
	view.More = admin.Fields{label(c, admin.Field{Name: "name", Value: o.ID, Mono: true}), label(c, admin.Field{Name: "reach", Type: "url", Value: o.Reach, Mono: true})}
	return view
}

// plainAddress is an address without what may stand before its host and looks like
// another one, as in https://shop.example.com@example.net.
func plainAddress(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	u.User = nil
	return u.String()
}

func ordered(c *page.Context) connector.Order {
	return connector.Order{
		URL: strings.TrimSpace(c.Form("url")), Database: strings.TrimSpace(c.Form("database")), Login: strings.TrimSpace(c.Form("login")), Key: strings.TrimSpace(c.Form("key")),
		ID: strings.TrimSpace(c.Form("name")), Reach: strings.TrimSpace(c.Form("reach")),
	}
}

// lookTime is how long a look at an Odoo may take.
const lookTime = 25 * time.Second

// look signs in and says what is there; nothing changes.
func (w wizard) look(c *page.Context, v admin.Visit) error {
	o := ordered(c)
	form := loginStep(c, v, o, strings.Fields(c.Form("databases")))
	if o.Key == "" || o.Login == "" {
		form.Head = form.Refused(c.Words.T("admin.odoo.problem.invalid"), c.Words.T("admin.odoo.needs.login"))
		return c.Show(set, http.StatusBadRequest, "connect.html", form)
	}
	again := func(err error) error {
		var ok bool
		if form.Head, ok = told(c, form.Head, err); !ok {
			return err
		}
		return c.Show(set, http.StatusBadRequest, "connect.html", form)
	}
	ctx, cancel := context.WithTimeout(c.Context(), lookTime)
	defer cancel()
	o.Dry = true
	r, err := w.setup.Connect(ctx, v.By, o, nil)
	if err != nil {
		return again(err)
	}
	o.Dry = false
	ticket, err := w.seal(v, o, c.Now())
	if err != nil {
		return err
	}
	view := stepOf(c, v, 3)
	view.Form, view.Action, view.Button = "odoo-connect", addressConnect+"/do", c.Words.T("admin.odoo.connect")
	view.Hidden = []admin.Hidden{
		{Name: "ticket", Value: ticket}, {Name: page.Unkept("ticket"), Value: "yes"}, // it holds the key
		{Name: "url", Value: o.URL}, {Name: "databases", Value: c.Form("databases")}, {Name: "database", Value: o.Database},
		{Name: "login", Value: o.Login}, {Name: "name", Value: o.ID}, {Name: "reach", Value: o.Reach},
	}
	view.Found, view.Notes = foundFacts(c, r.Connection), notes(c.Words, r.Warnings)
	return c.Show(set, http.StatusOK, "connect.html", view)
}

// foundFacts are what an Odoo says of itself.
func foundFacts(c *page.Context, one connector.Connection) []fact {
	f := one.Facts
	edition := "Community"
	if f.Version.Enterprise {
		edition = "Enterprise"
	}
	signup := c.Words.T("admin.odoo.signup.invited")
	if f.OpenSignup {
		signup = c.Words.T("admin.odoo.signup.everybody")
	}
	out := []fact{}
	for _, one := range [][2]string{
		{"company", f.Company.Name}, {"version", f.Version.Full + " " + edition}, {"database", one.Database}, {"login", one.Login}, {"hosts", strings.Join(f.Hosts, "  ")},
		{"users", fmt.Sprint(f.Users)}, {"signup", signup}, {"languages", strings.Join(f.Languages, "  ")}, {"modules", strings.Join(f.Modules, "  ")},
	} {
		if one[1] != "" {
			out = append(out, fact{c.Words.T(fmt.Sprintf("admin.odoo.fact.%s", one[0])), one[1]})
		}
	}
	return out
}

// ticket is an order on its way to the next page.
type ticket struct {
	Order   connector.Order
	Expires time.Time
}

const ticketLife = 15 * time.Minute

// ticketPlace binds a ticket to who made it, in the session where they did.
func ticketPlace(v admin.Visit) []byte {
	return []byte("odoo:connect:" + string(v.By.User) + ":" + string(v.By.Session))
}

func (w wizard) seal(v admin.Visit, o connector.Order, now time.Time) (string, error) {
	raw, err := json.Marshal(ticket{o, now.Add(ticketLife)})
	if err != nil {
		return "", err
	}
	sealed, err := w.sealer.Seal(raw, ticketPlace(v))
	return base64.RawURLEncoding.EncodeToString(sealed), err
}

// unseal fails with idp.ErrExpired for what is not, or no longer, a ticket of
// this visitor.
func (w wizard) unseal(v admin.Visit, text string, now time.Time) (connector.Order, error) {
	sealed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return connector.Order{}, idp.ErrExpired
	}
	raw, err := w.sealer.Open(sealed, ticketPlace(v))
	if err != nil {
		return connector.Order{}, idp.ErrExpired
	}
	var t ticket
	if err := json.Unmarshal(raw, &t); err != nil || now.After(t.Expires) {
		return connector.Order{}, idp.ErrExpired
	}
	return t.Order, nil
}

// joined is what is shown of connecting, while it goes on and afterwards.
type joined struct {
	ID    string           `json:"id,omitempty"`
	Steps []connector.Step `json:"steps"`
	Notes []connector.Note `json:"notes,omitempty"`
	Looks string           `json:"looks,omitempty"`
}

// join connects behind the page.
func (w wizard) join(c *page.Context, v admin.Visit) error {
	o, err := w.unseal(v, c.Form("ticket"), c.Now())
	if err != nil {
		return err
	}
	by := v.By
	return w.work.start(c, v, "odoo.connect", cmp.Or(o.ID, o.URL+" "+o.Database), func(ctx context.Context, r *job.Run) (any, error) {
		out := joined{Steps: []connector.Step{}}
		var shown error
		report, err := w.setup.Connect(ctx, by, o, func(s connector.Step) {
			out.Steps = append(out.Steps, s)
			shown = r.Show(out)
		})
		if err != nil {
			return out, err
		}
		out.ID, out.Notes = report.Connection.ID, report.Warnings
		if w.dress != nil {
			if out.Looks, err = w.dress(ctx, by, report.Connection); err != nil {
				out.Notes = append(out.Notes, connector.NotDressed(err))
			}
		}
		return out, shown
	})
}

func drawConnect(c *page.Context, _ admin.Visit, j job.Job, view *jobView) error {
	var r joined
	if err := j.Read(&r); err != nil {
		return err
	}
	for _, s := range r.Steps {
		l := odoowords.Say(c.Words, s.Said, s.Did)
		l.Title = c.Words.T(fmt.Sprintf("admin.odoo.did.%s", strings.ReplaceAll(s.Name, " ", "_")))
		view.Steps = append(view.Steps, l)
	}
	view.Notes = notes(c.Words, r.Notes)
	if r.ID != "" {
		view.ID, view.Back = r.ID, address(r.ID)
	}
	return nil
}
