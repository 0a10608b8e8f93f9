// Package account makes and changes people: create, disable, groups, reset of
// factors, and help for who cannot get in. Every use case takes the Actor who
// does it and leaves an event.
//
// It never signs anybody in. The only secret that it shows is a temporary code,
// once, to whoever gives it to its owner.
package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/password"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/mfa/totp"
)

// Service changes people. Its fields are set once, before first use.
type Service struct {
	Users     idp.Users
	Groups    idp.Groups
	Sessions  idp.Sessions
	Factors   *mfa.Engine
	Passwords *password.Hasher
	Log       idp.Log
	Notify    Notifier
	Atomic    idp.Atomic
	Now       func() time.Time
	Locks     Locks
	Links     idp.Links
	Owners    Owners
	// Doors end what somebody is signed in by.
	Doors Doors
	Fed   Fed // nil: nothing else fills groups
	// Policies tell where a password can be the only factor.
	Policies Policies
	// MinPassword is the shortest password in characters where it can be the
	// only factor; with a second one 8 are enough.
	MinPassword int
	// Company and product names are no passwords.
	Words []string
}

// Owners watches over who owns the house.
type Owners interface {
	// Another joins the Atomic in ctx and fails it with idp.ErrLastOwner when
	// nobody but this person is an owner who can sign in. Of two changes at once
	// the second sees the first.
	Another(ctx context.Context, but idp.UserID) error
	// Owned reports whether there is an owner who can sign in.
	Owned(ctx context.Context) (bool, error)
	// Offer keeps a link, by its hash, that makes the first owner.
	Offer(ctx context.Context, hash string, until time.Time) error
	// Offered fails with idp.ErrExpired for a link that is unknown, too old, or of
	// no use because there is an owner.
	Offered(ctx context.Context, hash string) error
	// Take joins the Atomic in ctx and uses the links up, or fails it with
	// idp.ErrSpent: of many at once one wins.
	Take(ctx context.Context, hash string) error
}

// Locks forgets counted tries.
type Locks interface {
	// Lift forgets the tries of every budget whose key is one of these, or
	// begins with one of these and a colon.
	Lift(ctx context.Context, keys ...string) error
}

// Policies returns the policies in force.
type Policies interface {
	InForce(ctx context.Context) ([]policy.Policy, error)
}

// Notifier tells a person what happened to their account (SECURITY.md B-12,
// M-18). What it writes joins the Atomic in ctx.
type Notifier interface {
	Notice(ctx context.Context, u idp.User, n idp.Notice) error
}

// The parts of the work, each with what it needs of the service.

func (s *Service) acts() acts {
	return acts{s.Users, s.Owners, s.Log, s.Notify, s.Atomic, s.Now}
}

// Rules are the rules for passwords.
func (s *Service) Rules() PasswordRules {
	return PasswordRules{s.Policies, s.Passwords, s.MinPassword, s.Words, s.Now}
}

// Memberships are the groups, and who is in which.
func (s *Service) Memberships() Memberships { return Memberships{s.acts(), s.Groups, s.Fed} }

// Founding is how a house gets its first owner.
func (s *Service) Founding() Founding { return Founding{s.acts(), s.Add} }

// Add makes a person. All mistakes are reported together, wrapping
// idp.ErrInvalid; a login or e-mail that somebody has, or that looks like
// somebody's, is idp.ErrTaken.
func (s *Service) Add(ctx context.Context, by idp.Actor, in New) (idp.User, error) {
	if err := mayAdd(by, in); err != nil {
		return idp.User{}, s.acts().denied(ctx, by, "", "user.add", err)
	}
	u, ids, err := in.person(s.Now())
	if err != nil {
		return idp.User{}, err
	}
	for _, g := range u.Groups {
		if err := s.Memberships().byHand(ctx, by, g); err != nil {
			return idp.User{}, inField("groups", err)
		}
	}
	app, err := in.app(s.Now())
	if err != nil {
		return idp.User{}, err
	}
	if app != nil {
		u.Factors = []mfa.Kind{totp.Kind}
	}
	if u.Password, err = s.Rules().hashOf(ctx, u, in); err != nil {
		return idp.User{}, err
	}
	if in.Own {
		by = idp.Actor{User: u.ID, Origin: by.Origin}
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		if err := s.Users.Add(ctx, u, ids); err != nil {
			return err
		}
		for _, g := range u.Groups {
			if err := errors.Join(s.Groups.Put(ctx, g), s.Groups.Join(ctx, g, u.ID)); err != nil {
				return err
			}
		}
		if app != nil {
			app.Subject = mfa.SubjectID(u.ID)
			if err := s.Factors.Credentials.Save(ctx, *app); err != nil {
				return err
			}
		}
		return s.acts().note(ctx, by, "user.add", u.ID, added(u))
	})
	return u, err
}

// added is the Detail of a new person (SECURITY.md D-07). Names and addresses are
// not in it: the log cannot forget.
func added(u idp.User) map[string]string {
	out := recorded(u)
	delete(out, "locale")
	out["groups"], out["password"] = strings.Join(u.Groups, "|"), "no"
	if u.Password != "" {
		out["password"] = "yes"
	}
	return out
}

// Find names a person by e-mail, login or id.
func (s *Service) Find(ctx context.Context, who string) (idp.User, error) {
	u, err := s.Users.ByIdentifier(ctx, idp.Canonical(who))
	if errors.Is(err, idp.ErrNotFound) {
		u, err = s.Users.ByID(ctx, idp.UserID(who))
	}
	if errors.Is(err, idp.ErrNotFound) {
		return u, fmt.Errorf("%w: nobody has the login, e-mail or id %q", idp.ErrNotFound, who)
	}
	return u, err
}

// Check names everything that is wrong with the description of a new person,
// wrapping idp.ErrInvalid; it does not know whether the names are free.
func (s *Service) Check(in New) error {
	_, _, err := in.person(s.Now())
	return err
}

// mayAdd refuses who may not make a person with a role (D-02).
func mayAdd(by idp.Actor, in New) error {
	if err := by.May(idp.EditPeople); err != nil || in.Role == "" {
		return err
	}
	if in.PasswordHash != "" && !by.Host { // whoever knows the password would have the role
		return &idp.DeniedError{Right: idp.GrantRoles}
	}
	return by.MayGrant(in.Role)
}
