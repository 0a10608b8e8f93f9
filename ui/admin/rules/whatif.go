package rules

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/idp/signin"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type whatIfView struct {
	admin.Head
	Fields admin.Fields
	Answer *answerView
}

// answerView is what would happen, in words.
type answerView struct {
	Who      string
	Shut     []stepRow // what keeps them out whatever policies say
	Steps    []stepRow
	Trust    string
	Limits   []string
	Reasons  []whyRow
	Policies []partRow
	Ahead    []aheadRow
	Drafted  string
}

type stepRow struct {
	Text, More string
	Bad        bool
}

type partRow struct {
	Name, Verdict string
	Chip          string // good, warn or nothing
}

type aheadRow struct {
	Day   string
	Steps []stepRow
}

func (p *Pages) whatIf(c *page.Context, v admin.Visit) error {
	s, err := p.speaker(c.Context(), c)
	if err != nil {
		return err
	}
	k, err := p.Rules.Clients.All(c.Context())
	if err != nil {
		return err
	}
	ids := make([]string, len(k))
	for i := range k {
		ids[i] = string(k[i].ID)
	}
	there, fresh, err := p.Rules.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	view := whatIfView{Head: v.Head(c, trail(c)...), Fields: s.asks(c, ids, there, fresh)}
	if c.Query("user") == "" {
		return c.Show(set, http.StatusOK, "whatif.html", view)
	}
	q := rulebook.Question{Who: c.Query("user"), Client: c.Query("client"), Address: strings.TrimSpace(c.Query("address")), Draft: c.Query("draft")}
	if day := c.Query("day"); day != "" {
		at, ok := policy.Date(day).Start()
		if !ok {
			view.Fields = view.Fields.Marked("day", c.Words.T("admin.policies.wrong.day"))
			return c.Show(set, http.StatusBadRequest, "whatif.html", view)
		}
		q.At = later(at, c.Now())
	}
	a, err := p.Rules.WhatIf(c.Context(), v.By, q)
	if bad := (*rulebook.FieldError)(nil); errors.As(err, &bad) {
		for _, f := range []string{"who", "client", "address"} {
			if wrongIn(err, f) {
				name := map[string]string{"who": "user"}[f]
				if name == "" {
					name = f
				}
				view.Fields = view.Fields.Marked(name, c.Words.T(fmt.Sprintf("admin.policies.wrong.%s", name)))
			}
		}
		return c.Show(set, http.StatusBadRequest, "whatif.html", view)
	} else if err != nil {
		return err
	}
	out := s.answer(a)
	view.Answer = &out
	return c.Show(set, http.StatusOK, "whatif.html", view)
}

// later is the beginning of a day, or now if that has passed: the day that has
// begun is the rest of it.
func later(day, now time.Time) time.Time {
	if day.Before(now) && day.AddDate(0, 0, 1).After(now) {
		return now
	}
	return day
}

// wrongIn reports whether one of joined errors names a field.
func wrongIn(err error, field string) bool {
	if j, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // the tree itself is walked
		for _, e := range j.Unwrap() {
			if wrongIn(e, field) {
				return true
			}
		}
		return false
	}
	var f *rulebook.FieldError
	return errors.As(err, &f) && f.Field == field
}

// asks are the fields of the question.
func (s speaker) asks(c *page.Context, clients []string, there []rulebook.Entry, fresh []rulebook.Draft) admin.Fields {
	choose := func(name, label, none string, values, labels []string) admin.Field {
		f := admin.Field{Name: name, Label: label, Type: "select", Options: []admin.Option{{Label: none, Chosen: c.Query(name) == ""}}}
		for i, v := range values {
			f.Options = append(f.Options, admin.Option{Value: v, Label: labels[i], Chosen: c.Query(name) == v})
		}
		return f
	}
	var names, drafts, drafted []string
	for _, id := range clients {
		names = append(names, s.client(id))
	}
	for _, e := range there {
		if e.Draft != nil {
			drafts, drafted = append(drafts, e.Policy.ID), append(drafted, e.Draft.Policy.Name)
		}
	}
	for _, d := range fresh {
		drafts, drafted = append(drafts, d.Policy.ID), append(drafted, d.Policy.Name)
	}
	out := admin.Fields{
		{Name: "user", Label: s.T("admin.policies.except_user"), Value: c.Query("user"), Required: true, Mono: true},
		choose("client", s.T("admin.policies.whatif_client"), s.T("admin.policies.whatif_own"), clients, names),
		{Name: "address", Label: s.T("admin.policies.whatif_address"), Help: s.T("admin.policies.whatif_address_help"), Value: c.Query("address"), Mono: true},
		{Name: "day", Label: s.T("admin.policies.whatif_day"), Help: s.T("admin.policies.whatif_day_help"), Type: "date", Value: c.Query("day")},
	}
	if len(drafts) > 0 {
		out = append(out, choose("draft", s.T("admin.policies.whatif_draft"), s.T("admin.policies.whatif_in_force"), drafts, drafted))
	}
	return out
}

