package security

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"latchkey/idp"
	"latchkey/mfa"
)

// ErrSame means that the new password is the current one.
var ErrSame = fmt.Errorf("%w: the new password is the current one", idp.ErrInvalid)

// passwordMost is the longest password, in characters (SECURITY.md A-03).
const passwordMost = 256

// ChangePassword replaces the password. Everything that was issued before ends
// (other sessions, tokens, trusted browsers); the session in which it is done
// goes on under a new id. Somebody without a password gives none as current.
//
// idp.ErrBadLogin for a wrong current one, which counts as a wrong one at the
// sign-in does (SECURITY.md A-05, B-01); a [*mfa.LockedError]; idp.ErrInvalid for
// a new one that will not do.
func (s *Service) ChangePassword(ctx context.Context, by idp.Actor, whose idp.UserID, current, next, known string) (Renewed, error) {
	p, err := s.reach(ctx, by, whose, NewPassword)
	if err != nil {
		return Renewed{}, err
	}
	if err := sane(next); err != nil {
		return Renewed{}, err
	}
	e := s.event(p, "password.change", idp.Password)
	forgive := func(context.Context) error { return nil }
	if p.Password != "" {
		if forgive, err = s.prove(ctx, p, e, current, known); err != nil {
			return Renewed{}, err
		}
		if current == next {
			return Renewed{}, ErrSame
		}
	}
	if err := s.Rules.Acceptable(ctx, p.User, next); err != nil {
		return Renewed{}, err
	}
	hash, err := s.Passwords.Hash(ctx, next)
	if err != nil {
		return Renewed{}, err
	}
	n, err := s.follower(ctx, p, p.Epoch+1)
	if err != nil {
		return Renewed{}, err
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			s.Users.SetPassword(ctx, p.ID, p.Password, hash), // of two changes at once one wins
			s.anew(ctx, p, n), forgive(ctx), s.leave(ctx, p, e, idp.Notice{Kind: idp.PasswordChanged}))
	})
	if err != nil {
		return Renewed{}, err
	}
	return s.remembered(p, n, known), nil
}

// remembered is what the browser gets after the epoch was raised: it stays one
// that the person has used before.
func (s *Means) remembered(p person, n successor, known string) Renewed {
	u := p.User
	u.Epoch = n.session.Epoch
	out := n.renewed(s.Now())
	out.Known = s.SignIn.Tries().Remember(u, known)
	return out
}

func sane(password string) error {
	if utf8.RuneCountInString(password) > passwordMost || !utf8.ValidString(password) {
		return fmt.Errorf("%w: the password is longer than %d characters", idp.ErrInvalid, passwordMost)
	}
	return nil
}

// prove checks a person's password. The try is counted before it is looked at,
// on the budgets of the sign-in; during a lock the right one fares like a wrong
// one (B-07). What it returns gives the tries back, within the transaction of
// what the password was asked for.
func (s *Means) prove(ctx context.Context, p person, e idp.Event, plain, known string) (forgive func(context.Context) error, err error) {
	if err := sane(plain); err != nil {
		return nil, err
	}
	budgets, err := s.SignIn.Tries().Password(ctx, p.User, known, p.by.Origin)
	if err != nil {
		return nil, err
	}
	if err := s.Limiter.Take(ctx, budgets...); errors.Is(err, mfa.ErrLocked) {
		return nil, errors.Join(s.failed(ctx, e, err), s.Notify.Notice(ctx, p.User, idp.Notice{Kind: idp.Locked, At: e.At, Origin: e.Origin}))
	} else if err != nil {
		return nil, err
	}
	right, _, err := s.Passwords.Check(ctx, p.Password, plain)
	if err != nil {
		return nil, err
	}
	if !right {
		return nil, s.failed(ctx, e, idp.ErrBadLogin)
	}
	return func(ctx context.Context) error { return s.Limiter.Forgive(ctx, budgets...) }, nil
}
