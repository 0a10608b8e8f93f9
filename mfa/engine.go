package mfa

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
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

	factors map[Kind]Factor
	order   []Kind
}

// Response is the answer to one challenge.
type Response struct {
	ID     ChallengeID
	Answer Answer
}

// Register adds factors in the order in which people are offered them.
func (e *Engine) Register(fs ...Factor) {
	if e.factors == nil {
		e.factors = map[Kind]Factor{}
	}
	for _, f := range fs {
		if _, twice := e.factors[f.Kind()]; twice {
			panic(fmt.Sprintf("mfa: factor %q registered twice", f.Kind()))
		}
		e.factors[f.Kind()] = guarded{f}
		e.order = append(e.order, f.Kind())
	}
}

// Optional is a factor that comes and goes while the program runs, such as one
// that needs a gateway which somebody must set up first.
type Optional interface {
	Factor
	// Ready reports whether it can be used now.
	Ready() bool
}

// Kinds lists the registered factors that are ready, in the order of Register.
func (e *Engine) Kinds() []Kind {
	return slices.DeleteFunc(slices.Clone(e.order), func(k Kind) bool {
		g, _ := e.factors[k].(guarded)
		o, optional := g.Factor.(Optional)
		return optional && !o.Ready()
	})
}

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

// Enroll starts adding a factor of kind k. The challenge is good only together
// with binding. Its write joins an Atomic in ctx, unless the factor is
// [Sending]. ErrNoFactor when nothing of that kind is registered.
func (e *Engine) Enroll(ctx context.Context, s Subject, k Kind, binding string) (Challenge, error) {
	f, ok := e.factors[k]
	if !ok {
		return Challenge{}, fmt.Errorf("%w: %q", ErrNoFactor, k)
	}
	held, err := e.heldOf(ctx, s.ID, k)
	if err != nil {
		return Challenge{}, err
	}
	prompt, state, err := f.Enroll(ctx, s, held)
	if err != nil {
		return Challenge{}, err
	}
	c := e.challenge(Challenge{Subject: s.ID, Kind: k, Adding: true, Binding: binding, State: state, Prompt: prompt})
	return c, e.Open(ctx, c)
}

// challenge names a ceremony and gives it an end.
func (e *Engine) challenge(c Challenge) Challenge {
	c.ID = ChallengeID(rand.Text())
	c.Expires = e.Now().Add(e.Rules.orDefault().TTL)
	return c
}

// Pending returns a ceremony under way, so that a reloaded page shows the same
// prompt again. ErrExpired when it is over, or somebody else's.
func (e *Engine) Pending(ctx context.Context, s SubjectID, id ChallengeID, binding string) (Challenge, error) {
	c, err := e.Challenges.Get(ctx, id)
	if err != nil {
		return Challenge{}, err
	}
	// One error for all of these: whoever tries foreign challenges learns
	// nothing about them.
	if c.Subject != s || c.Binding != binding || !e.Now().Before(c.Expires) {
		return Challenge{}, ErrExpired
	}
	return c, nil
}

// pending is Pending for one half of the ceremonies: an answer to an enrolment
// is no proof of a factor that is held.
func (e *Engine) pending(ctx context.Context, s SubjectID, id ChallengeID, binding string, adding bool) (Challenge, Factor, error) {
	c, err := e.Pending(ctx, s, id, binding)
	if err != nil {
		return Challenge{}, nil, err
	}
	f, ok := e.factors[c.Kind]
	if !ok || c.Adding != adding {
		return Challenge{}, nil, ErrExpired
	}
	return c, f, nil
}

// most is how many tries a challenge has.
func (e *Engine) most(s Subject) int {
	most := e.Rules.orDefault().PerChallenge
	if s.Terms.Tries > 0 {
		return min(most, s.Terms.Tries)
	}
	return most
}

// count takes one try, before the answer is looked at: a right answer during a
// lock fares like a wrong one.
func (e *Engine) count(ctx context.Context, s Subject, c Challenge) error {
	if err := e.Challenges.Try(ctx, c.ID, e.most(s)); err != nil {
		return err
	}
	return e.Limiter.Take(ctx, Budgets(c.Subject, c.Kind, e.Rules)...)
}