func (s speaker) answer(a rulebook.Answer) answerView {
	out := answerView{Who: called(a.User), Drafted: a.Drafted}
	for _, o := range a.Obstacles {
		out.Shut = append(out.Shut, s.obstacle(o))
	}
	out.Steps = s.steps(a.Signin)
	d := a.Decision
	if d.TrustDays > 0 && d.Demands() {
		out.Trust = s.N("admin.policies.whatif_trust", d.TrustDays)
	}
	for _, r := range d.Reasons {
		out.Reasons = append(out.Reasons, whyRow{Policy: s.by(r), Text: s.reason(r)})
	}
	for _, p := range a.Policies {
		row := partRow{Name: p.Name, Verdict: s.T(fmt.Sprintf("admin.policies.verdict.%s", p.Verdict))}
		switch p.Verdict {
		case policy.Holds:
			row.Chip = "good"
		case policy.Ahead, policy.Exempted:
			row.Chip, row.Verdict = "warn", s.T(fmt.Sprintf("admin.policies.verdict.%s", p.Verdict), s.Date(p.Until.UTC()))
		}
		out.Policies = append(out.Policies, row)
	}
	for i, f := range a.Ahead {
		out.Ahead = append(out.Ahead, aheadRow{s.Date(d.Ahead[i].At.UTC()), s.steps(f)})
	}
	return out
}

// obstacle is what keeps somebody out, and for how long, in words.
func (s speaker) obstacle(o rulebook.Obstacle) stepRow {
	row := stepRow{Text: s.T(fmt.Sprintf("admin.policies.obstacle.%s", o.What)), Bad: true}
	until := s.T("admin.users.lock_forever")
	if !o.Until.IsZero() {
		until = s.T("admin.policies.obstacle.until", s.DateTime(o.Until.UTC()))
	}
	switch o.What {
	case rulebook.ObstacleInvited:
		row.More = s.T("admin.policies.obstacle.invited_text", s.Date(o.Since.UTC()), s.DateTime(o.Until.UTC()))
	case rulebook.ObstacleOver:
		row.More = s.T("admin.policies.obstacle.invitation_over_text", s.Date(o.Since.UTC()))
	case rulebook.ObstacleNoPassword:
		row.More = s.T("admin.policies.obstacle.no_password_text")
	case rulebook.ObstaclePassword:
		row.More = until
	case rulebook.ObstacleFactor:
		row.More = until
		if o.Method != "" {
			row.More = s.methods([]string{string(o.Method)}) + ". " + until
		}
	}
	return row
}

// steps are the way through a sign-in, in words.
func (s speaker) steps(f signin.Forecast) (out []stepRow) {
	for i, st := range f.Steps {
		row := stepRow{Text: s.T(fmt.Sprintf("admin.policies.step.%s", st))}
		last := i == len(f.Steps)-1
		switch st {
		case signin.AskPassword:
			if f.First == idp.Passkey {
				row.Text = s.T("factor.passkey.name")
			}
		case signin.AskFactor:
			row.More = s.methods(kinds(f.Methods))
		case signin.MustEnrol, signin.MayEnrol:
			row.More = s.methods(kinds(f.Addable))
		}
		if last && f.Stuck {
			row.Bad, row.More = true, s.T("admin.policies.step.stuck")
		}
		out = append(out, row)
	}
	return out
}
