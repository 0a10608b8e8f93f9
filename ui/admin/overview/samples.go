package overview

import (
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/evidence"
	"latchkey/idp/figures"
	"latchkey/idp/odoo/connector"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// Samples is these pages with sample data.
func Samples() []page.Sample {
	p := &Pages{Evidence: (*evidence.Service)(nil)}
	visit := func(c *page.Context) admin.Visit { return admin.Sample(c, "dashboard", p.Sections()) }
	return []page.Sample{
		page.Drawn("overview", set, http.StatusOK, "overview.html", func(c *page.Context) any { return sampleOverview(c, visit(c)) }),
		page.Drawn("overview-new", set, http.StatusOK, "overview.html", func(c *page.Context) any {
			v := overviewView{Head: visit(c).Head(c), Figures: true}
			for i, name := range []string{"mail", "odoo", "policy", "administrators", "branding", "owner"} {
				v.Steps = append(v.Steps, stepView{c.Words.T("admin.step." + name), c.Words.T("admin.step." + name + "_text"), "/", i == 0})
			}
			o := figures.Overview{SignIns: []figures.DaySum{{Day: sampleDay}}}
			v.Tiles, v.SignIns, v.Trend = tiles(c, o), signIns(c, o), trend(c, o)
			return v
		}),
		page.Drawn("overview-help", set, http.StatusOK, "overview.html", func(c *page.Context) any { return overviewView{Head: visit(c).Head(c)} }),
		page.Drawn("reports", set, http.StatusOK, "reports.html", func(c *page.Context) any { return reportsView{visit(c).Head(c)} }),
		page.Drawn("evidence", set, http.StatusOK, "evidence.html", func(c *page.Context) any { return evidenceOf(c, visit(c), sampleReport) }),
	}
}

var (
	sampleMoment = time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC)
	sampleDay    = figures.DayOf(sampleMoment)
)

var sampleCoverage = []figures.Coverage{
	{Day: sampleDay, Scope: figures.All, People: 1240, Ready: 870, Resistant: 210, Never: 44, Stale: 61},
	{Day: sampleDay, Scope: figures.OfGroup("accounting"), People: 12, Ready: 12, Resistant: 4},
	{Day: sampleDay, Scope: figures.OfGroup("sales"), People: 31, Ready: 20, Resistant: 9, Stale: 1},
	{Day: sampleDay, Scope: figures.OfKind(idp.Internal), People: 43, Ready: 32, Resistant: 13, Stale: 1},
	{Day: sampleDay, Scope: figures.OfKind(idp.Portal), People: 1197, Ready: 838, Resistant: 197, Never: 44, Stale: 60},
	{Day: sampleDay, Scope: figures.OfRole(idp.Owner), People: 2, Ready: 2, Resistant: 2},
}

func sampleOverview(c *page.Context, v admin.Visit) overviewView {
	o := figures.Overview{From: sampleDay - 29, To: sampleDay, Coverage: sampleCoverage, Methods: map[mfa.Kind]int64{"totp": 1830, "passkey": 940, "device": 411, "pwd": 120, "sms": 66}}
	for i := range 30 {
		n := int64(i)
		o.SignIns = append(o.SignIns, figures.DaySum{Day: o.From + figures.Day(i), OK: 60 + n*7%50, Failed: n * 5 % 13, Locked: n % 3})
		o.Trend = append(o.Trend, figures.Coverage{Day: o.From + figures.Day(i), Scope: figures.All, People: 1240, Ready: 400 + 16*n, Resistant: 90 + 4*n})
	}
	o.Messages = []figures.Delivery{{Channel: "mail", State: "sent", N: 211}, {Channel: "mail", State: "waiting", N: 3}, {Channel: "sms", State: "sent", N: 66}, {Channel: "sms", State: "failed", N: 2}}
	view := overviewView{
		Head: v.Head(c), Figures: true, Measured: c.Words.Date(sampleMoment), Tiles: tiles(c, o), SignIns: signIns(c, o), Trend: trend(c, o),
		Methods: methods(c, o), Groups: groups(c, o), Messages: deliveries(c, o),
		Odoos: []connectionView{
			{Name: "erp.example.org", URL: "/", Since: c.Words.DateTime(sampleMoment), Well: true}, {Name: "shop.example.org", URL: "/", Since: c.Words.DateTime(sampleMoment)},
		},
		Deadlines: []deadlineView{{"portal-needs-second-factor", "/", c.Words.N("admin.overview.not_ready", 312) + " " + c.Words.N("admin.overview.days_left", 9), c.Words.Date(sampleMoment)}},
	}
	view.Odoos[0].examined(c, Connection{Examined: sampleMoment})
	view.Odoos[1].examined(c, Connection{Examined: sampleMoment, Worst: &connector.Kept{Check: "key_expiry", Level: connector.Problem}})
	for _, n := range spans {
		view.Days = append(view.Days, spanView{c.Words.N("admin.overview.days", n), "/", n == 30})
	}
	return view
}

var sampleReport = evidence.Report{
	Made: sampleMoment, By: "ada@example.org", Days: 90, Coverage: sampleCoverage,
	Staff: []evidence.Admin{
		{Name: "Ada King", Login: "ada@example.org", Role: idp.Owner, Factors: []mfa.Kind{"passkey", "totp"}, Resistant: true, SignedIn: sampleMoment},
		{Name: "Hugo Help", Login: "hugo@example.org", Role: idp.HelpDesk, Disabled: true},
	},
	Rules:   []evidence.Rule{{Name: "portal-needs-second-factor", Since: sampleMoment, By: "ada@example.org", Body: "policies:\n  - name: portal-needs-second-factor\n    enabled: true\n    whom: {kind: portal}\n    what: {assurance: mfa}\n"}},
	Exempt:  []evidence.Exemption{{Policy: "portal-needs-second-factor", User: "max@example.org", Until: "2027-01-31"}, {Policy: "portal-needs-second-factor", User: "pia@example.org", Until: "2026-01-31", Over: true}},
	Idle:    []evidence.Account{{ID: "x", Name: "Pia Portal", Login: "pia@example.org", Kind: idp.Portal}},
	IdleAll: 105, Disabled: 12, Devices: evidence.Devices{Trusted: 411, Stale: 17}, SignIns: evidence.SignIns{OK: 8120, Failed: 402, Locked: 12},
	Ways: []evidence.Way{
		{Connection: "erp.example.org", Check: "api_keys", Level: "advice", Cure: "delete those that are not needed", Says: "api_keys", Facts: []string{"3", `"CI" (Ada), "BI" (Pia)`}},
		{Connection: "shop", Check: "reach", Level: "problem", Evidence: "it could not be asked", Cure: "see the connection's page", Says: "reach.certificate", Facts: []string{"shop.example.org"}, Detail: "x509: certificate has expired or is not yet valid"},
	},
	Chain: evidence.Chain{Rows: 120345, Whole: true, Verified: sampleMoment, Key: "MCowBQYDK2VwAyEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="},
}
