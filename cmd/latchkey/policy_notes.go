package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/mfa/policy"
)

// notesOn says what an operator should know of policies before they hold: what
// is not there, what nobody can satisfy and whom it shuts out. The outlook is
// with them in force.
func (b *base) notesOn(ctx context.Context, cmd *cobra.Command, a *app, there, draft []policy.Policy) (notes []string, _ posture.Outlook, err error) {
	notes, err = b.strangers(ctx, draft)
	if err != nil {
		return nil, nil, err
	}
	notes = append(b.unmeetable(draft), notes...)
	var out []string
	count := 0
	watch := a.watch(cmd)
	outlook, err := b.posture().Preview(ctx, posture.Over(there, draft), posture.Options{}, func(p posture.Person) error {
		watch.step()
		for _, at := range append([]posture.Point{p.Standing.Now}, p.Standing.Ahead...) {
			if at.State != posture.ShutOut {
				continue
			}
			if count++; len(out) < 3 {
				out = append(out, called(p.User)+from(at.At, p.Standing.Now.At))
			}
			break
		}
		return nil
	})
	watch.done()
	if count > 0 {
		who := strings.Join(out, ", ")
		if count > len(out) {
			who += fmt.Sprintf(" and %d more", count-len(out))
		}
		notes = append(notes, "shut out, with nothing that they could set up: "+who+"; `latchkey policy preview` says why")
	}
	return notes, outlook, err
}

func from(at, now time.Time) string {
	if !at.After(now) {
		return ""
	}
	return " (from " + at.UTC().Format(time.DateOnly) + " on)"
}

// called is how a list names a person.
func called(u idp.User) string {
	if u.Email != "" {
		return u.Email
	}
	return u.Login
}

func (b *base) posture() *posture.Service {
	return &posture.Service{Users: b.db.Users(), Factors: b.engine, Now: b.now}
}

// unmeetable names the policies that nobody can satisfy with the factors there
// are: whom they concern could not sign in.
func (b *base) unmeetable(ps []policy.Policy) []string {
	notes := []string{}
	kinds := b.engine.Kinds()
	for _, p := range ps {
		p.Enabled, p.Whom, p.What.Enrolment = true, policy.Whom{Everyone: true}, policy.Enrolment{}
		s := posture.Of([]policy.Policy{p}, policy.Facts{Email: "somebody@example.org", Anywhere: true, Now: b.now()}, kinds)
		if s.Now.State == posture.ShutOut {
			notes = append(notes, fmt.Sprintf("policy %s demands what nobody can set up: this server offers %s; whoever it concerns and does not have it yet cannot sign in", p.Name, words(kinds)))
		}
	}
	return notes
}

func words[S ~string](ss []S) string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}

// strangers names the groups, people and applications of policies that are not
// there: a mistyped one would leave somebody unprotected without a word. They
// may come later, so this is no mistake.
func (b *base) strangers(ctx context.Context, ps []policy.Policy) (notes []string, err error) {
	gs, err := b.db.Groups().All(ctx)
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, g := range gs {
		there[g.Name] = true
	}
	for _, p := range ps {
		for _, g := range p.Whom.Groups {
			if !there[g] {
				notes = append(notes, fmt.Sprintf("policy %s names the group %q, which does not exist (yet)", p.Name, g))
			}
		}
		people := slices.Clone(p.Whom.Users)
		for _, e := range p.Whom.Except {
			people = append(people, e.User)
		}
		for _, who := range people {
			if _, err := b.accounts.Find(ctx, who); errors.Is(err, idp.ErrNotFound) {
				notes = append(notes, fmt.Sprintf("policy %s names the user %q, who does not exist (yet)", p.Name, who))
			} else if err != nil {
				return nil, err
			}
		}
		for _, id := range p.Where.Clients {
			if _, err := b.client(ctx, id); errors.Is(err, idp.ErrNotFound) {
				notes = append(notes, fmt.Sprintf("policy %s names the client %q, which does not exist (yet)", p.Name, id))
			} else if err != nil {
				return nil, err
			}
		}
	}
	return notes, nil
}
