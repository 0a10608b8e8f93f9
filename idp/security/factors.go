package security

import (
	"context"
	"errors"
	"slices"

	"latchkey/idp"
	"latchkey/idp/password"
	"latchkey/mfa"
	"latchkey/mfa/code"
)

// RemoveFactor removes one credential (SECURITY.md M-09). The trust in browsers
// goes with it: it may have begun with that factor.
//
// ErrLast for the last factor; a [*RefusedError] when policy would then want
// another one. Somebody who helps need not mind either: what policy wants is set
// up at the next sign-in.
func (s *Service) RemoveFactor(ctx context.Context, by idp.Actor, whose idp.UserID, id mfa.CredentialID, endOthers bool) error {
	p, err := s.reach(ctx, by, whose, RemoveFactor)
	if err != nil {
		return err
	}
	gone, left, err := s.pick(ctx, p, id)
	if err != nil {
		return err
	}
	if p.own() {
		if err := removable(p, gone, left); err != nil {
			return err
		}
	}
	e := s.event(p, "factor.remove", gone.Kind)
	return s.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{
			s.Users.RaiseTrust(ctx, p.ID, p.Trust), // two at once have both seen the other's factor
			s.Factors.Drop(ctx, p.subject().ID, id), s.Flows.EndAll(ctx, p.ID), s.Devices.ForgetAll(ctx, p.subject().ID),
		}
		if endOthers {
			errs = append(errs, s.endOthers(ctx, p, p.spared()))
		}
		if to := code.Address(gone); gone.Kind == code.SMS && to != "" {
			errs = append(errs, s.Users.ForgetPhone(ctx, p.ID, to)) // nor is it lent as a factor (T-14)
		}
		return errors.Join(append(errs, s.leave(ctx, p, e, idp.Notice{Kind: idp.FactorRemoved}))...)
	})
}

// spared is the session that goes on when the others end: the actor's, if it is
// one of the person's.
func (p person) spared() idp.SessionID {
	if p.own() {
		return p.by.Session
	}
	return ""
}

// pick finds a credential, and the kinds that are left without it.
func (s *Means) pick(ctx context.Context, p person, id mfa.CredentialID) (mfa.Credential, []mfa.Kind, error) {
	held, err := s.Factors.Held(ctx, p.subject().ID)
	if err != nil {
		return mfa.Credential{}, nil, err
	}
	i := slices.IndexFunc(held, func(c mfa.Credential) bool { return c.ID == id && c.Kind != temporaryKind })
	if i < 0 {
		return mfa.Credential{}, nil, mfa.ErrNotHeld
	}
	var left []mfa.Kind
	for _, c := range slices.Delete(slices.Clone(held), i, i+1) {
		left = append(left, c.Kind)
	}
	return held[i], left, nil
}

func removable(p person, gone mfa.Credential, left []mfa.Kind) error {
	switch {
	case len(lasting([]mfa.Kind{gone.Kind})) > 0 && len(lasting(left)) == 0:
		return ErrLast
	case p.Password == "" && gone.Kind == idp.Passkey && !slices.Contains(left, idp.Passkey):
		return ErrLast // they sign in with nothing else
	case !p.anywhere.Lacks(p.Factors) && p.anywhere.Lacks(left):
		return refusal(p.anywhere)
	}
	return nil
}

// RenameFactor gives a credential another name.
func (s *Service) RenameFactor(ctx context.Context, by idp.Actor, whose idp.UserID, id mfa.CredentialID, label string) error {
	p, err := s.reach(ctx, by, whose, RenameFactor)
	if err != nil {
		return err
	}
	c, _, err := s.pick(ctx, p, id)
	if err != nil {
		return err
	}
	c.Label = clean(label)
	e := s.event(p, "factor.rename", c.Kind)
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Factors.Credentials.Save(ctx, c), s.leave(ctx, p, e, idp.Notice{}))
	})
}

// TurnOff ends two-step verification: every factor goes. It takes the password
// beside the proof of a factor that every change takes (SECURITY.md M-06). A
// [*RefusedError] when policy forbids it, ErrLast for somebody who has no
// password to sign in with.
//
// short says that the password is too short to stand alone, as it does now
// (SECURITY.md A-01): the person should choose another one at once.
func (s *Service) TurnOff(ctx context.Context, by idp.Actor, whose idp.UserID, plain, known string, endOthers bool) (short bool, err error) {
	p, err := s.reach(ctx, by, whose, TurnOff)
	if err != nil {
		return false, err
	}
	switch {
	case p.Password == "":
		return false, ErrLast
	case p.anywhere.Lacks(nil):
		return false, refusal(p.anywhere)
	case len(p.Factors) == 0:
		return false, mfa.ErrNotHeld
	}
	e := s.event(p, "factor.off", "")
	forgive, err := s.prove(ctx, p, e, plain, known)
	if err != nil {
		return false, err
	}
	bare := p.User
	bare.Factors = nil
	short = errors.Is(s.Rules.Acceptable(ctx, bare, plain), password.ErrShort)
	return short, s.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{
			s.Users.RaiseTrust(ctx, p.ID, p.Trust), s.Factors.DropAll(ctx, p.subject().ID), s.Flows.EndAll(ctx, p.ID),
			s.Devices.ForgetAll(ctx, p.subject().ID), forgive(ctx),
		}
		if endOthers {
			errs = append(errs, s.endOthers(ctx, p, p.spared()))
		}
		return errors.Join(append(errs, s.leave(ctx, p, e, idp.Notice{Kind: idp.TwoStepOff}))...)
	})
}
