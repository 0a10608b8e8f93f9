package mfa

import (
	"context"
	"errors"
	"fmt"
)

// Discover starts a verification of whoever will answer, with a factor that is
// [Discovering]. Nothing is stored, so that strangers fill no table (SECURITY.md
// C-12): the caller keeps the challenge, sealed, with the browser that asked.
func (e *Engine) Discover(ctx context.Context, k Kind, binding string) (Challenge, error) {
	f, ok := e.discovering(k)
	if !ok {
		return Challenge{}, fmt.Errorf("%w: %q", ErrNoFactor, k)
	}
	prompt, state, err := f.Discover(ctx)
	if err != nil {
		return Challenge{}, err
	}
	return e.challenge(Challenge{Kind: k, Binding: binding, State: state, Prompt: prompt}), nil
}

// Claimed finds the credential that an answer to a discovery claims to come
// from. Nothing is proven by it. ErrWrong when there is none.
func (e *Engine) Claimed(ctx context.Context, k Kind, a Answer) (Credential, error) {
	f, ok := e.discovering(k)
	if !ok {
		return Credential{}, fmt.Errorf("%w: %q", ErrNoFactor, k)
	}
	handle, err := f.Handle(a)
	if err != nil {
		return Credential{}, err
	}
	c, err := e.Credentials.ByHandle(ctx, k, handle)
	if errors.Is(err, ErrNotHeld) {
		return Credential{}, fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return c, err
}

// CheckDiscovered judges the answer of somebody who was found by it. A
// signature cannot be guessed, so no try is counted; the challenge is good
// once, whoever holds it. The rest is as in Check.
func (e *Engine) CheckDiscovered(ctx context.Context, s Subject, c Challenge, binding string, held Credential, a Answer, then func(ctx context.Context, used Credential) error) (Credential, error) {
	if c.Subject != "" || c.Adding || c.Binding != binding || !e.Now().Before(c.Expires) || held.Subject != s.ID || held.Kind != c.Kind {
		return Credential{}, ErrExpired
	}
	f, ok := e.factors[c.Kind]
	if !ok {
		return Credential{}, ErrExpired
	}
	proven, err := f.Check(ctx, s, []Credential{held}, c.State, a)
	if err != nil {
		return Credential{}, err
	}
	used, err := e.used([]Credential{held}, proven)
	if err != nil {
		return Credential{}, err
	}
	err = e.Atomic(ctx, func(ctx context.Context) error {
		if err := e.Challenges.Burn(ctx, c); err != nil {
			return err
		}
		if err := e.keep(ctx, used); err != nil || then == nil {
			return err
		}
		return then(ctx, used)
	})
	if err != nil {
		return Credential{}, lost(err)
	}
	return used, nil
}

func (e *Engine) discovering(k Kind) (Discovering, bool) {
	g, ok := e.factors[k].(guarded)
	if !ok {
		return nil, false
	}
	if _, ok := g.Factor.(Discovering); !ok {
		return nil, false
	}
	return g, true
}
