package mfa

import (
	"context"
	"errors"
	"fmt"
)

// Discovery verifies whoever will answer, with a factor that is [Discovering]:
// nobody is named before, so there is nobody whose tries could be counted.
type Discovery struct {
	ceremonies ceremonies
	holdings   holdings
	atomic     Atomic
}

// Discovery verifies people whom their answers name.
func (e *Engine) Discovery() Discovery {
	return Discovery{e.ceremonies(), e.holdings(), e.Atomic}
}

// Ask starts a verification. Nothing is stored, so that strangers fill no table
// (SECURITY.md C-12): the caller keeps the challenge, sealed, with the browser
// that asked.
func (d Discovery) Ask(ctx context.Context, k Kind, binding string) (Challenge, error) {
	f, err := d.ceremonies.roster.discovering(k)
	if err != nil {
		return Challenge{}, err
	}
	prompt, state, err := f.Discover(ctx)
	if err != nil {
		return Challenge{}, err
	}
	return d.ceremonies.begin(Challenge{Kind: k, Binding: binding, State: state, Prompt: prompt}), nil
}

// Claimed finds the credential that an answer to a discovery claims to come
// from. Nothing is proven by it. ErrWrong when there is none.
func (d Discovery) Claimed(ctx context.Context, k Kind, a Answer) (Credential, error) {
	f, err := d.ceremonies.roster.discovering(k)
	if err != nil {
		return Credential{}, err
	}
	handle, err := f.Handle(a)
	if err != nil {
		return Credential{}, err
	}
	c, err := d.holdings.credentials.ByHandle(ctx, k, handle)
	if errors.Is(err, ErrNotHeld) {
		return Credential{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return c, err
}

// Check judges the answer of somebody who was found by it. A
// signature cannot be guessed, so no try is counted; the challenge is good
// once, whoever holds it. The rest is as in [Engine.Check].
func (d Discovery) Check(ctx context.Context, s Subject, c Challenge, binding string, held Credential, a Answer, then func(ctx context.Context, used Credential) error) (Credential, error) {
	if c.Subject != "" || c.Adding || c.Binding != binding || d.ceremonies.over(c) || held.Subject != s.ID || held.Kind != c.Kind {
		return Credential{}, ErrExpired
	}
	f, err := d.ceremonies.roster.factor(c.Kind)
	if err != nil {
		return Credential{}, ErrExpired
	}
	proven, err := f.Check(ctx, s, []Credential{held}, c.State, a)
	if err != nil {
		return Credential{}, err
	}
	used, err := d.holdings.used([]Credential{held}, proven)
	if err != nil {
		return Credential{}, err
	}
	err = d.atomic(ctx, func(ctx context.Context) error {
		if err := d.ceremonies.challenges.Burn(ctx, c); err != nil {
			return err
		}
		if err := d.holdings.keep(ctx, used); err != nil || then == nil {
			return err
		}
		return then(ctx, used)
	})
	if err != nil {
		return Credential{}, lost(err)
	}
	return used, nil
}
