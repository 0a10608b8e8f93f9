package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
)

// notesOn says what an operator should know of policies before they hold: what
// is not there, what nobody can satisfy and whom it shuts out. The outlook is
// with them in force.
func (r *ruleSide) notesOn(ctx context.Context, cmd *cobra.Command, a *app, there, draft []policy.Policy) (notes []string, _ posture.Outlook, err error) {
	notes, err = r.doubtsOn(ctx, there, draft)
	if err != nil {
		return nil, nil, err
	}
	var out []string
	count := 0
	watch := a.watch(cmd)
	outlook, err := r.posture().Preview(ctx, posture.Over(there, draft), posture.Options{}, func(p posture.Person) error {
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

// doubtsOn says what an operator should know of each draft, as if all of them
// were applied.
func (r *ruleSide) doubtsOn(ctx context.Context, there, draft []policy.Policy) (notes []string, err error) {
	notes = []string{}
	after := posture.Over(there, draft)
	for _, p := range draft {
		ds, err := r.book().DoubtsAmong(ctx, host, p, after)
		if err != nil {
			return nil, err
		}
		for _, d := range ds {
			notes = append(notes, r.doubt(p.Name, d))
		}
	}
	return notes, nil
}

func (r *ruleSide) doubt(name string, d rulebook.Doubt) string {
	switch d.Kind {
	case rulebook.NoGroup:
		return fmt.Sprintf("policy %s names the group %q, which does not exist (yet)", name, d.Value)
	case rulebook.NoUser:
		return fmt.Sprintf("policy %s names the user %q, who does not exist (yet)", name, d.Value)
	case rulebook.NoClient:
		return fmt.Sprintf("policy %s names the client %q, which does not exist (yet)", name, d.Value)
	case rulebook.Together:
		return fmt.Sprintf("policies %s and %s together demand what nobody can set up: whoever both concern and does not have it yet cannot sign in", name, d.Value)
	case rulebook.Past:
		return fmt.Sprintf("policy %s has a deadline that has passed, %s: it demands at once", name, d.Value)
	case rulebook.Ended:
		return fmt.Sprintf("policy %s has an exemption that has ended, of %s", name, d.Value)
	case rulebook.HardLock:
		return fmt.Sprintf("policy %s locks all owners or all administrators hard: whoever knows their logins can keep them out with wrong passwords", name)
	}
	return fmt.Sprintf("policy %s demands what nobody can set up: this server offers %s; whoever it concerns and does not have it yet cannot sign in", name, words(r.engine.Kinds()))
}

func words[S ~string](ss []S) string {
	out := make([]string, len(ss))
	for i, s := range ss {
		out[i] = string(s)
	}
	return strings.Join(out, ", ")
}
