package signin

import (
	"context"
	"errors"
	"maps"
	"slices"

	"latchkey/idp"
	"latchkey/mfa"
)

// Second is the second step: challenges of the factors that somebody holds.
type Second struct{ in *Service }

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
		c, err := s.in.Factors.Pending(ctx, mfa.SubjectID(f.User), id, binding(f))
		if !errors.Is(err, mfa.ErrExpired) {
			return c.Prompt, k, err
		}
	}
	if s.in.Factors.Sends(k) {
		return mfa.Prompt{}, k, mfa.ErrUnsent
	}
	c, err := s.in.Factors.Prepare(ctx, subject(v.User, v.Decision, v.From), k, binding(f))
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
	return s.in.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.in.Factors.Open(ctx, c), s.in.Flows.Put(ctx, f.asking(c)))
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
	if v.Step != AskFactor || !slices.Contains(v.Methods, k) || !s.in.Factors.Sends(k) {
		return idp.ErrDenied
	}
	f, who := v.Flow, subject(v.User, v.Decision, v.From)
	if id := f.Asked[k]; id != "" {
		c, err := s.in.Factors.Again(ctx, who, id, binding(f))
		if err == nil {
			return s.in.Flows.Put(ctx, f.asking(c))
		} else if !errors.Is(err, mfa.ErrExpired) {
			return err
		}
	}
	c, err := s.in.Factors.Prepare(ctx, who, k, binding(f))
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
	e := event(s.in.Now(), "signin.factor", f, u, k, v.From)
	var out Moved
	_, err := s.in.Factors.Check(ctx, subject(u, v.Decision, v.From), f.Asked[k], binding(f), a, func(ctx context.Context, used mfa.Credential) error {
		f.Proofs = append(slices.Clone(f.Proofs), proof(used, s.in.Now()))
		f.Asked, f.Method, f.Unsent = nil, "", nil
		e.Result = "ok"
		var err error
		out, err = turn{flow: f, user: u, from: v.From, marks: m, trust: trust}.advance(ctx, s.in, func(ctx context.Context) error {
			return errors.Join(s.in.Log.Append(ctx, e), s.in.witness().after(ctx, f, u, e, used))
		})
		return err
	})
	if err != nil {
		return Moved{}, s.in.witness().failed(ctx, f, u, e, err)
	}
	return out, nil
}
