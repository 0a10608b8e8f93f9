package connector

import (
	"context"
	"slices"
)

// create brings in who is new, by the same rules as the import.
func (r *syncRun) create(ctx context.Context, all []Person, open bool) error {
	all = slices.DeleteFunc(all, func(p Person) bool { return !candidateThere(p) })
	if len(all) == 0 {
		return nil
	}
	i := Import{Accounts: r.accounts, Directory: r.directory, Ties: r.ties, Customers: r.customers, Connection: r.c, DryRun: r.DryRun}
	var out []ImportFinding
	i.Found = func(f ImportFinding) error {
		if f.Out {
			out = append(out, f)
		}
		return nil
	}
	report, err := i.Run(ctx, syncActor(r.c), &listed{all: all, open: open})
	r.counts.Created += report.Added
	if err != nil {
		return err
	}
	for _, f := range out {
		if f.Class != Template && f.Class != NoKind {
			r.counts.LeftOut++
			r.note(f.Odoo, f.Login, f.Class, Note{Text: f.Text, Said: f.Said})
		}
	}
	for _, p := range all {
		left := slices.ContainsFunc(out, func(f ImportFinding) bool { return f.Odoo == p.ID })
		if r.Found != nil && !left {
			if err := r.Found(SyncChange{What: "create", Odoo: p.ID, Login: p.Login}); err != nil {
				return err
			}
		}
	}
	return nil
}

// listed are users that were read already.
type listed struct {
	all  []Person
	open bool
	done bool
}

func (l *listed) Begin(context.Context, bool) error { l.done = false; return nil }

func (l *listed) Next(context.Context) ([]Person, error) {
	if l.done {
		return nil, nil
	}
	l.done = true
	return slices.Clone(l.all), nil
}

func (l *listed) Part() float64 { return 1 }

func (l *listed) OpenSignUp() bool { return l.open }
