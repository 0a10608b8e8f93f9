package account

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"latchkey/idp"
	"latchkey/mfa"
)

// Disable locks a person out at once: their sessions end, and the raised
// epoch kills codes, tokens and devices (S-05, D-13).
func (s *Service) Disable(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.change(ctx, by, id, idp.EditPeople, "user.disable", func(ctx context.Context, u idp.User) error {
		return errors.Join(s.keepOwner(ctx, by, u, ""), s.Users.SetDisabled(ctx, id, true), s.Sessions.EndAll(ctx, id, ""))
	})
}

// Enable lets a person in again. What died with Disable stays dead.
func (s *Service) Enable(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.change(ctx, by, id, idp.EditPeople, "user.enable", func(ctx context.Context, _ idp.User) error {
		return s.Users.SetDisabled(ctx, id, false)
	})
}

// Unlock forgets the wrong tries that lock a person out, with password and
// codes, in every browser.
func (s *Service) Unlock(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.change(ctx, by, id, idp.HelpPeople, "user.unlock", func(ctx context.Context, u idp.User) error {
		return s.Locks.Lift(ctx, "pw:"+string(u.ID), "mfa:"+string(u.ID), "send:"+string(u.ID))
	})
}

// ResetFactors removes every factor of a person who lost theirs and ends
// their sessions (M-10). What policy demands is set up at the next sign-in.
func (s *Service) ResetFactors(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.change(ctx, by, id, idp.HelpPeople, "factor.reset", func(ctx context.Context, u idp.User) error {
		return errors.Join(
			s.Users.RaiseEpoch(ctx, id), s.Factors.DropAll(ctx, mfa.SubjectID(id)),
			s.Sessions.EndAll(ctx, id, ""),
			s.Users.ForgetPhone(ctx, id, ""), // who lost their phone gets no codes on it
			s.tell(ctx, by, u, idp.FactorsReset))
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
	if err := s.acceptable(ctx, u, plain); err != nil {
		return err
	}
	hash, err := s.Passwords.Hash(ctx, plain)
	if err != nil {
		return err
	}
	return s.change(ctx, by, id, idp.EditPeople, "password.set", func(ctx context.Context, u idp.User) error {
		return errors.Join(
			s.Users.SetPassword(ctx, id, u.Password, hash), s.Users.RaiseEpoch(ctx, id), s.Sessions.EndAll(ctx, id, ""),
			s.tell(ctx, by, u, idp.PasswordChanged))
	})
}

// Remove deletes a person with all that is theirs. The id is never used again
// (P-21); events about them stay.
func (s *Service) Remove(ctx context.Context, by idp.Actor, id idp.UserID) error {
	return s.change(ctx, by, id, idp.EditPeople, "user.remove", func(ctx context.Context, u idp.User) error {
		return errors.Join(s.keepOwner(ctx, by, u, ""), s.Factors.DropAll(ctx, mfa.SubjectID(id)), s.Users.Remove(ctx, id))
	})
}

// AddGroup makes a group; an existing one is left as it is.
func (s *Service) AddGroup(ctx context.Context, by idp.Actor, name string) error {
	if err := errors.Join(by.May(idp.EditPeople), checkGroup(name)); err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Groups.Put(ctx, name), s.note(ctx, by, "group.add", "", map[string]string{"group": name}))
	})
}

// Fed names what fills a group by itself, such as a connected Odoo.
type Fed func(ctx context.Context, group string) (by string, fed bool, err error)

// ErrFed refuses to change by hand a group that something else fills; it is an
// [idp.ErrInvalid].
var ErrFed = fmt.Errorf("%w: the group is filled by a connected system; change it there", idp.ErrInvalid)

// byHand refuses what would be undone with the next synchronisation, and may
// open an application until then.
func (s *Service) byHand(ctx context.Context, by idp.Actor, group string) error {
	feed, fed, err := s.fed(ctx, by, group)
	if err == nil && fed {
		err = fmt.Errorf("%w: %q by %s", ErrFed, group, feed)
	}
	return err
}

