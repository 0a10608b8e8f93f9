// Package evidence makes the report that an auditor or an insurer asks for
// (NIS2 Art. 21(2)(j), CIR (EU) 2024/2690 Annex 11; SECURITY.md N-01 to N-04):
// who is protected and how, by which rules since when, with which exceptions,
// who administers, what lies idle, and which ways lead around.
//
// Every figure is counted from the database when the report is made.
package evidence

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
	"latchkey/idp/figures"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Report is what is known at one moment.
type Report struct {
	Made     time.Time          `json:"made"`
	By       string             `json:"by"`   // who made it: their login, or "command line"
	Days     int                `json:"days"` // that SignIns covers
	Coverage []figures.Coverage `json:"coverage"`
	Staff    []Admin            `json:"administrators"`
	Rules    []Rule             `json:"policies"`
	Exempt   []Exemption        `json:"exemptions"`
	Idle     []Account          `json:"idle_accounts"` // the longest first, at most [MostIdle]
	IdleAll  int64              `json:"idle_count"`
	Disabled int64              `json:"disabled_count"`
	Devices  Devices            `json:"trusted_devices"`
	SignIns  SignIns            `json:"sign_ins"`
	Ways     []Way              `json:"ways_around"`
	Chain    Chain              `json:"log"`
}

// MostIdle is how many idle accounts a report names.
const MostIdle = 500

// days of sign-ins that a report sums up.
const days = 90

type (
	// Admin is somebody with a role.
	Admin struct {
		ID        idp.UserID `json:"id"`
		Name      string     `json:"name"`
		Login     string     `json:"login"`
		Role      idp.Role   `json:"role"`
		Disabled  bool       `json:"disabled"`
		Factors   []mfa.Kind `json:"factors"`
		Resistant bool       `json:"phishing_resistant"`
		SignedIn  time.Time  `json:"signed_in,omitzero"` // zero: never
	}
	// Rule is a policy that is in force.
	Rule struct {
		ID      string    `json:"id"`
		Name    string    `json:"name"`
		Version int       `json:"version,omitempty"` // 0: from before there was a history
		Since   time.Time `json:"since,omitzero"`
		By      string    `json:"by,omitempty"`
		Body    string    `json:"body"` // as a policy file
	}
	// Exemption is somebody whom a policy leaves out for a while.
	Exemption struct {
		Policy string      `json:"policy"`
		User   string      `json:"user"` // as the policy names them
		Until  policy.Date `json:"until"`
		Over   bool        `json:"over"`
	}
	// Account is one that is not used.
	Account struct {
		ID       idp.UserID `json:"id"`
		Name     string     `json:"name"`
		Login    string     `json:"login"`
		Kind     idp.Kind   `json:"kind"`
		Created  time.Time  `json:"created"`
		SignedIn time.Time  `json:"signed_in,omitzero"` // zero: never
	}
	// Devices counts trusted browsers; those not seen for [figures.StaleAfter] are
	// stale.
	Devices struct {
		Trusted int64 `json:"trusted"`
		Stale   int64 `json:"stale"`
	}
	// SignIns sums up some days.
	SignIns struct {
		OK     int64 `json:"ok"`
		Failed int64 `json:"failed"`
		Locked int64 `json:"locked"`
	}
	// Way leads around the second factor, or would: a finding about an Odoo.
	Way struct {
		Connection string `json:"connection"`
		Check      string `json:"check"`
		Level      string `json:"level"`
		Evidence   string `json:"evidence"` // in English
		Cure       string `json:"cure"`     // in English
		// What it says in other languages: see connector.Said.
		Says   string   `json:"says,omitempty"`
		Facts  []string `json:"facts,omitempty"`
		Detail string   `json:"detail,omitempty"`
	}
	// Chain is how the log stands.
	Chain struct {
		Rows     int64     `json:"rows"`
		Waiting  int64     `json:"waiting"`
		Verified time.Time `json:"verified,omitzero"` // last; zero: never
		Whole    bool      `json:"whole"`
		Broken   string    `json:"broken,omitempty"` // the first row that is wrong
		Key      string    `json:"key"`              // public, of the checkpoints
	}
)

