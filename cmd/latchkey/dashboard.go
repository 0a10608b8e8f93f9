package main

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/evidence"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/admin/overview"
	"latchkey/ui/api"
)

// dashboard is what the first page of the administration says of the house.
type dashboard struct {
	*ground
	choices *choiceSide
	rules   *ruleSide
	odoo    *odooSide
	records *recordSide
}

// sections are the first page of the administration and the reports.
func (d *dashboard) sections() []admin.Section {
	p := &overview.Pages{
		Figures: d.records.figures(), Steps: d.firstSteps, Deadlines: d.deadlines, Odoos: d.odooHealth, Evidence: d.records.evidence(),
	}
	return p.Sections()
}

// firstSteps is what a new house has still to do.
func (d *dashboard) firstSteps(ctx context.Context, by idp.Actor) ([]overview.Step, error) {
	odoos, err := d.db.Connections.All(ctx)
	if err != nil {
		return nil, err
	}
	rules, err := d.db.Policies.All(ctx)
	if err != nil {
		return nil, err
	}
	staff, err := d.db.Evidence.Staff(ctx)
	if err != nil {
		return nil, err
	}
	own, err := d.choices.brands.Get(ctx, by, "")
	if err != nil {
		return nil, err
	}
	return []overview.Step{
		{Name: "mail", URL: admin.Home + "/settings", Done: d.cfg.Mail.SMTPURL != ""},
		{Name: "odoo", URL: admin.Home + "/odoo", Done: len(odoos) > 0},
		{Name: "policy", URL: admin.Home + "/policies", Done: len(rules) > 0},
		{Name: "administrators", URL: admin.Home + "/policies/new?template=administrators", Done: resistant(rules, d.now())},
		{Name: "branding", URL: admin.Home + "/branding", Done: !own.Empty()},
		{Name: "owner", URL: admin.Home + "/users/new", Done: activeOwners(staff) > 1},
	}, nil
}

// resistant reports whether policies ask whoever administers for what resists
// phishing, once everybody's time to set it up is over (SECURITY.md M-15): an
// employee with a role and in no group, so that it holds for the next one, too.
func resistant(all []policy.Policy, now time.Time) bool {
	due := make([]policy.Policy, 0, len(all))
	for _, p := range all {
		if p.Enabled {
			due = append(due, p.Due())
		}
	}
	f := policy.Facts{Kind: string(idp.Internal), Administrator: true, Anywhere: true, Now: now}
	return policy.Decide(due, f).Assurance == policy.PhishingResistant
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
func (d *dashboard) deadlines(ctx context.Context, by idp.Actor) ([]overview.Deadline, error) {
	all, err := d.db.Policies.InForce(ctx)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(p policy.Policy) bool { return p.What.Enrolment.Deadline == "" })
	if len(all) == 0 {
		return nil, nil
	}
	known, err := d.rules.book().Coverage(ctx, by, false)
	if err != nil {
		return nil, err
	}
	var out []overview.Deadline
	for _, p := range all {
		day, err := time.Parse("2006-01-02", string(p.What.Enrolment.Deadline))
		c, counted := known.By[p.ID]
		if err != nil || !counted || day.Before(d.now().Add(-30*24*time.Hour)) {
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
func (d *dashboard) odooHealth(ctx context.Context, by idp.Actor) ([]overview.Connection, error) {
	of := d.odoo.office()
	all, err := of.Register.List(ctx, by)
	var out []overview.Connection
	for _, c := range all {
		last, also := of.Doctor.Last(ctx, by, c.ID)
		row := overview.Connection{Name: c.ID, URL: admin.Home + "/odoo/" + url.PathEscape(c.ID), Well: c.Health.Well(), Since: c.Health.Good, Examined: last.At}
		if worst, found := last.Worst(); found {
			row.Worst = &worst
		}
		out, err = append(out, row), errors.Join(err, also)
	}
	return out, err
}

// outlook is the deadlines of the dashboard, for programs.
func (d *dashboard) outlook(ctx context.Context, by idp.Actor) ([]api.Deadline, error) {
	all, err := d.deadlines(ctx, by)
	var out []api.Deadline
	for _, a := range all {
		out = append(out, api.Deadline{Policy: a.Policy, Day: a.Day.UTC(), NotReady: a.NotReady})
	}
	return out, err
}
