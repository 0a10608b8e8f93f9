package odoo

import (
	"context"
	"fmt"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// surgery examines connections, and puts right what the doctor found.
type surgery struct {
	office examiner
	work   bench
}

// examiner is the doctor.
type examiner interface {
	Examine(ctx context.Context, by idp.Actor, id string, fix bool) (connector.Diagnosis, error)
	Cure(ctx context.Context, by idp.Actor, id, check string) (connector.Diagnosis, error)
}

func (s surgery) doctor(c *page.Context, v admin.Visit) error {
	one, by := id(c), v.By
	return s.work.start(c, v, "odoo.doctor", one, func(ctx context.Context, _ *job.Run) (any, error) { return s.office.Examine(ctx, by, one, false) })
}

// cure puts right what one check found, or everything that can be.
func (s surgery) cure(c *page.Context, v admin.Visit) error {
	one, by, check := id(c), v.By, c.Form("check")
	return s.work.start(c, v, "odoo.doctor", one, func(ctx context.Context, _ *job.Run) (any, error) {
		if check == "" {
			return s.office.Examine(ctx, by, one, true)
		}
		return s.office.Cure(ctx, by, one, check)
	})
}

func drawDoctor(c *page.Context, v admin.Visit, j job.Job, view *jobView) error {
	var d connector.Diagnosis
	if err := j.Read(&d); err != nil {
		return err
	}
	view.Checks, view.Clean = len(d.Checks), len(d.Findings) == 0
	for _, f := range d.Findings {
		view.Findings = append(view.Findings, findingOf(c, v, f))
	}
	return nil
}

// findingView is something that the doctor found.
type findingView struct {
	odoowords.Line
	Chip, Level string
	EnglishCure string         // where there is no other
	Failed      odoowords.Line // why it could not be put right
	Check       string         // to cure it; empty: it cannot be, or is
}

func findingOf(c *page.Context, v admin.Visit, f connector.Finding) findingView {
	out := findingView{Chip: "chip-warn", Level: c.Words.T(fmt.Sprintf("admin.odoo.level.%s", f.Level))}
	out.Line, out.EnglishCure = odoowords.Finding(c.Words, f)
	out.Failed = failure(c.Words, f.Why, f.Failed)
	switch {
	case f.Fixed:
		out.Chip, out.Level = "chip-good", c.Words.T("admin.odoo.level.fixed")
	case f.Gone:
		out.Chip, out.Level = "chip-good", c.Words.T("admin.odoo.level.gone")
	case f.Says == "unread":
	case f.Level == connector.Problem:
		out.Chip = "chip-bad"
	}
	if f.Fixable && !f.Over() && v.May(idp.EditOdoo) {
		out.Check = f.Check
	}
	return out
}
