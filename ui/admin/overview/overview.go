// Package overview draws the first page of the administration and its reports:
// how well people are protected, what happened lately, what comes next, and
// what is still to be set up.
//
// It counts nothing: the figures come from idp/figures and idp/evidence.
package overview

import (
	"context"
	"embed"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/figures"
	"latchkey/idp/odoo/connector"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/admin/chart"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(page.Join(files, admin.Pieces, chart.Pieces), "_*.html", "[a-z]*.html")

// Pages serves the pages. Its fields are set once, before first use; the
// functions may be nil.
type Pages struct {
	Figures *figures.Service
	// Steps lists what a new house has still to do; none: all is done.
	Steps func(ctx context.Context, by idp.Actor) ([]Step, error)
	// Deadlines lists the policies that will demand something, soonest first.
	Deadlines func(ctx context.Context, by idp.Actor) ([]Deadline, error)
	// Odoos says how the connections do.
	Odoos func(ctx context.Context, by idp.Actor) ([]Connection, error)
	// Evidence makes the report; nil: there is no such page.
	Evidence Evidence
}

// Step is one thing to do; Name is of its words: admin.step.NAME.
type Step struct {
	Name, URL string
	Done      bool
}

// Deadline is a policy that demands something from a day on.
type Deadline struct {
	Policy, URL string
	Day         time.Time // UTC
	NotReady    int64
}

// Connection is an Odoo with its health.
type Connection struct {
	Name, URL string
	Well      bool
	Since     time.Time // of the last contact that worked
	// Examined is the last examination; zero: there was none. Worst is what it found
	// that is worst; nil: nothing.
	Examined time.Time
	Worst    *connector.Kept
}

// Sections lists the parts.
func (p *Pages) Sections() []admin.Section {
	out := []admin.Section{{Name: "dashboard", Path: admin.Home, Right: idp.SeePeople, Group: "records", Routes: []admin.Route{
		admin.Get(admin.Home, idp.SeePeople, p.show),
	}}}
	if p.Evidence != nil {
		out = append(out, p.reports())
	}
	return out
}

// days that the plots show.
var spans = []int{7, 30, 90}

type tile struct{ Value, Name, URL, Class string }

type overviewView struct {
	admin.Head
	Steps     []stepView
	Tiles     []tile
	SignIns   chart.Plot
	Trend     chart.Plot
	Methods   []chart.Bar
	Groups    []chart.Bar
	Deadlines []deadlineView
	Messages  []messageView
	Odoos     []connectionView
	Days      []spanView
	Measured  string // when people were counted
	Figures   bool   // the visitor may see them
}

type (
	stepView struct {
		Title, Text, URL string
		Done             bool
	}
	deadlineView struct{ Policy, URL, Says, Day string }
	messageView  struct {
		Channel               string
		Sent, Waiting, Failed int64
	}
	connectionView struct {
		Name, URL, Since string
		Well             bool
		Examined         string
		Worst, Chip      string // of the examination
	}
	spanView struct {
		Says, URL string
		Current   bool
	}
)

func (p *Pages) show(c *page.Context, v admin.Visit) error {
	view := overviewView{Head: v.Head(c), Figures: v.May(idp.SeeAudit)}
	if err := p.steps(c, v, &view); err != nil {
		return err
	}
	if view.Figures {
		if err := p.figures(c, v, &view); err != nil {
			return err
		}
	}
	return c.Show(set, http.StatusOK, "overview.html", view)
}

// steps are drawn until all are done.
func (p *Pages) steps(c *page.Context, v admin.Visit, view *overviewView) error {
	if p.Steps == nil || !v.May(idp.EditHouse) {
		return nil
	}
	all, err := p.Steps(c.Context(), v.By)
	if err != nil || !slices.ContainsFunc(all, func(s Step) bool { return !s.Done }) {
		return err
	}
	for _, s := range all {
		view.Steps = append(view.Steps, stepView{c.Words.T("admin.step." + s.Name), c.Words.T("admin.step." + s.Name + "_text"), s.URL, s.Done})
	}
	return nil
}

// figures fills in what is counted.
func (p *Pages) figures(c *page.Context, v admin.Visit, view *overviewView) error {
	days := span(c.Query("days"))
	o, err := p.Figures.Overview(c.Context(), v.By, days)
	if err != nil {
		return err
	}
	for _, n := range spans {
		view.Days = append(view.Days, spanView{c.Words.N("admin.overview.days", n), admin.Home + "?days=" + strconv.Itoa(n), n == days})
	}
	view.Tiles, view.SignIns, view.Trend = tiles(c, o), signIns(c, o), trend(c, o)
	view.Methods, view.Groups, view.Messages = methods(c, o), groups(c, o), deliveries(c, o)
	if len(o.Coverage) > 0 {
		view.Measured = c.Words.Date(o.Coverage[0].Day.Time())
	}
	return p.health(c, v, view)
}

// health fills in what comes and what is connected.
func (p *Pages) health(c *page.Context, v admin.Visit, view *overviewView) error {
	if p.Deadlines != nil {
		all, err := p.Deadlines(c.Context(), v.By)
		if err != nil {
			return err
		}
		for _, d := range all {
			view.Deadlines = append(view.Deadlines, deadlineView{d.Policy, d.URL, deadline(c, d), c.Words.Date(d.Day)})
		}
	}
	if p.Odoos == nil || !v.May(idp.SeeOdoo) {
		return nil
	}
	all, err := p.Odoos(c.Context(), v.By)
	for _, o := range all {
		since := ""
		if !o.Since.IsZero() {
			since = c.Words.DateTime(o.Since.UTC())
		}
		row := connectionView{Name: o.Name, URL: o.URL, Since: since, Well: o.Well}
		row.examined(c, o)
		view.Odoos = append(view.Odoos, row)
	}
	return err
}

// examined fills in the last examination.
func (r *connectionView) examined(c *page.Context, o Connection) {
	if o.Examined.IsZero() {
		return
	}
	r.Examined, r.Chip, r.Worst = c.Words.Date(o.Examined.UTC()), "chip-good", c.Words.T("admin.odoo.examined_well")
	if o.Worst == nil {
		return
	}
	r.Chip = "chip-warn"
	if o.Worst.Level == connector.Problem {
		r.Chip = "chip-bad"
	}
	l, _ := odoowords.Finding(c.Words, connector.Finding{Check: o.Worst.Check})
	r.Worst = l.Title
}

// deadline is "312 people not ready, 9 days left".
func deadline(c *page.Context, d Deadline) string {
	left := int(d.Day.Sub(c.Now().UTC()).Hours()/24) + 1
	people := c.Words.N("admin.overview.not_ready", int(d.NotReady))
	if left <= 0 {
		return people + " " + c.Words.T("admin.overview.due")
	}
	return people + " " + c.Words.N("admin.overview.days_left", left)
}

func span(asked string) int {
	for _, n := range spans {
		if strconv.Itoa(n) == asked {
			return n
		}
	}
	return 30
}

func tiles(c *page.Context, o figures.Overview) []tile {
	all := figures.Find(o.Coverage, figures.All)
	var failed, locked, well int64
	for _, d := range o.SignIns {
		failed, locked, well = failed+d.Failed, locked+d.Locked, well+d.OK
	}
	return []tile{
		{Value: c.Words.Number(all.People), Name: c.Words.T("admin.overview.people"), URL: admin.Home + "/users"},
		{Value: strconv.Itoa(figures.Percent(all.Ready, all.People)) + " %", Name: c.Words.T("admin.overview.ready")},
		{Value: strconv.Itoa(figures.Percent(all.Resistant, all.People)) + " %", Name: c.Words.T("admin.overview.resistant")},
		{Value: c.Words.Number(well), Name: c.Words.T("admin.overview.signins")},
		{Value: c.Words.Number(failed), Name: c.Words.T("admin.overview.failed")},
		{Value: c.Words.Number(locked), Name: c.Words.T("admin.overview.locked")},
	}
}

func signIns(c *page.Context, o figures.Overview) chart.Plot {
	var days []string
	ok, failed, locked := chart.Series{Name: c.Words.T("admin.overview.good")}, chart.Series{Name: c.Words.T("admin.overview.failed")}, chart.Series{Name: c.Words.T("admin.overview.locked")}
	for _, d := range o.SignIns {
		days = append(days, c.Words.DayMonth(d.Day.Time()))
		ok.Values, failed.Values, locked.Values = append(ok.Values, d.OK), append(failed.Values, d.Failed), append(locked.Values, d.Locked)
	}
	p := chart.Bars("signins", c.Words.T("admin.overview.signins_plot"), c.Words.T("admin.overview.day"), days, ok, failed, locked)
	p.Summary = c.Words.T("admin.overview.as_table")
	return p
}

func trend(c *page.Context, o figures.Overview) chart.Plot {
	var days []string
	ready, resistant := chart.Series{Name: c.Words.T("admin.overview.ready")}, chart.Series{Name: c.Words.T("admin.overview.resistant")}
	for _, d := range o.Trend {
		days = append(days, c.Words.DayMonth(d.Day.Time()))
		ready.Values = append(ready.Values, int64(figures.Percent(d.Ready, d.People)))
		resistant.Values = append(resistant.Values, int64(figures.Percent(d.Resistant, d.People)))
	}
	p := chart.Lines("coverage", c.Words.T("admin.overview.trend"), c.Words.T("admin.overview.day"), days, ready, resistant)
	p.Summary = c.Words.T("admin.overview.as_table")
	return p
}

func bar(c *page.Context, name, url string, part, of int64) chart.Bar {
	return chart.Bar{Name: name, URL: url, Part: part, Of: of, Percent: figures.Percent(part, of), Says: c.Words.T("admin.overview.part", c.Words.Number(part), c.Words.Number(of))}
}

// methods are the factors of sign-ins, the most frequent first.
func methods(c *page.Context, o figures.Overview) []chart.Bar {
	var sum int64
	var kinds []mfa.Kind
	for k, n := range o.Methods {
		kinds, sum = append(kinds, k), sum+n
	}
	slices.SortFunc(kinds, func(a, b mfa.Kind) int {
		if d := o.Methods[b] - o.Methods[a]; d != 0 {
			return int(max(-1, min(1, d)))
		}
		return strings.Compare(string(a), string(b))
	})
	var out []chart.Bar
	for _, k := range kinds {
		name := string(k)
		if key := "admin.method." + string(k); c.Words.Has(key) {
			name = c.Words.T(key)
		}
		out = append(out, bar(c, name, "", o.Methods[k], sum))
	}
	return out
}

// mostGroups keeps the page short; the report has all.
const mostGroups = 12

// groups are employees and portal customers, then the groups with the most
// people.
func groups(c *page.Context, o figures.Overview) []chart.Bar {
	var out []chart.Bar
	for _, k := range []idp.Kind{idp.Internal, idp.Portal} {
		if s := figures.Find(o.Coverage, figures.OfKind(k)); s.People > 0 {
			out = append(out, bar(c, c.Words.T("admin.kind."+string(k)), "", s.Ready, s.People))
		}
	}
	named := slices.DeleteFunc(slices.Clone(o.Coverage), func(s figures.Coverage) bool { return !strings.HasPrefix(string(s.Scope), "group:") })
	slices.SortStableFunc(named, func(a, b figures.Coverage) int { return int(max(-1, min(1, b.People-a.People))) })
	for _, s := range named[:min(mostGroups, len(named))] {
		out = append(out, bar(c, strings.TrimPrefix(string(s.Scope), "group:"), "", s.Ready, s.People))
	}
	return out
}

// deliveries are mail and SMS of the last day.
func deliveries(c *page.Context, o figures.Overview) []messageView {
	var out []messageView
	for _, d := range o.Messages {
		name := d.Channel
		if key := "admin.channel." + d.Channel; c.Words.Has(key) {
			name = c.Words.T(key)
		}
		i := slices.IndexFunc(out, func(m messageView) bool { return m.Channel == name })
		if i < 0 {
			i, out = len(out), append(out, messageView{Channel: name})
		}
		switch d.State {
		case "sent":
			out[i].Sent += d.N
		case "waiting":
			out[i].Waiting += d.N
		default:
			out[i].Failed += d.N
		}
	}
	return out
}
