package connector

import (
	"context"
	"errors"
	"slices"

	"latchkey/idp"
	"latchkey/idp/account"
)

// meets is told by package account of a row whose names one person has.
func (r *importRun) meets(ctx context.Context, row account.Row, there idp.User) (bool, error) {
	a := r.waiting[row.Line]
	// Nobody with a role is an Odoo's to tie, or to put into groups (SECURITY.md D-02).
	// Nor does a customer who made their own account become an employee by being so called.
	if a == nil || a.p.ID == 0 || there.Role != "" || a.p.Internal && ownCustomer(there) || r.options().choice(Exists) != Adopt {
		return false, nil
	}
	settled, err := r.adopt(ctx, a, there)
	if settled && err == nil {
		r.report.Adopted++
		err = r.tell(a.p, Exists, say("import.value", there.Login), false)
	}
	return settled, err
}

func (r *importRun) adopt(ctx context.Context, a *arrival, there idp.User) (bool, error) {
	_, err := r.Ties.ByUser(ctx, r.Connection.ID, there.ID)
	if err == nil || !errors.Is(err, idp.ErrNotFound) {
		return false, err // somebody else of this Odoo's is that person already
	}
	join := slices.DeleteFunc(slices.Clone(a.verdict.in.Groups), func(g string) bool { return slices.Contains(there.Groups, g) })
	if r.DryRun {
		fed, err := r.fed(ctx, join)
		return !fed && err == nil, err
	}
	err = r.Accounts.Atomic(ctx, func(ctx context.Context) error {
		for _, g := range join { // as by hand: who may, into which groups, with a line in the log (SECURITY.md D-01, D-02, D-07)
			if err := r.accounts.Memberships().Join(ctx, r.by, g, there.ID); err != nil {
				return err
			}
		}
		return r.arrived(ctx, a, there.ID, false)
	})
	if errors.Is(err, idp.ErrTaken) || errors.Is(err, account.ErrFed) {
		return false, nil
	}
	return err == nil, err
}

// fed reports whether something else fills one of the groups.
func (r *importRun) fed(ctx context.Context, groups []string) (bool, error) {
	if r.by.Host || r.accounts.Fed == nil {
		return false, nil
	}
	for _, g := range groups {
		if _, fed, err := r.accounts.Fed(ctx, g); fed || err != nil {
			return fed, err
		}
	}
	return false, nil
}
