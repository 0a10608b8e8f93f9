package signin

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"latchkey/idp"
	"latchkey/mfa"
)

// Moved says where a step has led.
type Moved struct {
	Step     Step
	Ticket   string        // of the flow, unless Done
	Session  string        // when Done: the new value of the session cookie; empty if it stays
	MaxAge   time.Duration // of that cookie
	Known    string        // when Done: the new value of the known-browser cookie
	Device   string        // when Done: the new value of the trusted-device cookie; empty if it stays
	ReturnTo string        // when Done
}

// ErrSlowDown means that this network has tried too often; it says nothing of
// any account. It wraps a [mfa.LockedError].
var ErrSlowDown = errors.New("signin: too many tries from this network")

// ErrElsewhere comes with idp.ErrBadLogin while the system that people came from
// does not answer, so that nobody's first password can be checked. It comes with
// every refusal and says nothing of any account (E-01).
var ErrElsewhere = errors.New("signin: the system that people came from does not answer")

// Password is the first step. Whatever is wrong (the name, the password, a
// disabled account, a lock) the answer is idp.ErrBadLogin after the same work
// (A-12, B-07, E-01).
func (s *Service) Password(ctx context.Context, v View, login, password string, m Marks) (Moved, error) {
	from, even := v.From, s.memorised().evenly(ctx)
	if err := sane(login, password); err != nil {
		return Moved{}, err
	}
	canonical := idp.Canonical(login)
	u, err := s.Users.ByIdentifier(ctx, canonical)
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return Moved{}, err
	}
	budgets, err := s.Tries().budgets(ctx, u, canonical, m.Known, from)
	if err != nil {
		return Moved{}, err
	}
	locked, err := take(ctx, s.Limiter, budgets)
	if err != nil {
		return Moved{}, err
	}
	right, outdated, err := s.memorised().proves(ctx, u, password, locked)
	if err != nil {
		return Moved{}, err
	}
	e := event(s.Now(), "signin.password", v.Flow, u, idp.Password, from)
	if locked || !right || u.Disabled {
		e.Result = reason(u, locked, right)
		err := errors.Join(idp.ErrBadLogin, s.witness().refused(ctx, v.Flow, u, e))
		if even() {
			err = errors.Join(err, ErrElsewhere)
		}
		return Moved{}, err
	}
	if outdated {
		if err := rehash(ctx, s.Users, s.Passwords, u, password); err != nil {
			return Moved{}, err
		}
	}
	f := v.Flow
	if f.Need.Subject != "" && f.Need.Subject != u.ID {
		e.Result = "other-person" // somebody may be trying passwords here: D-07
		err := fmt.Errorf("%w: the application asked for somebody else", idp.ErrDenied)
		return Moved{}, errors.Join(err, s.Log.Append(ctx, e))
	}
	f.User, f.Epoch, f.Inherits, f.Platform = u.ID, u.Epoch, "", m.Platform
	f.Proofs = []idp.Proof{{Kind: idp.Password, At: s.Now()}}
	e.Result = "ok"
	return turn{flow: f, user: u, from: from, marks: m, ask: true}.advance(ctx, s, func(ctx context.Context) error {
		return errors.Join(s.Limiter.Forgive(ctx, budgets...), s.Log.Append(ctx, e))
	})
}

// memorised is the passwords that people know: those of the house, and those of the
// system that they came from.
type memorised struct {
	here      Passwords
	elsewhere Elsewhere // may be nil
}

func (s *Service) memorised() memorised { return memorised{s.Passwords, s.Elsewhere} }

// evenly returns what a refusal waits for before it is told; see [Elsewhere].
func (m memorised) evenly(ctx context.Context) (even func() (silent bool)) {
	if m.elsewhere == nil {
		return func() bool { return false }
	}
	return m.elsewhere.Begin(ctx)
}

// proves checks a password, and reports whether the hash should be replaced. Of
// somebody who has none here, the system that they came from is asked.
func (m memorised) proves(ctx context.Context, u idp.User, password string, locked bool) (right, outdated bool, err error) {
	right, outdated, err = m.here.Check(ctx, u.Password, password)
	if err != nil || m.elsewhere == nil || locked || u.ID == "" || u.Password != "" || u.Disabled {
		return right, outdated, err
	}
	right, err = m.elsewhere.Check(ctx, u, password)
	return right, right, err
}

// sane refuses what no form of ours would send, before any work.
func sane(login, password string) error {
	switch {
	case len(login) > 4*idp.MaxIdentifier:
		return fmt.Errorf("%w: the name is longer than %d characters", idp.ErrInvalid, idp.MaxIdentifier)
	case utf8.RuneCountInString(password) > 256:
		return fmt.Errorf("%w: the password is longer than 256 characters", idp.ErrInvalid)
	case !utf8.ValidString(login) || !utf8.ValidString(password):
		return fmt.Errorf("%w: not UTF-8", idp.ErrInvalid)
	}
	return nil
}

// take counts the try. A lock of the account is reported, not returned: the
// password is still hashed, so that time tells nothing. A lock of the network
// is an error, because it tells nothing of the account.
func take(ctx context.Context, l mfa.Limiter, bs []mfa.Budget) (locked bool, err error) {
	err = l.Take(ctx, bs...)
	var lock *mfa.LockedError
	switch {
	case err == nil:
		return false, nil
	case !errors.As(err, &lock):
		return false, err
	case lock.Key != bs[0].Key:
		return false, fmt.Errorf("%w: %w", ErrSlowDown, lock)
	}
	// The account is locked, so nothing was counted. The network still pays for
	// the work that follows, or one locked name would be free for all (C-11).
	if err = l.Take(ctx, bs[1:]...); errors.As(err, &lock) {
		return false, fmt.Errorf("%w: %w", ErrSlowDown, lock)
	}
	return true, err
}

func reason(u idp.User, locked, right bool) string {
	switch {
	case locked:
		return "locked"
	case u.ID == "":
		return "unknown"
	case !right:
		return "wrong"
	}
	return "disabled"
}

// rehash brings a hash of old parameters or of another system to ours.
// A password changed meanwhile wins.
func rehash(ctx context.Context, users idp.Users, hasher Passwords, u idp.User, password string) error {
	hash, err := hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := users.SetPassword(ctx, u.ID, u.Password, hash); !errors.Is(err, idp.ErrSpent) {
		return err
	}
	return nil
}
