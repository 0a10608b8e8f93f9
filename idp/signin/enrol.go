package signin

import (
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
)

// Wizard sets up a factor inside a sign-in.
type Wizard struct{ in *Service }

// Wizard sets up a factor inside a sign-in.
func (s *Service) Wizard() Wizard { return Wizard{s} }

// Enrolment is what the wizard shows: nothing of it is active before Confirm.
type Enrolment struct {
	Kind  mfa.Kind
	Ask   mfa.Prompt
	Codes mfa.Prompt // backup codes; no shape: this wizard has none
	Kept  bool       // the person said that the codes are saved
}

// Ready reports whether only the last answer is missing.
func (e Enrolment) Ready() bool { return e.Kept || e.Codes.Shape == "" }

// Enrol starts the wizard for one of the factors that the view can add. For a
// code by SMS phone is the number to add, E.164. A *mfa.LockedError or
// mfa.ErrUnsent when a code could not be sent.
func (w Wizard) Enrol(ctx context.Context, v View, k mfa.Kind, phone string) error {
	if v.Lapsed() {
		return mfa.ErrExpired
	}
	if !v.enrolling() || !slices.Contains(v.Addable, k) {
		return idp.ErrDenied
	}
	f, who := v.Flow, subject(v.User, v.Decision, v.From)
	if phone != "" {
		who.Phone = phone
	}
	start := func(ctx context.Context) error {
		c, err := w.in.Factors.Enroll(ctx, who, k, binding(f))
		if err != nil {
			return err
		}
		f.Enrol = &Enrolling{Kind: k, Asked: c.ID, Phone: phone}
		if v.wantsCodes() {
			codes, err := w.in.Factors.Enroll(ctx, who, backup.Kind, binding(f))
			if err != nil {
				return err
			}
			f.Enrol.Codes = codes.ID
		}
		return w.in.Flows.Put(ctx, f)
	}
	if w.in.Factors.Sends(k) {
		return start(ctx) // sending is counted, and counts commit on their own
	}
	return w.in.Atomic(ctx, start)
}

// enrolling reports whether a factor may be set up at this step.
func (v View) enrolling() bool { return v.Step == MustEnrol || v.Step == MayEnrol }

// wantsCodes reports whether backup codes come with the new factor: to whoever
// has none, where they count.
func (v View) wantsCodes() bool {
	return !slices.Contains(v.User.Factors, backup.Kind) && len(v.target().Usable([]mfa.Kind{backup.Kind})) > 0
}

// target is the decision that the enrolment is to satisfy.
func (v View) target() policy.Decision {
	if v.ahead != nil {
		return *v.ahead
	}
	return v.Decision
}

// Enrolment returns the wizard under way, so that a reloaded page shows the
// same secret (M-08), or mfa.ErrExpired when none is.
func (w Wizard) Enrolment(ctx context.Context, v View) (Enrolment, error) {
	f := v.Flow
	if !v.enrolling() {
		return Enrolment{}, idp.ErrDenied
	}
	if f.Enrol == nil || !slices.Contains(v.Addable, f.Enrol.Kind) {
		return Enrolment{}, mfa.ErrExpired
	}
	out := Enrolment{Kind: f.Enrol.Kind, Kept: f.Enrol.Kept}
	c, err := w.in.Factors.Pending(ctx, mfa.SubjectID(f.User), f.Enrol.Asked, binding(f))
	if err != nil {
		return Enrolment{}, err
	}
	out.Ask = c.Prompt
	if f.Enrol.Codes != "" {
		c, err := w.in.Factors.Pending(ctx, mfa.SubjectID(f.User), f.Enrol.Codes, binding(f))
		if err != nil {
			return Enrolment{}, err
		}
		out.Codes = c.Prompt
	}
	return out, nil
}

// SendAgain sends the code of the wizard once more.
func (w Wizard) SendAgain(ctx context.Context, v View) error {
	if !v.enrolling() || v.Flow.Enrol == nil {
		return idp.ErrDenied
	}
	who := subject(v.User, v.Decision, v.From)
	if v.Flow.Enrol.Phone != "" {
		who.Phone = v.Flow.Enrol.Phone
	}
	_, err := w.in.Factors.Again(ctx, who, v.Flow.Enrol.Asked, binding(v.Flow))
	return err
}

// Keep is the step of the wizard in which the backup codes are saved.
func (w Wizard) Keep(ctx context.Context, v View) error {
	if !v.enrolling() || v.Flow.Enrol == nil {
		return idp.ErrDenied
	}
	f, e := v.Flow, *v.Flow.Enrol
	e.Kept = true
	f.Enrol = &e
	return w.in.Flows.Put(ctx, f)
}

