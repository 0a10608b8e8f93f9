package mfa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// Response is the answer to one challenge.
type Response struct {
	ID     ChallengeID
	Answer Answer
}

// Enroll starts adding a factor of kind k. The challenge is good only together
// with binding. Its write joins an Atomic in ctx, unless the factor is
// [Sending]. ErrNoFactor when nothing of that kind is registered.
func (e *Engine) Enroll(ctx context.Context, s Subject, k Kind, binding string) (Challenge, error) {
	f, err := e.roster.factor(k)
	if err != nil {
		return Challenge{}, err
	}
	held, err := e.holdings().of(ctx, s.ID, k)
	if err != nil {
		return Challenge{}, err
	}
	prompt, state, err := f.Enroll(ctx, s, held)
	if err != nil {
		return Challenge{}, err
	}
	c := e.ceremonies().begin(Challenge{Subject: s.ID, Kind: k, Adding: true, Binding: binding, State: state, Prompt: prompt})
	return c, e.Open(ctx, c)
}

// Confirm judges one answer per challenge, all or none: nothing is held before
// every one of them is right. The first is the factor itself, and counts on
// the limits. The new credentials, the spent challenges and what then writes
// are one transaction; then may be nil. Credentials of a [Sole] factor replace
// those held before.
//
// Errors are those of Check.
func (e *Engine) Confirm(ctx context.Context, s Subject, binding string, rs []Response, then func(ctx context.Context, made []Credential) error) error {
	var cs []Challenge
	var made []Credential
	for i, r := range rs {
		c, f, err := e.ceremonies().half(ctx, s.ID, r.ID, binding, true)
		if err != nil {
			return err
		}
		if i == 0 {
			if err := e.ceremonies().count(ctx, s, c); err != nil {
				return err
			}
		}
		cred, err := f.Confirm(ctx, s, c.State, r.Answer)
		if err != nil {
			return err
		}
		cred.ID, cred.Subject, cred.Kind = CredentialID(rand.Text()), s.ID, c.Kind
		cred.Version, cred.Created = 0, e.Now()
		cs, made = append(cs, c), append(made, cred)
	}
	if len(made) == 0 {
		return ErrExpired
	}
	old, err := e.holdings().replaced(ctx, s.ID, made, e.roster.sole)
	if err != nil {
		return err
	}
	err = e.Atomic(ctx, func(ctx context.Context) error {
		if err := e.holdings().replace(ctx, old, made); err != nil {
			return err
		}
		if err := e.ceremonies().settle(ctx, cs[0], cs[1:]...); err != nil || then == nil {
			return err
		}
		return then(ctx, made)
	})
	if errors.Is(err, ErrNotHeld) { // what this one replaces was replaced or dropped meanwhile
		return fmt.Errorf("%w: %w", ErrExpired, err)
	}
	return lost(err)
}
