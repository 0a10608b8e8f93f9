package main

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/evidence"
	"latchkey/idp/figures"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/admin/overview"
)

// adminOverview are the first page of the administration and the reports.
func (h *house) adminOverview() []admin.Section {
	p := &overview.Pages{
		Figures: &figures.Service{Store: h.db.Figures(), Now: h.now},
		Steps:   h.firstSteps, Deadlines: h.deadlines, Odoos: h.odooHealth, Evidence: h.evidence(),
	}
	return p.Sections()
}

// counter keeps the figures.
func (b *base) counter(report func(error)) *figures.Counter {
	return &figures.Counter{Store: b.db.Figures(), Now: b.now, Report: report}
}

// firstSteps is what a new house has still to do.
func (h *house) firstSteps(ctx context.Context, by idp.Actor) ([]overview.Step, error) {
	odoos, err := h.db.Connections().All(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := h.db.Policies().All(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := h.db.Evidence().Staff(ctx)
	if err != nil {
		return nil, err
	}
	own, err := h.brands.Get(ctx, by, "")
	if err != nil {
		return nil, err
	}
	return []overview.Step{
		{Name: "mail", URL: admin.Home + "/settings", Done: h.cfg.Mail.SMTPURL != ""},
		{Name: "odoo", URL: admin.Home + "/odoo", Done: len(odoos) > 0},
		{Name: "policy", URL: admin.Home + "/policies", Done: len(rules) > 0},
		{Name: "branding", URL: admin.Home + "/branding", Done: !own.Empty()},
		{Name: "owner", URL: admin.Home + "/users/new", Done: activeOwners(staff) > 1},
	}, nil
}

// activeOwners counts owners who could help when another is away: who was only
// invited has never been in, and may never come.
func activeOwners(staff []evidence.Admin) (n int) {
	for _, s := range staff {
		if s.Role == idp.Owner && !s.Disabled && !s.SignedIn.IsZero() {
			n++
		}
	}
	return n
}

// deadlines are the policies that demand something from a day on, with how many
// are not ready.
func (h *house) deadlines(ctx context.Context, by idp.Actor) ([]overview.Deadline, error) {
	all, err := h.db.Policies().InForce(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p policy.Policy) bool { return p.What.Enrolment.Deadline == "" })
	if len(all) == 0 {
		return nil, nil
	}
	known, err := h.rulebook().Coverage(ctx, by, false)
	if err != nil {
		return nil, err
	}
	var out []overview.Deadline
	for _, p := range all {
		day, err := time.Parse("2006-01-02", string(p.What.Enrolment.Deadline))
		c, counted := known.By[p.ID]
		if err != nil || !counted || day.Before(h.now().Add(-30*24*time.Hour)) {
			continue // long past: the policies' own page says who is not ready
		}
		out = append(out, overview.Deadline{
			Policy: p.Name, URL: admin.Home + "/policies/" + url.PathEscape(p.ID), Day: day, NotReady: int64(c.People - c.Ready),
		})
	}
	slices.SortFunc(out, func(a, b overview.Deadline) int { return a.Day.Compare(b.Day) })
	return out, nil
}

// odooHealth says how the connections do.
func (h *house) odooHealth(ctx context.Context, by idp.Actor) ([]overview.Connection, error) {
	all, err := h.connectors().List(ctx, by)
	var out []overview.Connection
	for _, c := range all {
		out = append(out, overview.Connection{Name: c.ID, URL: admin.Home + "/odoo/" + url.PathEscape(c.ID), Well: c.Health.Well(), Since: c.Health.Good})
	}
	return out, err
}

// evidence makes reports.
func (b *base) evidence() *evidence.Service {
	return &evidence.Service{
		Store: b.db.Evidence(), Figures: b.db.Figures(), Log: b.db.Log(), Now: b.now,
		Sources: evidence.Sources{Rules: b.rulesInForce, Ways: b.waysAround, Chain: b.chainState},
	}
}

// rulesInForce are the policies with the version that is in force.
func (b *base) rulesInForce(ctx context.Context, by idp.Actor) ([]evidence.Rule, []policy.Policy, error) {
	all, err := b.db.Policies().InForce(ctx)
	if err != nil {
		return nil, nil, err
	}
	book := b.rulebook()
	var out []evidence.Rule
	for i, p := range all {
		body, err := policy.Format(all[i : i+1])
		if err != nil {
			return nil, nil, err
		}
		r := evidence.Rule{ID: p.ID, Name: p.Name, Body: string(body)}
		last, err := book.History(ctx, by, p.ID, 0, 1)
		if err != nil {
			return nil, nil, err
		}
		if len(last) > 0 {
			r.Version, r.Since, r.By = last[0].Number, last[0].At, cmp.Or(last[0].Who, "command line")
		}
		out = append(out, r)
	}
	return out, all, nil
}

// askOdoo is how long one Odoo may take for a report.
const askOdoo = 20 * time.Second

// waysAround asks the doctor about every Odoo. One that cannot be asked is a
// line of its own.
func (b *base) waysAround(ctx context.Context, by idp.Actor) ([]evidence.Way, error) {
	c := b.connectors()
	all, err := c.List(ctx, by)
	var out []evidence.Way
	for _, o := range all {
		limited, cancel := context.WithTimeout(ctx, askOdoo)
		d, err := c.Doctor(limited, by, o.ID, false)
		cancel()
		if err != nil {
			out = append(out, evidence.Way{Connection: o.ID, Check: "reach", Level: "problem", Evidence: "it could not be asked: " + err.Error(), Cure: "see the connection's page"})
			continue
		}
		for _, f := range d.Findings {
			out = append(out, evidence.Way{Connection: o.ID, Check: f.Check, Level: string(f.Level), Evidence: f.Evidence, Cure: f.Cure})
		}
	}
	return out, err
}

// chainState is how the log stands.
func (b *base) chainState(ctx context.Context, by idp.Actor) (evidence.Chain, error) {
	s, err := b.auditLog(ctx)
	if err != nil {
		return evidence.Chain{}, err
	}
	st, err := s.Status(ctx, by)
	if err != nil {
		return evidence.Chain{}, err
	}
	out := evidence.Chain{Rows: st.Head.Seq - st.Cut.Seq, Waiting: int64(st.Waiting), Key: audit.FormatKey(s.Key())}
	if st.Verified != nil {
		out.Verified, out.Whole = st.Verified.At, st.Verified.Well()
		if st.Verified.Broken != nil {
			out.Broken = st.Verified.Broken.Says
		}
	}
	return out, nil
}
