package mfa

import (
	"context"
	"fmt"
)

// Ask is Prepare and Open in one.
func (e *Engine) Ask(ctx context.Context, s Subject, k Kind, binding string) (Challenge, error) {
	c, err := e.Prepare(ctx, s, k, binding)
	if err != nil {
		return Challenge{}, err
	}
	return c, e.Open(ctx, c)
}

// Prepare starts a verification with a factor that the subject holds, or that
// is [Lending], or fails with ErrNotHeld. It must not run inside an Atomic,
// because sending is counted. The challenge is good once Open has stored it.
func (e *Engine) Prepare(ctx context.Context, s Subject, k Kind, binding string) (Challenge, error) {
	f, held, err := e.ready(ctx, s, k)
	if err != nil {
		return Challenge{}, err
	}
	prompt, state, err := f.Ask(ctx, s, held)
	if err != nil {
		return Challenge{}, err
	}
	return e.ceremonies().begin(Challenge{Subject: s.ID, Kind: k, Binding: binding, State: state, Prompt: prompt}), nil
}

// Open stores a prepared challenge. Its write joins an Atomic in ctx.
func (e *Engine) Open(ctx context.Context, c Challenge) error { return e.Challenges.Put(ctx, c) }

// Again sends once more what a [Sending] factor sent for a challenge, or makes
// new options of a key's ceremony, which are good for one go (SECURITY.md W-01).
// What was sent or asked before is void; the tries that are used up stay so
// (T-07).
func (e *Engine) Again(ctx context.Context, s Subject, id ChallengeID, binding string) (Challenge, error) {
	c, err := e.Pending(ctx, s.ID, id, binding)
	if err != nil {
		return Challenge{}, err
	}
	if c.Tries >= e.ceremonies().most(s) { // a code for it would be sent in vain
		return Challenge{}, ErrExpired
	}
	if !e.roster.sends(c.Kind) && c.Prompt.Shape != ShapeKey {
		return Challenge{}, ErrExpired
	}
	if c.Adding {
		f, err := e.roster.factor(c.Kind)
		if err != nil {
			return Challenge{}, err
		}
		held, err := e.holdings().of(ctx, s.ID, c.Kind)
		if err != nil {
			return Challenge{}, err
		}
		if c.Prompt, c.State, err = f.Enroll(ctx, s, held); err != nil {
			return Challenge{}, err
		}
		return c, e.Challenges.Renew(ctx, c)
	}
	f, held, err := e.ready(ctx, s, c.Kind)
	if err != nil {
		return Challenge{}, err
	}
	if c.Prompt, c.State, err = f.Ask(ctx, s, held); err != nil {
		return Challenge{}, err
	}
	return c, e.Challenges.Renew(ctx, c)
}

// ready returns what a verification needs: the factor and what the subject
// holds of it or is lent.
func (e *Engine) ready(ctx context.Context, s Subject, k Kind) (Factor, []Credential, error) {
	f, err := e.roster.factor(k)
	if err != nil {
		return nil, nil, err
	}
	held, err := e.holdings().of(ctx, s.ID, k)
	if err != nil {
		return nil, nil, err
	}
	if len(held) == 0 {
		c, ok := e.roster.lend(s, k)
		if !ok {
			return nil, nil, fmt.Errorf("%w: %q", ErrNotHeld, k)
		}
		held = []Credential{c}
	}
	return f, held, nil
}
