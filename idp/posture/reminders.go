package posture

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// remindAt are the days before a deadline on which people are reminded.
var remindAt = []int{14, 7, 3, 1}

// Policies returns the policies in force.
type Policies interface {
	InForce(ctx context.Context) ([]policy.Policy, error)
}

// Teller writes to people; see package ui/message.
type Teller interface {
	Deadline(ctx context.Context, u idp.User, r Reminder) error
}

// Reminder is news of a deadline after which a person cannot sign in with what
// they have.
type Reminder struct {
	At    time.Time  // the deadline
	SetUp []mfa.Kind // what they can set up; none: only the administrator can help
	// Topic names this one reminder: whoever puts it first sends it.
	Topic string
}

// Reminders writes to people before a policy begins to demand what they have
// not got. Its exported fields are set once, before first use.
type Reminders struct {
	Users    Users
	Policies Policies
	Factors  Factors
	Tell     Teller
	Now      func() time.Time

	mu   sync.Mutex
	told map[string]bool
}

// Run reminds everybody whose turn it is. It is called about once an hour, by
// every instance; each reminder goes out once all the same. A person who cannot
// be told does not keep others from being told.
func (r *Reminders) Run(ctx context.Context) error {
	ps, err := r.Policies.InForce(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(ps, foreseeable) {
		return nil // the usual case reads nobody
	}
	now := r.Now()
	var failed []error
	err = everybody(ctx, r.Users, func(u idp.User) error {
		// E-06: only an address that is known to be theirs.
		if u.Disabled || u.Email == "" || !u.EmailVerified {
			return nil
		}
		if err := r.one(ctx, ps, u, now); err != nil {
			failed = append(failed, fmt.Errorf("posture: reminder for %s: %w", u.ID, err))
		}
		return ctx.Err()
	})
	const most = 10 // of a house whose outbox is broken
	return errors.Join(append(failed[:min(len(failed), most)], err)...)
}

// foreseeable reports whether a policy may demand more later than now.
func foreseeable(p policy.Policy) bool {
	return p.What.Enrolment != policy.Enrolment{} || len(p.Whom.Except) > 0
}

func (r *Reminders) one(ctx context.Context, ps []policy.Policy, u idp.User, now time.Time) error {
	f := facts(u, r.Factors.Lent(u.Subject()), now)
	turn, ok := Of(fixed(ps, f), f, r.Factors.Kinds()).Turn()
	if !ok {
		return nil
	}
	day, ok := reminder(turn.At.Sub(now))
	if !ok {
		return nil
	}
	topic := fmt.Sprintf("deadline:%s:%d:%d", u.ID, turn.At.Unix(), day)
	if r.known(topic) {
		return nil
	}
	if err := r.Tell.Deadline(ctx, u, Reminder{At: turn.At, SetUp: turn.SetUp, Topic: topic}); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.told == nil || len(r.told) >= toldMost {
		r.told = map[string]bool{}
	}
	r.told[topic] = true
	return nil
}

// toldMost bounds the memory of what was told. The outbox decides; this only
// spares the work of writing what it would drop.
const toldMost = 100_000

func (r *Reminders) known(topic string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.told[topic]
}

// fixed leaves out policies whose days of grace have not begun for the person:
// their deadline still moves along, and no date that could be named is true.
func fixed(ps []policy.Policy, f policy.Facts) []policy.Policy {
	d := policy.Decide(ps, f)
	open := d.Grace
	for _, a := range d.Ahead {
		open = append(open, a.Grace...)
	}
	if len(open) == 0 {
		return ps
	}
	return slices.DeleteFunc(slices.Clone(ps), func(p policy.Policy) bool { return slices.Contains(open, p.ID) })
}

// reminder is the one whose time it is when so much is left: the last of those
// that are not after it. What was missed while no server ran is not told again.
func reminder(left time.Duration) (day int, ok bool) {
	for _, d := range remindAt {
		if left > 0 && left <= time.Duration(d)*24*time.Hour {
			day, ok = d, true
		}
	}
	return day, ok
}
