package security

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"latchkey/idp"
	"latchkey/mfa/trust"
)

// ForgetDevice ends the trust in one browser, with the sessions that it helped
// to open; idp.ErrNotFound when there is none of that id.
func (s *Service) ForgetDevice(ctx context.Context, by idp.Actor, whose idp.UserID, id string) error {
	return s.forget(ctx, by, whose, "device.forget", id, func(ctx context.Context, p person) error {
		return s.Devices.Forget(ctx, p.subject().ID, id)
	})
}

// ForgetDevices ends the trust in all of them.
func (s *Service) ForgetDevices(ctx context.Context, by idp.Actor, whose idp.UserID) error {
	return s.forget(ctx, by, whose, "device.forget_all", "", func(ctx context.Context, p person) error {
		return s.Devices.ForgetAll(ctx, p.subject().ID)
	})
}

// forget ends trust before it ends the sessions, so that none slips through. The
// actor's own session goes on: it rests on a proof that is minutes old.
func (s *Service) forget(ctx context.Context, by idp.Actor, whose idp.UserID, what, device string, do func(context.Context, person) error) error {
	p, err := s.reach(ctx, by, whose, Forget)
	if err != nil {
		return err
	}
	all, err := s.Sessions.Of(ctx, whose)
	if err != nil {
		return err
	}
	e := s.event(p, what, "")
	err = s.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{do(ctx, p), s.Sessions.EndDevice(ctx, p.ID, device, p.spared())}
		for _, n := range all {
			if n.ID != p.spared() && n.Device != "" && (device == "" || n.Device == device) {
				errs = append(errs, s.Tokens.EndSession(ctx, n.ID))
			}
		}
		return errors.Join(append(errs, s.leave(ctx, p, e, idp.Notice{Kind: idp.DevicesForgot}))...)
	})
	if errors.Is(err, trust.ErrForgotten) {
		return fmt.Errorf("%w: %w", idp.ErrNotFound, err)
	}
	return err
}

// EndSession ends one session of the person and what came from it (SECURITY.md
// S-06); idp.ErrNotFound when it is not theirs.
func (s *Service) EndSession(ctx context.Context, by idp.Actor, whose idp.UserID, id idp.SessionID) error {
	p, err := s.reach(ctx, by, whose, EndSession)
	if err != nil {
		return err
	}
	all, err := s.Sessions.Of(ctx, whose)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(n idp.Session) bool { return n.ID == id }) {
		return idp.ErrNotFound
	}
	e := s.event(p, "session.end", "")
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Sessions.End(ctx, id), s.Tokens.EndSession(ctx, id), s.leave(ctx, p, e, idp.Notice{Kind: idp.SessionsEnded}))
	})
}

// EndOtherSessions ends all sessions but the one in which it is done.
func (s *Service) EndOtherSessions(ctx context.Context, by idp.Actor, whose idp.UserID) error {
	p, err := s.reach(ctx, by, whose, EndSession)
	if err != nil {
		return err
	}
	e := s.event(p, "session.end_all", "")
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(
			s.Flows.EndAll(ctx, p.ID), s.endOthers(ctx, p, p.spared()), s.leave(ctx, p, e, idp.Notice{Kind: idp.SessionsEnded}))
	})
}

// NotMe follows somebody's word that a line of their history was not theirs:
// whoever it was is put out. Everything ends but the session in which it is
// said; known browsers and trusted ones are strangers again.
func (s *Service) NotMe(ctx context.Context, by idp.Actor, whose idp.UserID, line, known string) (Renewed, error) {
	p, err := s.reach(ctx, by, whose, NotMe)
	if err != nil {
		return Renewed{}, err
	}
	n, err := s.follower(ctx, p, p.Epoch+1)
	if err != nil {
		return Renewed{}, err
	}
	e := s.event(p, "user.not_me", "")
	e.Detail = map[string]string{"event": clean(line)}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.anew(ctx, p, n), s.leave(ctx, p, e, idp.Notice{Kind: idp.SessionsEnded}))
	})
	if err != nil {
		return Renewed{}, err
	}
	return s.remembered(p, n, known), nil
}
