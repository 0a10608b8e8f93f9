package signin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/policy"
	"latchkey/mfa/trust"
)

// turn is one proven step and what goes with it.
type turn struct {
	flow  Flow
	user  idp.User
	from  idp.Origin
	marks Marks
	trust bool // this browser is to be trusted from now on
	ask   bool // the next method may be asked at once: no Atomic is under way

	device *trust.Device // that stands for the second factor
}

// advance follows a proof: it stores the flow for the next step or ends it
// with a session, together with what also writes, in one transaction.
func (t turn) advance(ctx context.Context, s *Service, also func(context.Context) error) (Moved, error) {
	d, err := s.decide(ctx, t.flow, t.user, t.from)
	if err != nil {
		return Moved{}, err
	}
	step := t.flow.Next(d, t.user.Factors)
	if step == AskFactor {
		if t, step, err = t.recognise(ctx, s, d); err != nil {
			return Moved{}, err
		}
	}
	if step == Done && t.offers(s, d) {
		step, t.flow.Offered = MayEnrol, true
		done := also
		also = func(ctx context.Context) error {
			return errors.Join(done(ctx), s.Offers.PutOff(ctx, t.user.ID, s.Now().Add(offerEvery)))
		}
	}
	if step == Done {
		var m Moved
		err := s.Atomic(ctx, func(ctx context.Context) error {
			m, err = t.open(ctx, s, d)
			return errors.Join(err, grace(ctx, s, t.user, d), also(ctx))
		})
		if errors.Is(err, trust.ErrForgotten) { // in this very moment
			return Moved{}, fmt.Errorf("%w: %w", idp.ErrExpired, err)
		}
		return m, err
	}
	f := t.flow
	if f.ID == "" {
		f.ID = rand.Text()
	}
	if step == MayEnrol {
		f.Trust = t.trust // whatever is answered there
	}
	var c *mfa.Challenge
	if step == AskFactor && t.ask {
		if f, c, err = t.first(ctx, s, f, d); err != nil {
			return Moved{}, err
		}
	}
	err = s.Atomic(ctx, func(ctx context.Context) error {
		if c != nil {
			if err := s.Factors.Open(ctx, *c); err != nil {
				return err
			}
		}
		return errors.Join(s.Flows.Put(ctx, f), grace(ctx, s, t.user, d), also(ctx))
	})
	return Moved{Step: step, Ticket: f.ID}, err
}

// recognise looks whether a trusted browser stands for the second factor.
func (t turn) recognise(ctx context.Context, s *Service, d policy.Decision) (turn, Step, error) {
	raised := t.flow.raised(d, t.user.Factors)
	if t.marks.Device == "" || !t.flow.remembers(raised, t.user.Factors) {
		return t, AskFactor, nil
	}
	device, known, err := s.Devices.Recognise(ctx, mfa.SubjectID(t.user.ID), t.user.Epoch, t.user.Trust, t.marks.Device)
	if err != nil || !known {
		return t, AskFactor, err
	}
	f := t.flow
	f.Proofs = append(slices.Clone(f.Proofs), idp.Proof{Kind: idp.Device, At: s.Now(), Device: device.ID, Proven: device.Proven})
	// A trusted browser leads in, and nowhere else: what is set up is guarded by
	// a factor that is proven (M-05), so nothing is offered here.
	f.Skipped = true
	if f.Next(d, t.user.Factors) != Done { // trusted on something that would not do now
		return t, AskFactor, nil
	}
	t.flow, t.device = f, &device
	return t, Done, nil
}

// first asks by the first method that there is. A code that cannot be sent is
// no reason to turn somebody away: the page says so and offers the others.
func (t turn) first(ctx context.Context, s *Service, f Flow, d policy.Decision) (Flow, *mfa.Challenge, error) {
	raised := f.raised(d, t.user.Factors)
	ks := methods(raised, t.user, s.Factors.Kinds())
	if len(ks) == 0 {
		return f, nil, nil
	}
	c, err := s.Factors.Prepare(ctx, subject(t.user, raised, t.from), ks[0], binding(f))
	if err == nil {
		return f.asking(c), &c, nil
	}
	if !s.Factors.Sends(ks[0]) {
		return f, nil, err
	}
	f.Method, f.Unsent = ks[0], &Unsent{}
	if lock := (*mfa.LockedError)(nil); errors.As(err, &lock) {
		f.Unsent.Until = lock.Until
		return f, nil, nil
	}
	if errors.Is(err, mfa.ErrUnsent) || errors.Is(err, mfa.ErrNotHeld) {
		return f, nil, nil
	}
	return f, nil, err
}

