package mfa

import (
	"context"
	"time"
)

// Engine runs ceremonies. Its fields and factors are set once, before first
// use; afterwards it is safe for concurrent use.
//
// Judging an answer has the same phases for every factor:
//
//  1. the challenge is looked up: it must be this person's, of this kind of
//     ceremony, begun by this sign-in or session, and in time;
//  2. the try is counted, on the challenge and on the person's budgets, each
//     in a commit of its own, before anything is compared;
//  3. the factor judges;
//  4. what a right answer changes is written in one transaction: the
//     credential's new version, the spent challenge, the forgiven budgets and
//     whatever the caller adds. Of two parallel right answers one wins.
//
// Check and Confirm must not be called inside an Atomic: a try that is rolled
// back with a failing sign-in is no limit.
type Engine struct {
	Credentials Credentials
	Challenges  Challenges
	Limiter     Limiter
	Atomic      Atomic
	Now         func() time.Time
	Rules       Rules

	roster roster
}

// Register adds factors in the order in which people are offered them.
func (e *Engine) Register(fs ...Factor) {
	for _, f := range fs {
		e.roster.add(f)
	}
}

// Kinds lists the registered factors that are ready, in the order of Register.
func (e *Engine) Kinds() []Kind { return e.roster.kinds() }

// Sends reports whether the factor of a kind is [Sending].
func (e *Engine) Sends(k Kind) bool { return e.roster.sends(k) }

// Lent lists the kinds that could work for the subject without an enrolment.
func (e *Engine) Lent(s Subject) []Kind { return e.roster.lent(s) }

// Held lists what the subject holds, of every kind.
func (e *Engine) Held(ctx context.Context, s SubjectID) ([]Credential, error) {
	return e.Credentials.Held(ctx, s)
}

// Drop removes one credential, or fails with ErrNotHeld.
func (e *Engine) Drop(ctx context.Context, s SubjectID, id CredentialID) error {
	return e.Credentials.Drop(ctx, s, id)
}

// DropAll removes every credential of the subject.
func (e *Engine) DropAll(ctx context.Context, s SubjectID) error {
	return e.Credentials.DropAll(ctx, s)
}

// Pending returns a ceremony under way, so that a reloaded page shows the same
// prompt again. ErrExpired when it is over, or somebody else's.
func (e *Engine) Pending(ctx context.Context, s SubjectID, id ChallengeID, binding string) (Challenge, error) {
	return e.ceremonies().pending(ctx, s, id, binding)
}

// The parts of the work, each with what it needs of the engine.

func (e *Engine) ceremonies() ceremonies {
	return ceremonies{e.Challenges, e.Limiter, e.Rules, &e.roster, e.Now}
}

func (e *Engine) holdings() holdings { return holdings{e.Credentials, e.Now} }