// Store reads what no other package counts.
type Store interface {
	// Staff lists everybody with a role, the highest first.
	Staff(ctx context.Context) ([]Admin, error)
	// Idle lists enabled accounts without a sign-in since a moment and made before
	// it, those unused for longest first, and counts all of them.
	Idle(ctx context.Context, since time.Time, limit int) ([]Account, int64, error)
	// Disabled counts accounts that are.
	Disabled(ctx context.Context) (int64, error)
	// Devices counts those that are trusted now.
	Devices(ctx context.Context, stale time.Time) (Devices, error)
}

// Sources are the other parts of the house that know something.
type Sources struct {
	Rules func(ctx context.Context, by idp.Actor) ([]Rule, []policy.Policy, error)
	Ways  func(ctx context.Context, by idp.Actor) ([]Way, error) // may ask Odoos, and take their time
	Chain func(ctx context.Context, by idp.Actor) (Chain, error)
}

// Service makes reports.
type Service struct {
	Store   Store
	Figures figures.Store
	Sources Sources
	Log     idp.Log
	Now     func() time.Time
}

// Make takes idp.SeeAudit and idp.SeePeople and leaves an event.
func (s *Service) Make(ctx context.Context, by idp.Actor, name string) (Report, error) {
	if err := errors.Join(by.May(idp.SeeAudit), by.May(idp.SeePeople), by.May(idp.SeeRules), by.May(idp.SeeOdoo)); err != nil {
		return Report{}, err
	}
	now := s.Now()
	r := Report{Made: now.UTC().Truncate(time.Second), By: name, Days: days}
	for _, part := range []func(context.Context, idp.Actor, *Report) error{s.people, s.rules, s.signIns, s.around} {
		if err := part(ctx, by, &r); err != nil {
			return Report{}, err
		}
	}
	return r, s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: now, What: "report.make", Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "ok",
	})
}

// people measures anew: the figures must equal the database now.
func (s *Service) people(ctx context.Context, _ idp.Actor, r *Report) error {
	now := s.Now()
	idle := now.Add(-figures.StaleAfter)
	if _, err := s.Figures.CountPeople(ctx, figures.DayOf(now), idle, now); err != nil {
		return err
	}
	var err error
	if r.Coverage, err = s.Figures.Covered(ctx, figures.DayOf(now)); err != nil {
		return err
	}
	if r.Staff, err = s.Store.Staff(ctx); err != nil {
		return err
	}
	if r.Idle, r.IdleAll, err = s.Store.Idle(ctx, idle, MostIdle); err != nil {
		return err
	}
	if r.Disabled, err = s.Store.Disabled(ctx); err != nil {
		return err
	}
	r.Devices, err = s.Store.Devices(ctx, idle)
	return err
}

func (s *Service) rules(ctx context.Context, by idp.Actor, r *Report) error {
	var all []policy.Policy
	var err error
	if r.Rules, all, err = s.Sources.Rules(ctx, by); err != nil {
		return err
	}
	today := policy.Date(s.Now().UTC().Format("2006-01-02"))
	for _, p := range all {
		for _, e := range p.Whom.Except {
			r.Exempt = append(r.Exempt, Exemption{Policy: p.Name, User: e.User, Until: e.Until, Over: e.Until <= today})
		}
	}
	return nil
}

func (s *Service) signIns(ctx context.Context, by idp.Actor, r *Report) error {
	o, err := (&figures.Service{Store: s.Figures, Now: s.Now}).Overview(ctx, by, days)
	for _, d := range o.SignIns {
		r.SignIns.OK, r.SignIns.Failed, r.SignIns.Locked = r.SignIns.OK+d.OK, r.SignIns.Failed+d.Failed, r.SignIns.Locked+d.Locked
	}
	return err
}

// around asks the Odoos and looks at the log. An Odoo that cannot be asked is a
// line of the report, not the end of it: the source says so.
func (s *Service) around(ctx context.Context, by idp.Actor, r *Report) error {
	var err error
	if r.Ways, err = s.Sources.Ways(ctx, by); err != nil {
		return fmt.Errorf("ways around: %w", err)
	}
	r.Chain, err = s.Sources.Chain(ctx, by)
	return err
}