// Confirm is the wizard's last step: a right answer makes the factor and the
// backup codes active and is the second factor of this sign-in (M-07).
func (w Wizard) Confirm(ctx context.Context, v View, a mfa.Answer, m Marks) (Moved, error) {
	f, u := v.Flow, v.User
	if v.Lapsed() {
		return Moved{}, mfa.ErrExpired
	}
	if !v.enrolling() || f.Enrol == nil || f.Enrol.Codes != "" && !f.Enrol.Kept || !slices.Contains(v.Addable, f.Enrol.Kind) {
		return Moved{}, idp.ErrDenied
	}
	e := event(w.in.Now(), "factor.add", f, u, f.Enrol.Kind, v.From)
	answers := []mfa.Response{{ID: f.Enrol.Asked, Answer: a}}
	if f.Enrol.Codes != "" {
		answers = append(answers, mfa.Response{ID: f.Enrol.Codes, Answer: mfa.Answer{Kept: true}})
	}
	who := subject(u, v.Decision, v.From)
	if f.Enrol.Phone != "" {
		who.Phone = f.Enrol.Phone
	}
	var out Moved
	err := w.in.Factors.Confirm(ctx, who, binding(f), answers, func(ctx context.Context, made []mfa.Credential) error {
		f.Proofs = append(slices.Clone(f.Proofs), proof(made[0], w.in.Now()))
		link := f.Link
		f.Enrol, f.Wants, f.Link, f.Skipped = nil, "", "", true
		for _, c := range made {
			if !slices.Contains(u.Factors, c.Kind) {
				u.Factors = append(slices.Clone(u.Factors), c.Kind)
			}
		}
		e.Result = "ok"
		var err error
		out, err = turn{flow: f, user: u, from: v.From, marks: m, trust: f.Trust}.advance(ctx, w.in, func(ctx context.Context) error {
			// Of two sign-ins that set up a factor at once, one wins: it takes
			// the other's flow away, whose end then finds nothing (M-05).
			return errors.Join(w.in.Flows.EndOthers(ctx, u.ID, f.ID), w.in.Log.Append(ctx, e), w.added(ctx, v, e, made[0]), w.use(ctx, u, link)) // M-18
		})
		return err
	})
	if err != nil {
		return Moved{}, w.in.witness().failed(ctx, v.Flow, v.User, e, err)
	}
	return out, nil
}

// added tells of a new factor, and what it makes known of the person: a number
// or an address that took a code is theirs.
func (w Wizard) added(ctx context.Context, v View, e idp.Event, made mfa.Credential) error {
	n := noticeOf(idp.FactorAdded, v.Flow, e)
	n.Credential = made.ID
	err := w.in.Notify.Notice(ctx, v.User, n)
	if made.Kind == smsKind && v.Flow.Enrol.Phone != "" && !v.User.PhoneVerified { // one that is known stays where others write to (T-14)
		err = errors.Join(err, w.in.Users.SetPhone(ctx, v.User.ID, v.Flow.Enrol.Phone))
	}
	return err
}

// Kinds of codes that are sent.
const (
	smsKind   mfa.Kind = "sms"
	emailKind mfa.Kind = "email"
)

// use spends the link that led here, if one did, and with it any other of its
// kind: what they ask for is done (SECURITY.md M-11).
func (w Wizard) use(ctx context.Context, u idp.User, link string) error {
	if link == "" {
		return nil
	}
	return errors.Join(w.in.Links.Spend(ctx, link), w.in.Links.Void(ctx, idp.LinkEnrol, u.ID))
}

// Skip puts an enrolment off that is not due yet.
func (w Wizard) Skip(ctx context.Context, v View, m Marks) (Moved, error) {
	return w.skip(ctx, v, m, func(context.Context) error { return nil })
}

func (w Wizard) skip(ctx context.Context, v View, m Marks, also func(context.Context) error) (Moved, error) {
	if v.Step != MayEnrol {
		return Moved{}, idp.ErrDenied
	}
	f := v.Flow
	f.Skipped = true
	e := event(w.in.Now(), "factor.later", f, v.User, "", v.From)
	e.Result = "ok"
	return turn{flow: f, user: v.User, from: v.From, marks: m, trust: f.Trust}.advance(ctx, w.in, func(ctx context.Context) error {
		return errors.Join(w.in.Log.Append(ctx, e), also(ctx))
	})
}

// proof is what a use of a factor proves.
func proof(c mfa.Credential, at time.Time) idp.Proof {
	return idp.Proof{Kind: c.Kind, At: at, Verified: c.Use.Verified, Synced: c.Use.Synced}
}
