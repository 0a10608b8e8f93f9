package main

import (
	"cmp"
	"context"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/evidence"
	"latchkey/idp/figures"
	"latchkey/idp/odoo/connector"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/admin/records"
)

// recordSide is what happened, and what can be shown of it.
type recordSide struct {
	*ground
	rules *ruleSide
	odoo  *odooSide
}

// log is what people and background tasks do with the log.
func (r *recordSide) log(ctx context.Context) (*audit.Service, error) {
	keys, err := r.db.AuditKeys(ctx)
	if err != nil {
		return nil, err
	}
	return &audit.Service{
		Reader: r.db.AuditReader, Chain: r.db.Audit, Work: r.db.AuditWork, Log: r.db.Log, Keys: keys, Now: r.now, Targets: targetsOf(r.cfg),
		Sequencer: &audit.Sequencer{Chain: r.db.Audit, Work: r.db.AuditWork, Keys: keys, Holder: instance, Now: r.now, Forged: forged},
	}, nil
}

// counter keeps the figures.
func (r *recordSide) counter(report func(error)) *figures.Counter {
	return &figures.Counter{Store: r.db.Figures, Now: r.now, Report: report}
}

// figures reads what the counter kept.
func (r *recordSide) figures() *figures.Service {
	return &figures.Service{Store: r.db.Figures, Now: r.now}
}

// evidence makes reports.
func (r *recordSide) evidence() *evidence.Service {
	return &evidence.Service{
		Store: r.db.Evidence, Figures: r.db.Figures, Log: r.db.Log, Now: r.now,
		Sources: evidence.Sources{Rules: r.rulesInForce, Ways: r.waysAround, Chain: r.chainState},
	}
}

// rulesInForce are the policies with the version that is in force.
func (r *recordSide) rulesInForce(ctx context.Context, by idp.Actor) ([]evidence.Rule, []policy.Policy, error) {
	all, err := r.db.Policies.InForce(ctx)
	if err != nil {
		return nil, nil, err
	}
	book := r.rules.book()
	var out []evidence.Rule
	for i, p := range all {
		body, err := policy.Format(all[i : i+1])
		if err != nil {
			return nil, nil, err
		}
		rule := evidence.Rule{ID: p.ID, Name: p.Name, Body: string(body)}
		last, err := book.History(ctx, by, p.ID, 0, 1)
		if err != nil {
			return nil, nil, err
		}
		if len(last) > 0 {
			rule.Version, rule.Since, rule.By = last[0].Number, last[0].At, cmp.Or(last[0].Who, "command line")
		}
		out = append(out, rule)
	}
	return out, all, nil
}

// askOdoo is how long one Odoo may take for a report.
const askOdoo = 20 * time.Second

// waysAround asks the doctor about every Odoo. One that cannot be asked is a
// line of its own.
func (r *recordSide) waysAround(ctx context.Context, by idp.Actor) ([]evidence.Way, error) {
	c := r.odoo.office()
	all, err := c.Register.List(ctx, by)
	var out []evidence.Way
	for _, o := range all {
		limited, cancel := context.WithTimeout(ctx, askOdoo)
		d, err := c.Doctor.Examine(limited, by, o.ID, false)
		cancel()
		if err != nil {
			why := connector.Why(err).Said
			out = append(out, evidence.Way{
				Connection: o.ID, Check: "reach", Level: "problem", Evidence: "it could not be asked: " + err.Error(), Cure: "see the connection's page",
				Says: why.Says, Facts: why.Facts, Detail: why.Detail,
			})
			continue
		}
		for _, f := range d.Findings {
			out = append(out, evidence.Way{
				Connection: o.ID, Check: f.Check, Level: string(f.Level), Evidence: f.Evidence, Cure: f.Cure, Says: f.Says, Facts: f.Facts, Detail: f.Detail,
			})
		}
	}
	return out, err
}

// chainState is how the log stands.
func (r *recordSide) chainState(ctx context.Context, by idp.Actor) (evidence.Chain, error) {
	s, err := r.log(ctx)
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

// sections are the pages that look back.
func (r *recordSide) sections(log *audit.Service) []admin.Section {
	return (&records.Pages{Log: log, Find: r.rules.accounts.Find}).Sections()
}