// grace notes when the time to set up a factor began.
func grace(ctx context.Context, s *Service, u idp.User, d policy.Decision) error {
	if len(d.Grace) == 0 {
		return nil
	}
	return s.Users.BeginGrace(ctx, u.ID, d.Grace, s.Now())
}

// open ends a flow with a session under a new id; the one it replaces dies
// (S-01). It runs inside an Atomic.
func (t turn) open(ctx context.Context, s *Service, d policy.Decision) (Moved, error) {
	f, u := t.flow, t.user
	token, now := newToken(), s.Now()
	idle, absolute := s.Rules.limits(d)
	n := idp.Session{
		ID: idp.SessionID(rand.Text()), Hash: HashToken(token), User: u.ID, Epoch: f.Epoch, Proofs: f.Proofs,
		// A step-up does not prolong the life of the password's proof (S-04).
		Created: now, Seen: now, Expires: idp.AuthTime(f.Proofs).Add(absolute), Idle: idle, Origin: t.from, Device: device(f.Proofs),
	}
	e := event(s.Now(), "signin", f, u, f.Proofs[len(f.Proofs)-1].Kind, t.from)
	e.Result, e.Session = "ok", n.ID
	m := Moved{Step: Done, Session: token, MaxAge: absolute, Known: knownBrowsers(s.Secret).remember(u, t.marks.Known), ReturnTo: f.ReturnTo}
	var errs []error
	if t.trust && d.TrustDays > 0 && len(lasting(f.Proofs)) > 0 {
		var err error
		n.Device, m.Device, err = t.remember(ctx, s, d)
		errs = append(errs, err)
	}
	errs = append(errs, t.crowd(ctx, s), s.Sessions.Open(ctx, n), s.Log.Append(ctx, e), s.witness().browserSeen(ctx, f, u, e, t.marks.Known))
	if t.device != nil {
		errs = append(errs, s.Devices.Seen(ctx, *t.device, t.from.Address))
	}
	if f.ID != "" {
		errs = append(errs, s.Flows.End(ctx, f.ID))
	}
	if f.Replaces != "" {
		// The same person's tokens belong to the new session, so that signing
		// out finds them; another person's end here (S-05).
		errs = append(errs, s.Sessions.End(ctx, f.Replaces),
			s.Tokens.MoveSession(ctx, u.ID, f.Replaces, n.ID), s.Tokens.EndSession(ctx, f.Replaces))
	}
	return m, errors.Join(errs...)
}

// limits are those of policy, or the house's.
func (r Rules) limits(d policy.Decision) (idle, absolute time.Duration) {
	idle, absolute = r.Idle, r.Absolute
	if d.Session.Idle > 0 {
		idle = d.Session.Idle
	}
	if d.Session.Absolute > 0 {
		absolute = d.Session.Absolute
	}
	return idle, absolute
}

// remember trusts this browser for as long as policy allows.
func (t turn) remember(ctx context.Context, s *Service, d policy.Decision) (id, cookie string, err error) {
	life := time.Duration(d.TrustDays) * 24 * time.Hour
	device, cookie, err := s.Devices.Trust(ctx, mfa.SubjectID(t.user.ID), t.flow.Epoch, lasting(t.flow.Proofs), t.from.Agent, t.from.Address, t.marks.Device, life)
	if err != nil {
		return "", "", err
	}
	e := event(s.Now(), "device.trust", t.flow, t.user, "", t.from)
	e.Result = "ok"
	return device.ID, cookie, s.Log.Append(ctx, e)
}

// lasting lists the second factors among some proofs that trust may begin with.
// A backup code is for once, and a temporary one for a while.
func lasting(ps []idp.Proof) []mfa.Kind {
	var out []mfa.Kind
	for _, p := range ps {
		switch p.Kind {
		case idp.Password, idp.Device, backup.Kind, temporaryKind:
		default:
			out = append(out, p.Kind)
		}
	}
	return out
}

// device is the trusted browser among some proofs.
func device(ps []idp.Proof) string {
	for _, p := range ps {
		if p.Device != "" {
			return p.Device
		}
	}
	return ""
}

func event(at time.Time, what string, f Flow, u idp.User, k mfa.Kind, from idp.Origin) idp.Event {
	return idp.Event{
		ID: rand.Text(), At: at, What: what, User: u.ID, Actor: u.ID, Client: f.Need.Client, Method: k, Origin: from,
	}
}