// fed says what keeps the actor from changing a group. The synchronisation acts
// as the host, whom nothing keeps.
func (s *Service) fed(ctx context.Context, by idp.Actor, group string) (feed string, fed bool, err error) {
	if by.Host || s.Fed == nil {
		return "", false, nil
	}
	return s.Fed(ctx, group)
}

// RemoveGroup removes a group and everybody's membership in it.
func (s *Service) RemoveGroup(ctx context.Context, by idp.Actor, name string) error {
	if err := by.May(idp.EditPeople); err != nil {
		return err
	}
	if err := s.byHand(ctx, by, name); err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Groups.Remove(ctx, name), s.note(ctx, by, "group.remove", "", map[string]string{"group": name}))
	})
}

// Join puts a person into a group, which is made if it is new.
func (s *Service) Join(ctx context.Context, by idp.Actor, group string, id idp.UserID) error {
	if err := checkGroup(group); err != nil {
		return err
	}
	return s.member(ctx, by, id, "group.join", group, func(ctx context.Context) error {
		return errors.Join(s.Groups.Put(ctx, group), s.Groups.Join(ctx, group, id))
	})
}

// Leave takes a person out of a group.
func (s *Service) Leave(ctx context.Context, by idp.Actor, group string, id idp.UserID) error {
	return s.member(ctx, by, id, "group.leave", group, func(ctx context.Context) error {
		return s.Groups.Leave(ctx, group, id)
	})
}

func (s *Service) member(ctx context.Context, by idp.Actor, id idp.UserID, what, group string, do func(context.Context) error) error {
	u, err := s.touch(ctx, by, id, idp.EditPeople, what)
	if err == nil {
		err = s.byHand(ctx, by, group)
	}
	if err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(do(ctx), s.note(ctx, by, what, u.ID, map[string]string{"group": group}))
	})
}

// change runs what every change of a person shares: the right to do it, the
// person, one transaction, one event.
func (s *Service) change(ctx context.Context, by idp.Actor, id idp.UserID, right idp.Right, what string, do func(context.Context, idp.User) error) error {
	u, err := s.touch(ctx, by, id, right, what)
	if err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(do(ctx, u), s.note(ctx, by, what, id, nil))
	})
}

// touch reads a person to whom something is to be done, if the actor may do it
// to them (SECURITY.md D-01, D-02). Whoever may not leaves a line (D-07).
func (s *Service) touch(ctx context.Context, by idp.Actor, id idp.UserID, right idp.Right, what string) (idp.User, error) {
	if err := by.May(right); err != nil {
		return idp.User{}, s.denied(ctx, by, id, what, err)
	}
	u, err := s.Users.ByID(ctx, id)
	if err == nil {
		if err = by.MayTouch(right, u); err != nil {
			err = s.denied(ctx, by, id, what, err)
		}
	}
	return u, err
}

// denied notes that somebody tried what is not theirs (D-07).
func (s *Service) denied(ctx context.Context, by idp.Actor, id idp.UserID, what string, err error) error {
	if by.User == "" {
		return err
	}
	return errors.Join(err, s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, User: id, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: "denied",
	}))
}

// keepOwner refuses to take the last owner away (D-05): it fails the Atomic in
// ctx with idp.ErrLastOwner when somebody who is one, and is not to be any more,
// has no peer. The host's command line may: it can make another one.
func (s *Service) keepOwner(ctx context.Context, by idp.Actor, u idp.User, next idp.Role) error {
	if by.Host || u.Role != idp.Owner || next == idp.Owner || u.Disabled {
		return nil
	}
	return s.Owners.Another(ctx, u.ID)
}

// tell notifies a person of a change to their account. Where an administrator
// sits is not theirs to know; where they themselves did it is.
func (s *Service) tell(ctx context.Context, by idp.Actor, u idp.User, k idp.NoticeKind) error {
	n := idp.Notice{Kind: k, At: s.Now()}
	if by.User == u.ID {
		n.Origin = by.Origin
	}
	return s.Notify.Notice(ctx, u, n)
}
