// Package security is what a person, or an administrator for them, may see and
// change about the protection of an account, and with which proof.
//
// Every use case takes who acts and whose account it is. Whether that may be,
// and how recent a proof it takes, is decided in one place ([acts]); what is
// changed is one transaction with its event and its notice.
//
// It never signs anybody in, and never shows a secret that has been confirmed
// (SECURITY.md M-12).
package security

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/mfa/trust"
)

// Service looks after accounts.
type Service struct{ Means }

// Means is what the use cases work with. Its fields are set once, before first
// use.
type Means struct {
	Users     idp.Users
	Sessions  idp.Sessions
	Flows     Flows
	Policies  signin.Policies
	Factors   *mfa.Engine
	Devices   *trust.Book
	Passwords signin.Passwords
	Rules     PasswordRules
	Limiter   mfa.Limiter
	Log       idp.Log
	Tokens    Tokens
	Notify    signin.Notifier
	Atomic    idp.Atomic
	Sealer    signin.Sealer
	SignIn    *signin.Service // whose budgets and cookies hold here, too
	Now       func() time.Time
}

// Flows are sign-ins under way; see [signin.Flows].
type Flows interface {
	EndAll(ctx context.Context, id idp.UserID) error
}

// Tokens is what came from sessions; see [signin.Tokens].
type Tokens interface {
	signin.Tokens
	// EndOthers ends what came from every session of a person but one.
	EndOthers(ctx context.Context, u idp.UserID, keep idp.SessionID) error
}

// PasswordRules says whether a new password will do (SECURITY.md ).
type PasswordRules interface {
	// Acceptable fails with idp.ErrInvalid and the reason.
	Acceptable(ctx context.Context, u idp.User, plain string) error
	// Least is how many characters it must have.
	Least(ctx context.Context, u idp.User) (int, error)
}

// What can be refused, beside the errors of packages idp and mfa.
var (
	// ErrPolicy means that policy wants what somebody is about to give up; a
	// [*RefusedError] says which.
	ErrPolicy = errors.New("security: policy does not allow it")
	// ErrLast means that a factor is the last one: whoever wants none turns
	// two-step verification off, which takes the password (M-06, M-09).
	ErrLast = errors.New("security: it is the last factor")
	// ErrUnusable means that a phone number is none, or that codes are not sent there.
	ErrUnusable = errors.New("security: not a number that can be used")
)

// RefusedError names the policies that are in the way. It is an [ErrPolicy].
type RefusedError struct{ Policies []string }

func (e *RefusedError) Error() string { return fmt.Sprintf("%v: %q", ErrPolicy, e.Policies) }

func (e *RefusedError) Unwrap() error { return ErrPolicy }

// person is whose account it is, as they and the policies are now.
type person struct {
	idp.User
	by       idp.Actor
	here     policy.Decision // at our own pages, from where the actor is
	anywhere policy.Decision // the sum of what any door asks
	standing posture.Standing
}

// own reports whether people look after themselves.
func (p person) own() bool { return p.by.User == p.ID }

func (p person) subject() mfa.Subject { return signin.Subject(p.User, p.here, p.by.Origin) }

// binding ties a ceremony to the session that began it (SECURITY.md M-08).
func (p person) binding() string { return "session:" + string(p.by.Session) }

// reach is the head of every use case: may this be, and is it proven?
func (s *Means) reach(ctx context.Context, by idp.Actor, whose idp.UserID, act Act) (person, error) {
	u, err := s.Users.ByID(ctx, whose)
	if err != nil {
		return person{}, err
	}
	if err := s.may(ctx, by, u, act); err != nil {
		return person{}, err
	}
	ps, err := s.Policies.InForce(ctx)
	if err != nil {
		return person{}, err
	}
	p := person{User: u, by: by}
	f := s.facts(u, by.Origin)
	p.here = policy.Decide(ps, f)
	f.Anywhere = true
	p.anywhere, p.standing = policy.Decide(ps, f), posture.Of(ps, f, s.Factors.Kinds())
	return p, nil
}

func (s *Means) facts(u idp.User, from idp.Origin) policy.Facts {
	address, _ := netip.ParseAddr(from.Address) // one that is not known is in every network
	return policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(), Address: address.Unmap(),
		Held: u.Factors, Lent: s.Factors.Lent(u.Subject()), Started: u.Graces, Now: s.Now(),
	}
}

// event begins the line of the log that every change leaves.
func (s *Means) event(p person, what string, k mfa.Kind) idp.Event {
	return idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, User: p.ID, Actor: p.by.User, Session: p.by.Session, Method: k,
		Origin: p.by.Origin, Result: "ok",
	}
}

// leave writes the event and tells the person. Where an administrator sits is
// not theirs to know; where they themselves did it is.
func (s *Means) leave(ctx context.Context, p person, e idp.Event, n idp.Notice) error {
	err := s.Log.Append(ctx, e)
	if n.Kind == "" {
		return err
	}
	n.At, n.Method = e.At, e.Method
	if p.own() {
		n.Origin = e.Origin
	}
	return errors.Join(err, s.Notify.Notice(ctx, p.User, n))
}

// refusal names the policies that demand what lacks.
func refusal(d policy.Decision) error {
	e := &RefusedError{}
	for _, r := range d.Reasons {
		if (r.Dimension == "assurance" || r.Dimension == "methods") && r.Policy != "" && !slices.Contains(e.Policies, r.Policy) {
			e.Policies = append(e.Policies, r.Policy)
		}
	}
	return e
}

// without is what is left of some kinds.
func without(kinds []mfa.Kind, gone ...mfa.Kind) []mfa.Kind {
	return slices.DeleteFunc(slices.Clone(kinds), func(k mfa.Kind) bool { return slices.Contains(gone, k) })
}
