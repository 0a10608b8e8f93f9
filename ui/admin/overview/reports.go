package overview

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/evidence"
	"latchkey/idp/figures"
	"latchkey/idp/odoo/connector"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/admin/chart"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// Evidence makes the report; see [evidence.Service].
type Evidence interface {
	Make(ctx context.Context, by idp.Actor, name string) (evidence.Report, error)
}

const (
	reportsPath  = admin.Home + "/reports"
	evidencePath = reportsPath + "/evidence"
)

func (p *Pages) reports() admin.Section {
	return admin.Section{Name: "reports", Path: reportsPath, Right: idp.SeeAudit, Group: "records", Routes: []admin.Route{
		admin.Get(reportsPath, idp.SeeAudit, p.choose),
		admin.Get(evidencePath, idp.SeeAudit, p.evidence),
		admin.Get(evidencePath+".csv", idp.SeeAudit, p.evidenceFile),
	}}
}

type reportsView struct{ admin.Head }

func (p *Pages) choose(c *page.Context, v admin.Visit) error {
	return c.Show(set, http.StatusOK, "reports.html", reportsView{v.Head(c)})
}

func (p *Pages) evidenceFile(c *page.Context, v admin.Visit) error {
	r, err := p.Evidence.Make(c.Context(), v.By, v.User.Login)
	if err != nil {
		return err
	}
	name := "evidence-" + r.Made.Format("2006-01-02") + ".csv"
	return evidence.WriteCSV(c.Download(name, "text/csv; charset=utf-8"), r)
}

// The report in words.
type (
	evidenceView struct {
		admin.Head
		Made, By  string
		House     string
		Scopes    []scopeView
		All       scopeView
		Staff     []staffView
		Rules     []ruleView
		Exempt    []exemptView
		Idle      []idleView
		IdleN     int // all of them
		DisabledN int
		Devices   evidence.Devices
		SignIns   evidence.SignIns
		Days      int
		StaleDays int
		Ways      []wayView
		Chain     evidence.Chain
		Verified  string
	}
	scopeView struct {
		Name             string
		People, Never    int64
		Stale            int64
		Ready, Resistant chart.Bar
	}
	staffView struct {
		Name, Login, Role, Factors, SignedIn string
		Disabled, Resistant, Bare            bool
	}
	ruleView   struct{ Name, Since, By, Body string }
	exemptView struct {
		User, Policy, Until string
		Over                bool
	}
	idleView struct{ Name, Login, SignedIn, URL string }
	// wayView is a way around, as the doctor of that Odoo tells of it.
	wayView struct {
		odoowords.Line
		Connection, Level, EnglishCure string
		Bad                            bool
	}
)

func (p *Pages) evidence(c *page.Context, v admin.Visit) error {
	r, err := p.Evidence.Make(c.Context(), v.By, v.User.Login)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "evidence.html", evidenceOf(c, v, r))
}

func evidenceOf(c *page.Context, v admin.Visit, r evidence.Report) evidenceView {
	view := evidenceView{
		Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.reports"), URL: reportsPath}), House: c.Brand(),
		Made: c.Words.DateTime(r.Made), By: r.By, IdleN: int(r.IdleAll), DisabledN: int(r.Disabled), Devices: r.Devices, SignIns: r.SignIns,
		Days: r.Days, StaleDays: int(figures.StaleAfter.Hours() / 24), Chain: r.Chain, Verified: moment(c, r.Chain.Verified),
	}
	for _, s := range r.Coverage {
		o := scopeOf(c, s)
		if view.Scopes = append(view.Scopes, o); s.Scope == figures.All {
			view.All = o
		}
	}
	for _, a := range r.Staff {
		view.Staff = append(view.Staff, staffView{
			a.Name, a.Login, c.Words.T("admin.role." + string(a.Role)), kinds(c, a.Factors), moment(c, a.SignedIn), a.Disabled, a.Resistant, len(a.Factors) == 0,
		})
	}
	for _, o := range r.Rules {
		view.Rules = append(view.Rules, ruleView{o.Name, moment(c, o.Since), o.By, o.Body})
	}
	for _, e := range r.Exempt {
		view.Exempt = append(view.Exempt, exemptView{e.User, e.Policy, string(e.Until), e.Over})
	}
	for _, a := range r.Idle {
		view.Idle = append(view.Idle, idleView{a.Name, a.Login, moment(c, a.SignedIn), admin.Home + "/users/" + string(a.ID)})
	}
	for _, o := range r.Ways {
		view.Ways = append(view.Ways, wayOf(c, o))
	}
	return view
}

func wayOf(c *page.Context, o evidence.Way) wayView {
	w := wayView{Connection: o.Connection, Level: c.Words.T(fmt.Sprintf("admin.odoo.level.%s", o.Level)), Bad: o.Level == string(connector.Problem)}
	w.Line, w.EnglishCure = odoowords.Finding(c.Words, connector.Finding{
		Check: o.Check, Evidence: o.Evidence, Cure: o.Cure, Said: connector.Said{Says: o.Says, Facts: o.Facts, Detail: o.Detail},
	})
	return w
}

func moment(c *page.Context, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return c.Words.DateTime(at.UTC())
}

// scopeOf calls a scope by its name in words.
func scopeOf(c *page.Context, s figures.Coverage) scopeView {
	kind, name, _ := strings.Cut(string(s.Scope), ":")
	switch kind {
	case "all":
		name = c.Words.T("admin.evidence.all")
	case "kind":
		name = c.Words.T("admin.kind." + name)
	case "role":
		name = c.Words.T("admin.evidence.of_role", c.Words.T("admin.role."+name))
	case "group":
		name = c.Words.T("admin.evidence.of_group", name)
	}
	return scopeView{
		Name: name, People: s.People, Never: s.Never, Stale: s.Stale,
		Ready: bar(c, "", "", s.Ready, s.People), Resistant: bar(c, "", "", s.Resistant, s.People),
	}
}

func kinds(c *page.Context, ks []mfa.Kind) string {
	var out []string
	for _, k := range ks {
		name := string(k)
		if key := "admin.method." + string(k); c.Words.Has(key) {
			name = c.Words.T(key)
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}
