package connector

import (
	"context"
	"slices"

	"latchkey/idp"
	"latchkey/idp/account"
)

// create brings in who is new, by the same rules as the import.
func (r *syncRun) create(ctx context.Context, all []Person) error {
	all = slices.DeleteFunc(all, func(p Person) bool { return !candidateThere(p) })
	if len(all) == 0 {
		return nil
	}
	open, err := r.open(ctx)
	if err != nil {
		return err
	}
	i := Import{Accounts: r.accounts, Directory: r.directory, Ties: r.ties, Customers: r.customers, Connection: r.c, DryRun: r.DryRun}
	b := births{out: map[int64]bool{}, adopted: map[int64]bool{}, came: map[int64]newcomer{}}
	i.Found, i.Came = b.found, b.comes
	report, err := i.Run(ctx, syncActor(r.c), &listed{all: all, open: open})
	r.counts.Created += report.Added
	if err != nil {
		return err
	}
	for _, f := range b.left {
		if f.Class != Template && f.Class != NoKind {
			r.counts.LeftOut++
			r.note(f.Odoo, f.Login, f.Class, Note{Text: f.Text, Said: f.Said})
		}
	}
	for _, p := range all {
		if b.out[p.ID] {
			continue
		}
		if n, is := b.came[p.ID]; is && p.Active && !b.adopted[p.ID] {
			r.came = append(r.came, n)
		}
		if err := r.tell("create", Held{Tie: Tie{Odoo: p.ID, Login: p.Login}}, Note{}); err != nil {
			return err
		}
	}
	return nil
}

// once asks at the first time only: a run that brings nobody in asks nothing, and
// one that does goes by what is so now. Who opened sign-up since the last
// examination would else have strangers taken for owners of their addresses.
func once(ask func(context.Context) (bool, error)) func(context.Context) (bool, error) {
	asked, open := false, false
	return func(ctx context.Context) (bool, error) {
		if asked {
			return open, nil
		}
		var err error
		open, err = ask(ctx)
		asked = err == nil
		return open, err
	}
}

// births is what an import says of those whom a run brings in.
type births struct {
	left         []ImportFinding
	out, adopted map[int64]bool
	came         map[int64]newcomer
}

func (b *births) found(f ImportFinding) error {
	switch {
	case f.Out:
		b.left, b.out[f.Odoo] = append(b.left, f), true
	case f.Class == Exists: // they had an account
		b.adopted[f.Odoo] = true
	}
	return nil
}

func (b *births) comes(p Person, in account.New, id idp.UserID) {
	b.came[p.ID] = newcomer{id, p.ID, p.Login, in.ProvenEmail && in.Email != "" && in.Password == "" && in.PasswordHash == ""}
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
