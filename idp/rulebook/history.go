package rulebook

import (
	"context"
	"fmt"

	"latchkey/idp"
	"latchkey/mfa/policy"
)

// History lists versions of a policy, newest first, before a number (0: from
// the newest on).
func (s reader) History(ctx context.Context, by idp.Actor, id string, before, limit int) ([]Version, error) {
	if err := by.May(idp.SeeRules); err != nil {
		return nil, err
	}
	return s.Store.Versions(ctx, id, before, limit)
}

// Version is one of them. It fails with idp.ErrNotFound.
func (s reader) Version(ctx context.Context, by idp.Actor, id string, number int) (Version, error) {
	if err := by.May(idp.SeeRules); err != nil {
		return Version{}, err
	}
	return s.Store.Version(ctx, id, number)
}

// Gone lists the policies that were removed, the last one first.
func (s reader) Gone(ctx context.Context, by idp.Actor) ([]Version, error) {
	if err := by.May(idp.SeeRules); err != nil {
		return nil, err
	}
	const most = 50
	return s.Store.Gone(ctx, most)
}

// Between lists in what two versions differ.
func (s reader) Between(ctx context.Context, by idp.Actor, id string, from, to int) ([]Change, error) {
	var ps [2]policy.Policy
	for i, n := range []int{from, to} {
		v, err := s.Version(ctx, by, id, n)
		if err != nil {
			return nil, err
		}
		if ps[i], err = v.Read(); err != nil {
			return nil, fmt.Errorf("version %d: %w", n, err)
		}
	}
	return Diff(ps[0], ps[1])
}
