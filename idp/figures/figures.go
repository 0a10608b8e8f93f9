// Package figures counts: what happened per day, and how well people are
// protected. The dashboard and the reports read its sums, never the log or a
// million people.
//
// It decides nothing, and a figure that is late harms nobody: counting runs in
// the background, on whichever instance comes first, and counts each event once.
package figures

import (
	"context"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// Day is a day in UTC, counted from 1970.
type Day int64

// DayOf is the day of a moment.
func DayOf(t time.Time) Day { return Day(t.UTC().Unix() / 86400) }

// Time is its first moment.
func (d Day) Time() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// Count is how often something happened on a day.
type Count struct {
	Day    Day
	What   string
	Method mfa.Kind
	Result string
	N      int64
}

// Coverage is how well the enabled people of a scope were protected on a day.
type Coverage struct {
	Day       Day
	Scope     Scope
	People    int64
	Ready     int64 // hold a second factor
	Resistant int64 // hold one that withstands phishing
	Never     int64 // have never signed in
	Stale     int64 // have not for [StaleAfter]
}

// Scope is whom a figure is about: All, or a kind, role or group.
type Scope string

// All is everybody.
const All Scope = "all"

// OfKind, OfRole and OfGroup name the others.
func OfKind(k idp.Kind) Scope   { return Scope("kind:" + string(k)) }
func OfRole(r idp.Role) Scope   { return Scope("role:" + string(r)) }
func OfGroup(name string) Scope { return Scope("group:" + name) }

// StaleAfter is when an account that is not used is one to look at (NIS2 CIR
// 11.6.4, SECURITY.md D-13).
const StaleAfter = 90 * 24 * time.Hour

// Store counts and remembers.
type Store interface {
	// CountEvents counts up to limit events that have not been counted yet, each
	// once however many instances try, and returns how many.
	CountEvents(ctx context.Context, limit int) (int, error)
	// CountPeople measures everybody for a day if nobody has since a moment, and
	// reports whether it did.
	CountPeople(ctx context.Context, day Day, stale, unlessSince time.Time) (bool, error)
	// Counts returns what happened from one day to another, both included, of some
	// kinds of event (none: all), in order of day.
	Counts(ctx context.Context, from, to Day, what []string) ([]Count, error)
	// Covered returns the latest figures of every scope at or before a day.
	Covered(ctx context.Context, day Day) ([]Coverage, error)
	// Trend returns the figures of one scope from one day to another.
	Trend(ctx context.Context, scope Scope, from, to Day) ([]Coverage, error)
	// Deliveries counts messages by channel and state that were made since.
	Deliveries(ctx context.Context, since time.Time) ([]Delivery, error)
}

// Delivery is how many messages of a channel are in a state: sent, waiting or
// failed.
type Delivery struct {
	Channel, State string
	N              int64
}

const (
	portion = 5000             // events counted at once
	every   = time.Hour        // people are measured
	pause   = 10 * time.Second // between looks
)

// Counter counts in the background.
type Counter struct {
	Store  Store
	Now    func() time.Time
	Report func(error) // hears of what fails; it is tried again
}

// Run counts until ctx ends.
func (c *Counter) Run(ctx context.Context) {
	t := time.NewTicker(pause)
	defer t.Stop()
	for {
		if err := c.Once(ctx); err != nil && ctx.Err() == nil {
			c.Report(err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

// Once counts what there is.
func (c *Counter) Once(ctx context.Context) error {
	for {
		n, err := c.Store.CountEvents(ctx, portion)
		if err != nil {
			return err
		}
		if n < portion {
			break
		}
	}
	now := c.Now()
	_, err := c.Store.CountPeople(ctx, DayOf(now), now.Add(-StaleAfter), now.Add(-every))
	return err
}

// Service reads. All of it takes idp.SeeAudit.
type Service struct {
	Store Store
	Now   func() time.Time
}

// Overview is what the dashboard shows.
type Overview struct {
	From, To Day
	SignIns  []DaySum           // one per day
	Methods  map[mfa.Kind]int64 // of sign-ins that went well, by the factor that came last
	Coverage []Coverage         // of all scopes, now
	Trend    []Coverage         // of everybody, one per day that was measured
	Messages []Delivery         // of the last day
}

// DaySum is one day of sign-ins.
type DaySum struct {
	Day                Day
	OK, Failed, Locked int64
}

// The kinds of event that are tries to sign in.
var tries = []string{"signin", "signin.password", "signin.factor", "signin.passkey"}

// Overview sums up the last days, today included.
func (s *Service) Overview(ctx context.Context, by idp.Actor, days int) (Overview, error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return Overview{}, err
	}
	now := s.Now()
	o := Overview{To: DayOf(now), From: DayOf(now) - Day(days) + 1, Methods: map[mfa.Kind]int64{}}
	counts, err := s.Store.Counts(ctx, o.From, o.To, tries)
	if err != nil {
		return Overview{}, err
	}
	o.SignIns = make([]DaySum, days)
	for i := range o.SignIns {
		o.SignIns[i].Day = o.From + Day(i)
	}
	for _, c := range counts {
		o.add(c)
	}
	if o.Coverage, err = s.Store.Covered(ctx, o.To); err != nil {
		return Overview{}, err
	}
	if o.Trend, err = s.Store.Trend(ctx, All, o.From, o.To); err != nil {
		return Overview{}, err
	}
	o.Messages, err = s.Store.Deliveries(ctx, now.Add(-24*time.Hour))
	return o, err
}

// add counts one kind of event: a sign-in is one when it is whole, a failure
// whenever a proof was wrong.
func (o *Overview) add(c Count) {
	d := &o.SignIns[c.Day-o.From]
	switch {
	case c.What == "signin" && c.Result == "ok":
		d.OK += c.N
		o.Methods[c.Method] += c.N
	case c.Result == "locked":
		d.Locked += c.N
	case c.Result != "ok" && c.Result != "":
		d.Failed += c.N
	}
}

// Covered is the protection of every scope as it was last measured.
func (s *Service) Covered(ctx context.Context, by idp.Actor) ([]Coverage, error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return nil, err
	}
	return s.Store.Covered(ctx, DayOf(s.Now()))
}

// Find is the coverage of one scope among others.
func Find(all []Coverage, scope Scope) Coverage {
	if i := slices.IndexFunc(all, func(c Coverage) bool { return c.Scope == scope }); i >= 0 {
		return all[i]
	}
	return Coverage{Scope: scope}
}

// Percent is how many of the people are so, in whole percent, rounded down:
// who is not all there is not 100.
func Percent(part, of int64) int {
	if of <= 0 {
		return 0
	}
	return int(part * 100 / of)
}
