package account

import (
	"context"
	"errors"

	"latchkey/idp"
	"latchkey/mfa"
)

// Disable locks a person out at once: their sessions end, and the raised
// epoch kills codes, tokens and devices (S-05, D-13).
func (s *Service) Disable(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.acts().change(ctx, by, id, idp.EditPeople, "user.disable", func(ctx context.Context, u idp.User) error {
		return errors.Join(s.acts().keepOwner(ctx, by, u, ""), s.Users.SetDisabled(ctx, id, true), s.Sessions.EndAll(ctx, id, ""))
	})
}

// Enable lets a person in again. What died with Disable stays dead.
func (s *Service) Enable(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.acts().change(ctx, by, id, idp.EditPeople, "user.enable", func(ctx context.Context, _ idp.User) error {
		return s.Users.SetDisabled(ctx, id, false)
	})
}

// Unlock forgets the wrong tries that lock a person out, with password and
// codes, in every browser.
func (s *Service) Unlock(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.acts().change(ctx, by, id, idp.HelpPeople, "user.unlock", func(ctx context.Context, u idp.User) error {
		return s.Locks.Lift(ctx, "pw:"+string(u.ID), "mfa:"+string(u.ID), "send:"+string(u.ID))
	})
}

// ResetFactors removes every factor of a person who lost theirs and ends
// their sessions (M-10). What policy demands is set up at the next sign-in.
func (s *Service) ResetFactors(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.acts().change(ctx, by, id, idp.HelpPeople, "factor.reset", func(ctx context.Context, u idp.User) error {
		return errors.Join(
			s.Users.RaiseEpoch(ctx, id), s.Factors.DropAll(ctx, mfa.SubjectID(id)),
			s.Sessions.EndAll(ctx, id, ""),
			s.Users.ForgetPhone(ctx, id, ""), // who lost their phone gets no codes on it
			s.acts().tell(ctx, by, u, idp.FactorsReset))
	})
}

// SetPassword gives a person a new password, ends their sessions and kills
// what was issued before (E-08). Only the host's command line may: an
// administrator who knows somebody's password could be them.
func (s *Service) SetPassword(ctx context.Context, by idp.Actor, id idp.UserID, plain string) error {
	if !by.Host {
		return &idp.DeniedError{Right: idp.EditPeople}
	}
	u, err := s.Users.ByID(ctx, id)
	if err != nil {
		return err
	}
	hash, err := s.Rules().hash(ctx, u, plain)
	if err != nil {
		return err
	}
	return s.acts().change(ctx, by, id, idp.EditPeople, "password.set", func(ctx context.Context, u idp.User) error {
		return errors.Join(
			s.Users.SetPassword(ctx, id, u.Password, hash), s.Users.RaiseEpoch(ctx, id), s.Sessions.EndAll(ctx, id, ""),
			s.acts().tell(ctx, by, u, idp.PasswordChanged))
	})
}

// Remove deletes a person with all that is theirs. The id is never used again
// (P-21); events about them stay.
func (s *Service) Remove(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.acts().change(ctx, by, id, idp.EditPeople, "user.remove", func(ctx context.Context, u idp.User) error {
		return errors.Join(s.acts().keepOwner(ctx, by, u, ""), s.Factors.DropAll(ctx, mfa.SubjectID(id)), s.Users.Remove(ctx, id))
	})
}
