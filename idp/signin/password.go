package signin

import (
	"context"
	"crypto/rand"
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
	ReturnTo string        // when Done
}

// ErrSlowDown means that this network has tried too often; it says nothing of
// any account. It wraps a [mfa.LockedError].
var ErrSlowDown = errors.New("signin: too many tries from this network")

// Password is the first step. Whatever is wrong (the name, the password, a
// disabled account, a lock) the answer is idp.ErrBadLogin after the same work
// (A-12, B-07, E-01). known is the known-browser cookie.
func (s *Service) Password(ctx context.Context, v View, from idp.Origin, login, password, known string) (Moved, error) {
	if err := sane(login, password); err != nil {
		return Moved{}, err
	}
	canonical := idp.Canonical(login)
	u, err := s.Users.ByIdentifier(ctx, canonical)
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return Moved{}, err
	}
	budgets := s.budgets(u, canonical, known, from)
	locked, err := take(ctx, s.Limiter, budgets)
	if err != nil {
		return Moved{}, err
	}
	right, outdated, err := s.Passwords.Check(ctx, u.Password, password)
	if err != nil {
		return Moved{}, err
	}
	e := event(s.Now(), "signin.password", v.Flow, u, idp.Password, from)
	if locked || !right || u.Disabled {
		e.Result = reason(u, locked, right)
		return Moved{}, errors.Join(idp.ErrBadLogin, s.refused(ctx, v.Flow, u, e))
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
	f.User, f.Epoch, f.Inherits = u.ID, u.Epoch, ""
	f.Proofs = []idp.Proof{{Kind: idp.Password, At: s.Now()}}
	e.Result = "ok"
	return s.advance(ctx, f, u, from, known, func(ctx context.Context) error {
		return errors.Join(s.Limiter.Forgive(ctx, budgets...), s.Log.Append(ctx, e))
	})
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

// advance follows a proof: it stores the flow for the next step or ends it
// with a session, together with what also writes, in one transaction.
func (s *Service) advance(ctx context.Context, f Flow, u idp.User, from idp.Origin, known string, also func(context.Context) error) (Moved, error) {
	d, err := s.decide(ctx, f, u)
	if err != nil {
		return Moved{}, err
	}
	step := f.Next(d, u.Factors)
	if step == Done {
		var m Moved
		err := s.Atomic(ctx, func(ctx context.Context) error {
			m, err = s.open(ctx, f, u, from, known)
			return errors.Join(err, also(ctx))
		})
		return m, err
	}
	if f.ID == "" {
		f.ID = rand.Text()
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		if ks := methods(d, u.Factors, s.Factors.Kinds()); step == AskFactor && len(ks) > 0 {
			if err := s.ask(ctx, &f, u, ks[0]); err != nil {
				return err
			}
		}
		return errors.Join(s.Flows.Put(ctx, f), also(ctx))
	})
	return Moved{Step: step, Ticket: f.ID}, err
}

// open ends a flow with a session under a new id; the one it replaces dies
// (S-01). It runs inside an Atomic.
func (s *Service) open(ctx context.Context, f Flow, u idp.User, from idp.Origin, known string) (Moved, error) {
	token, now := newToken(), s.Now()
	n := idp.Session{
		ID: idp.SessionID(rand.Text()), Hash: HashToken(token), User: u.ID, Epoch: f.Epoch, Proofs: f.Proofs,
		// A step-up does not prolong the life of the password's proof (S-04).
		Created: now, Seen: now, Expires: idp.AuthTime(f.Proofs).Add(s.Rules.Absolute), Idle: s.Rules.Idle, Origin: from,
	}
	e := event(s.Now(), "signin", f, u, f.Proofs[len(f.Proofs)-1].Kind, from)
	e.Result, e.Session = "ok", n.ID
	errs := []error{s.Sessions.Open(ctx, n), s.Log.Append(ctx, e), s.browserSeen(ctx, f, u, e, known)}
	if f.ID != "" {
		errs = append(errs, s.Flows.End(ctx, f.ID))
	}
	if f.Replaces != "" {
		// The same person's tokens belong to the new session, so that signing
		// out finds them; another person's end here (S-05).
		errs = append(errs, s.Sessions.End(ctx, f.Replaces),
			s.Tokens.MoveSession(ctx, u.ID, f.Replaces, n.ID), s.Tokens.EndSession(ctx, f.Replaces))
	}
	return Moved{
		Step: Done, Session: token, MaxAge: s.Rules.Absolute, Known: knownBrowsers(s.Secret).remember(u, known), ReturnTo: f.ReturnTo,
	}, errors.Join(errs...)
}

func event(at time.Time, what string, f Flow, u idp.User, k mfa.Kind, from idp.Origin) idp.Event {
	return idp.Event{
		ID: rand.Text(), At: at, What: what, User: u.ID, Actor: u.ID, Client: f.Need.Client, Method: k, Origin: from,
	}
}
