package mfa

import (
	"context"
	"errors"
)

// Check judges an answer. The credential's new version, the spent challenge,
// the forgiven budgets and what then writes are one transaction; then may be
// nil. It returns the credential as then saw it: the store raises its Version
// beyond that.
//
// ErrWrong, also for an answer that somebody else used at the same time;
// ErrExpired; ErrLocked as a [*LockedError].
func (e *Engine) Check(ctx context.Context, s Subject, id ChallengeID, binding string, a Answer, then func(ctx context.Context, used Credential) error) (Credential, error) {
	c, f, err := e.ceremonies().half(ctx, s.ID, id, binding, false)
	if err != nil {
		return Credential{}, err
	}
	if err := e.ceremonies().count(ctx, s, c); err != nil {
		return Credential{}, err
	}
	_, held, err := e.ready(ctx, s, c.Kind)
	if errors.Is(err, ErrNotHeld) { // dropped since it was asked for
		return Credential{}, ErrExpired
	} else if err != nil {
		return Credential{}, err
	}
	proven, err := f.Check(ctx, s, held, c.State, a)
	if err != nil {
		return Credential{}, err
	}
	used, err := e.holdings().used(held, proven)
	if err != nil {
		return Credential{}, err
	}
	err = e.Atomic(ctx, func(ctx context.Context) error {
		if err := e.holdings().keep(ctx, used); err != nil {
			return err
		}
		if err := e.ceremonies().settle(ctx, c); err != nil || then == nil {
			return err
		}
		return then(ctx, used)
	})
	if err != nil {
		return Credential{}, lost(err)
	}
	return used, nil
}
