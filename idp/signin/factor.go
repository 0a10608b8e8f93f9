package signin

import (
	"context"
	"errors"
	"slices"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/totp"
)

// binding ties a challenge to its flow, and through it to one browser (T-06).
func binding(f Flow) string { return "signin:" + f.ID }

// ask starts a challenge and notes it in the flow, which the caller stores.
func (s *Service) ask(ctx context.Context, f *Flow, u idp.User, k mfa.Kind) error {
	c, err := s.Factors.Ask(ctx, u.Subject(), k, binding(*f))
	f.Challenge, f.Method = c.ID, k
	return err
}

// Challenge returns what the page of the second step shows for one of the
// view's methods (empty: the one asked last, or the first offered). A
// reloaded page gets the same challenge.
func (s *Service) Challenge(ctx context.Context, v View, k mfa.Kind) (mfa.Prompt, mfa.Kind, error) {
	if v.Step != AskFactor || len(v.Methods) == 0 {
		return mfa.Prompt{}, "", idp.ErrDenied
	}
	f := v.Flow
	if k == "" {
		k = f.Method
	}
	if !slices.Contains(v.Methods, k) {
		k = v.Methods[0]
	}
	if f.Challenge != "" && f.Method == k {
		c, err := s.Factors.Pending(ctx, mfa.SubjectID(f.User), f.Challenge, binding(f))
		if !errors.Is(err, mfa.ErrExpired) {
			return c.Prompt, k, err
		}
	}
	var prompt mfa.Prompt
	err := s.Atomic(ctx, func(ctx context.Context) error {
		c, err := s.Factors.Ask(ctx, v.User.Subject(), k, binding(f))
		if err != nil {
			return err
		}
		f.Challenge, f.Method, prompt = c.ID, k, c.Prompt
		return s.Flows.Put(ctx, f)
	})
	return prompt, k, err
}

// Answer judges the second step. The used credential, the ended flow and the
// new session are one transaction.
func (s *Service) Answer(ctx context.Context, v View, from idp.Origin, a mfa.Answer, known string) (Moved, error) {
	if v.Step != AskFactor || v.Flow.Challenge == "" {
		return Moved{}, idp.ErrDenied
	}
	f, u := v.Flow, v.User
	e := event(s.Now(), "signin.factor", f, u, f.Method, from)
	var m Moved
	_, err := s.Factors.Check(ctx, u.Subject(), f.Challenge, binding(f), a, func(ctx context.Context, used mfa.Credential) error {
		f.Proofs = append(slices.Clone(f.Proofs), idp.Proof{Kind: used.Kind, At: s.Now()})
		f.Challenge = ""
		e.Result = "ok"
		var err error
		m, err = s.advance(ctx, f, u, from, known, func(ctx context.Context) error {
			err := s.Log.Append(ctx, e)
			if used.Kind == backup.Kind {
				err = errors.Join(err, tell(ctx, s.Notify, idp.BackupUsed, f, u, e))
			}
			return err
		})
		return err
	})
	if err != nil {
		return Moved{}, s.failed(ctx, f, u, e, err)
	}
	return m, nil
}

// failed logs a wrong answer and tells the person. The log's failure is worth more than the
// person's: it closes the door.
func (s *Service) failed(ctx context.Context, f Flow, u idp.User, e idp.Event, err error) error {
	switch {
	case errors.Is(err, mfa.ErrWrong):
		e.Result = "wrong"
	case errors.Is(err, mfa.ErrLocked):
		e.Result = "locked"
	case errors.Is(err, mfa.ErrExpired):
		e.Result = "expired"
	default:
		return err
	}
	return errors.Join(err, s.refused(ctx, f, u, e))
}

// Enrolment is what the wizard shows: nothing of it is active before Confirm.
type Enrolment struct {
	Scan  mfa.Prompt
	Codes mfa.Prompt
	Kept  bool // the person said that the codes are saved
}

// Enrolment starts the wizard or returns the one under way, so that a
// reloaded page shows the same secret (M-08).
func (s *Service) Enrolment(ctx context.Context, v View) (Enrolment, error) {
	if v.Step != MustEnrol {
		return Enrolment{}, idp.ErrDenied
	}
	f := v.Flow
	if len(f.Enrol) == 2 {
		app, err1 := s.Factors.Pending(ctx, mfa.SubjectID(f.User), f.Enrol[0], binding(f))
		codes, err2 := s.Factors.Pending(ctx, mfa.SubjectID(f.User), f.Enrol[1], binding(f))
		err := errors.Join(err1, err2)
		if !errors.Is(err, mfa.ErrExpired) {
			return Enrolment{app.Prompt, codes.Prompt, f.Kept}, err
		}
	}
	var out Enrolment
	err := s.Atomic(ctx, func(ctx context.Context) error {
		app, err := s.Factors.Enroll(ctx, v.User.Subject(), totp.Kind, binding(f))
		if err != nil {
			return err
		}
		codes, err := s.Factors.Enroll(ctx, v.User.Subject(), backup.Kind, binding(f))
		if err != nil {
			return err
		}
		f.Enrol, f.Kept = []mfa.ChallengeID{app.ID, codes.ID}, false
		out = Enrolment{Scan: app.Prompt, Codes: codes.Prompt}
		return s.Flows.Put(ctx, f)
	})
	return out, err
}

// Keep is the wizard's second step: the backup codes are saved.
func (s *Service) Keep(ctx context.Context, v View) error {
	if v.Step != MustEnrol || len(v.Flow.Enrol) != 2 {
		return idp.ErrDenied
	}
	f := v.Flow
	f.Kept = true
	return s.Flows.Put(ctx, f)
}

// Confirm is the wizard's last step: a right code makes app and backup codes
// active and is the second factor of this sign-in (M-07).
func (s *Service) Confirm(ctx context.Context, v View, from idp.Origin, code, known string) (Moved, error) {
	f, u := v.Flow, v.User
	if v.Step != MustEnrol || len(f.Enrol) != 2 || !f.Kept {
		return Moved{}, idp.ErrDenied
	}
	e := event(s.Now(), "factor.add", f, u, totp.Kind, from)
	answers := []mfa.Response{
		{ID: f.Enrol[0], Answer: mfa.Answer{Code: code}},
		{ID: f.Enrol[1], Answer: mfa.Answer{Kept: true}},
	}
	var m Moved
	err := s.Factors.Confirm(ctx, u.Subject(), binding(f), answers, func(ctx context.Context, made []mfa.Credential) error {
		f.Proofs = append(slices.Clone(f.Proofs), idp.Proof{Kind: totp.Kind, At: s.Now()})
		f.Enrol = nil
		for _, c := range made {
			if !slices.Contains(u.Factors, c.Kind) {
				u.Factors = append(slices.Clone(u.Factors), c.Kind)
			}
		}
		e.Result = "ok"
		var err error
		m, err = s.advance(ctx, f, u, from, known, func(ctx context.Context) error {
			// Of two sign-ins that set up a factor at once, one wins: it takes
			// the other's flow away, whose end then finds nothing (M-05).
			return errors.Join(s.Flows.EndAll(ctx, u.ID), s.Log.Append(ctx, e), tell(ctx, s.Notify, idp.FactorAdded, f, u, e)) // M-18
		})
		return err
	})
	if err != nil {
		return Moved{}, s.failed(ctx, f, u, e, err)
	}
	return m, nil
}