// Check judges an answer. The credential's new version, the spent challenge,
// the forgiven budgets and what then writes are one transaction; then may be
// nil. It returns the credential as then saw it: the store raises its Version
// beyond that.
//
// ErrWrong, also for an answer that somebody else used at the same time;
// ErrExpired; ErrLocked as a [*LockedError].
func (e *Engine) Check(ctx context.Context, s Subject, id ChallengeID, binding string, a Answer, then func(ctx context.Context, used Credential) error) (Credential, error) {
	c, f, err := e.pending(ctx, s.ID, id, binding, false)
	if err != nil {
		return Credential{}, err
	}
	if err := e.count(ctx, s, c); err != nil {
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
	used, err := e.used(held, proven)
	if err != nil {
		return Credential{}, err
	}
	err = e.Atomic(ctx, func(ctx context.Context) error {
		if err := e.keep(ctx, used); err != nil {
			return err
		}
		if err := e.settle(ctx, c); err != nil || then == nil {
			return err
		}
		return then(ctx, used)
	})
	if err != nil {
		return Credential{}, lost(err)
	}
	return used, nil
}

// keep stores what a credential must remember of its use. One that is only
// lent remembers nothing: its challenge is spent, and that makes it once.
func (e *Engine) keep(ctx context.Context, used Credential) error {
	if used.Version == 0 {
		return nil
	}
	return e.Credentials.Save(ctx, used)
}

// used takes from a factor's verdict what is the factor's to say: which of the
// held credentials was proven, and its data.
func (e *Engine) used(held []Credential, proven Credential) (Credential, error) {
	i := slices.IndexFunc(held, func(c Credential) bool { return c.ID == proven.ID })
	if i < 0 {
		return Credential{}, fmt.Errorf("mfa: factor %q proved a credential that is not held", held[0].Kind)
	}
	c := held[i]
	c.Data, c.Used, c.Expires, c.Use = proven.Data, e.Now(), proven.Expires, proven.Use
	return c, nil
}

// settle ends a ceremony that went well.
func (e *Engine) settle(ctx context.Context, c Challenge) error {
	if err := e.Challenges.Spend(ctx, c.ID); err != nil {
		return err
	}
	return e.Limiter.Forgive(ctx, Budgets(c.Subject, c.Kind, e.Rules)...)
}

// lost turns a lost race into the loser's answer: the credential moved on
// because somebody used the same code first, so by now the code is wrong.
func lost(err error) error {
	if errors.Is(err, ErrConflict) {
		return fmt.Errorf("%w: %w", ErrWrong, err)
	}
	return err
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
		c, f, err := e.pending(ctx, s.ID, r.ID, binding, true)
		if err != nil {
			return err
		}
		if i == 0 {
			if err := e.count(ctx, s, c); err != nil {
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
	old, err := e.replaced(ctx, s.ID, made)
	if err != nil {
		return err
	}
	err = e.Atomic(ctx, func(ctx context.Context) error {
		if err := e.insert(ctx, cs, old, made); err != nil || then == nil {
			return err
		}
		return then(ctx, made)
	})
	if errors.Is(err, ErrNotHeld) { // what this one replaces was replaced or dropped meanwhile
		return fmt.Errorf("%w: %w", ErrExpired, err)
	}
	return lost(err)
}

// replaced lists what the new credentials push out.
func (e *Engine) replaced(ctx context.Context, s SubjectID, made []Credential) ([]Credential, error) {
	var out []Credential
	for _, c := range made {
		if _, sole := e.factors[c.Kind].(guarded).Factor.(Sole); !sole {
			continue
		}
		held, err := e.heldOf(ctx, s, c.Kind)
		if err != nil {
			return nil, err
		}
		out = append(out, held...)
	}
	return out, nil
}

func (e *Engine) insert(ctx context.Context, cs []Challenge, old, made []Credential) error {
	for _, c := range old {
		if err := e.Credentials.Drop(ctx, c.Subject, c.ID); err != nil {
			return err
		}
	}
	for _, c := range made {
		if err := e.Credentials.Save(ctx, c); err != nil {
			return err
		}
	}
	for _, c := range cs[1:] { // the same challenge twice fails here: one makes one credential
		if err := e.Challenges.Spend(ctx, c.ID); err != nil {
			return err
		}
	}
	return e.settle(ctx, cs[0])
}

// heldOf lists the subject's credentials of one kind.
func (e *Engine) heldOf(ctx context.Context, s SubjectID, k Kind) ([]Credential, error) {
	all, err := e.Credentials.Held(ctx, s)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(c Credential) bool { return c.Kind != k || c.Subject != s }), nil
}
