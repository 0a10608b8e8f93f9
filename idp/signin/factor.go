package signin

import (
	"context"
	"errors"
	"maps"
	"slices"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
)

// Second is the second step: challenges of the factors that somebody holds.
type Second struct{ *Service }

// Second is the second step of a sign-in.
func (s *Service) Second() Second { return Second{s} }

// binding ties a challenge to its flow, and through it to one browser (T-06).
func binding(f Flow) string { return "signin:" + f.ID }

// Challenge returns what the page of the second step shows for one of the
// view's methods (empty: the one asked last, or the first offered). A
// reloaded page gets the same challenge. Nothing is sent here: where a code must
// be sent first the error is mfa.ErrUnsent, and [Second.Send] sends it.
func (s Second) Challenge(ctx context.Context, v View, k mfa.Kind) (mfa.Prompt, mfa.Kind, error) {
	if v.Step != AskFactor || len(v.Methods) == 0 {
		return mfa.Prompt{}, "", idp.ErrDenied
	}
	f, k := v.Flow, v.method(k)
	if id := f.Asked[k]; id != "" {
		c, err := s.Factors.Pending(ctx, mfa.SubjectID(f.User), id, binding(f))
		if !errors.Is(err, mfa.ErrExpired) {
			return c.Prompt, k, err
		}
	}
	if s.Factors.Sends(k) {
		return mfa.Prompt{}, k, mfa.ErrUnsent
	}
	c, err := s.Factors.Prepare(ctx, subject(v.User, v.Decision, v.From), k, binding(f))
	if err != nil {
		return mfa.Prompt{}, k, err
	}
	return c.Prompt, k, s.asked(ctx, f, c)
}

// method picks one of the view's methods.
func (v View) method(k mfa.Kind) mfa.Kind {
	if k == "" {
		k = v.Flow.Method
	}
	if !slices.Contains(v.Methods, k) {
		k = v.Methods[0]
	}
	return k
}

// asked stores a challenge and notes it in its flow.
func (s Second) asked(ctx context.Context, f Flow, c mfa.Challenge) error {
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Factors.Open(ctx, c), s.Flows.Put(ctx, f.asking(c)))
	})
}

func (f Flow) asking(c mfa.Challenge) Flow {
	f.Asked = maps.Clone(f.Asked)
	if f.Asked == nil {
		f.Asked = map[mfa.Kind]mfa.ChallengeID{}
	}
	f.Asked[c.Kind], f.Method, f.Unsent = c.ID, c.Kind, nil
	return f
}

// Send sends a code by one of the view's methods, or sends it again: then the
// one before is void and the tries go on (T-07). A *mfa.LockedError says that
// it is too soon or too much, mfa.ErrUnsent that it cannot be sent.
func (s Second) Send(ctx context.Context, v View, k mfa.Kind) error {
	if v.Step != AskFactor || !slices.Contains(v.Methods, k) || !s.Factors.Sends(k) {
		return idp.ErrDenied
	}
	f, who := v.Flow, subject(v.User, v.Decision, v.From)
	if id := f.Asked[k]; id != "" {
		c, err := s.Factors.Again(ctx, who, id, binding(f))
		if err == nil {
			return s.Flows.Put(ctx, f.asking(c))
		} else if !errors.Is(err, mfa.ErrExpired) {
			return err
		}
	}
	c, err := s.Factors.Prepare(ctx, who, k, binding(f))
	if err != nil {
		return err
	}
	return s.asked(ctx, f, c)
}

// Answer judges the second step. The used credential, the ended flow and the
// new session are one transaction. trust asks that this browser be trusted from
// now on; it is, if policy allows it.
func (s Second) Answer(ctx context.Context, v View, k mfa.Kind, a mfa.Answer, m Marks, trust bool) (Moved, error) {
	if v.Step != AskFactor || !slices.Contains(v.Methods, k) || v.Flow.Asked[k] == "" {
		return Moved{}, idp.ErrDenied
	}
	f, u := v.Flow, v.User
	e := event(s.Now(), "signin.factor", f, u, k, v.From)
	var out Moved
	_, err := s.Factors.Check(ctx, subject(u, v.Decision, v.From), f.Asked[k], binding(f), a, func(ctx context.Context, used mfa.Credential) error {
		f.Proofs = append(slices.Clone(f.Proofs), proof(used, s.Now()))
		f.Asked, f.Method, f.Unsent = nil, "", nil
		e.Result = "ok"
		var err error
		out, err = turn{flow: f, user: u, from: v.From, marks: m, trust: trust}.advance(ctx, s.Service, func(ctx context.Context) error {
			return errors.Join(s.Log.Append(ctx, e), s.after(ctx, f, u, e, used))
		})
		return err
	})
	if err != nil {
		return Moved{}, s.failed(ctx, f, u, e, err)
	}
	return out, nil
}

// after notes and tells what a use of a factor brings with it.
func (s *Service) after(ctx context.Context, f Flow, u idp.User, e idp.Event, used mfa.Credential) error {
	var errs []error
	if used.Kind == backup.Kind {
		n := noticeOf(idp.BackupUsed, f, e)
		n.Left = backup.Left(used)
		errs = append(errs, s.Notify.Notice(ctx, u, n))
	}
	if used.Use.Cloned {
		errs = append(errs, tell(ctx, s.Notify, idp.KeyCloned, f, u, e))
	}
	if u.Mailed && used.Kind != emailKind {
		errs = append(errs, s.Users.SetMailed(ctx, u.ID, false)) // more than a mailbox
	}
	if used.Kind != u.Method && used.Kind != backup.Kind && used.Kind != temporaryKind {
		errs = append(errs, s.Users.SetMethod(ctx, u.ID, used.Kind))
	}
	return errors.Join(errs...)
}

// failed logs a wrong answer and tells the person. The log's failure is worth more than the
// person's: it closes the door.
func (s *Service) failed(ctx context.Context, f Flow, u idp.User, e idp.Event, err error) error {
	switch {
	case errors.Is(err, mfa.ErrCloned):
		e.Result = "cloned"
	case errors.Is(err, mfa.ErrWrong):
		e.Result = "wrong"
	case errors.Is(err, mfa.ErrLocked):
		e.Result = "locked"
	case errors.Is(err, mfa.ErrExpired):
		e.Result = "expired"
	case errors.Is(err, mfa.ErrRefused):
		e.Result = "refused"
	default:
		return err
	}
	return errors.Join(err, s.refused(ctx, f, u, e))
}
