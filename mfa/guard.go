package mfa

import (
	"context"
	"fmt"
)

// guarded calls a factor so that a panic in it is a failure like any other: an
// answer that crashes the judge must not count as right, nor end the process
// with half a ceremony done.
type guarded struct{ Factor }

func (g guarded) failed(err *error) {
	if r := recover(); r != nil {
		*err = fmt.Errorf("mfa: factor %q panicked: %v", g.Kind(), r)
	}
}

func (g guarded) Enroll(ctx context.Context, s Subject, held []Credential) (p Prompt, st State, err error) {
	defer g.failed(&err)
	return g.Factor.Enroll(ctx, s, held)
}

func (g guarded) Confirm(ctx context.Context, s Subject, st State, a Answer) (c Credential, err error) {
	defer g.failed(&err)
	return g.Factor.Confirm(ctx, s, st, a)
}

func (g guarded) Ask(ctx context.Context, s Subject, held []Credential) (p Prompt, st State, err error) {
	defer g.failed(&err)
	return g.Factor.Ask(ctx, s, held)
}

func (g guarded) Check(ctx context.Context, s Subject, held []Credential, st State, a Answer) (c Credential, err error) {
	defer g.failed(&err)
	return g.Factor.Check(ctx, s, held, st, a)
}

// Discover and Handle are called only for a factor that is [Discovering].
func (g guarded) Discover(ctx context.Context) (p Prompt, st State, err error) {
	defer g.failed(&err)
	return g.Factor.(Discovering).Discover(ctx)
}

func (g guarded) Handle(a Answer) (handle string, err error) {
	defer g.failed(&err)
	return g.Factor.(Discovering).Handle(a)
}
