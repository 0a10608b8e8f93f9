package signin

import (
	"context"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Offers notes from when on somebody may be offered a passkey; what is noted
// comes back with the person.
type Offers interface {
	PutOff(ctx context.Context, id idp.UserID, until time.Time) error
}

// offerEvery is how long somebody is left alone who was offered a passkey.
const offerEvery = 30 * 24 * time.Hour

// fresh is how recent a proof must be behind which a factor is set up that nobody
// demands (SECURITY.md M-05; ASVS 7.5.1).
const fresh = 5 * time.Minute

// never is when somebody is offered a passkey who does not want to be.
var never = time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)

// offers reports whether a sign-in that is complete stops once more, to offer a
// passkey: to somebody whose browser says that it can make one, who has proven
// all that they have, and whom policy lets sign in by one now and later.
func (t turn) offers(s *Service, d policy.Decision) bool {
	f, u := t.flow, t.user
	switch {
	case s.Offers == nil || !f.Platform || f.Skipped || s.Now().Before(u.PasskeyOffer):
		return false
	case f.stale(s.Now()):
		return false
	case !f.Need.Since.IsZero():
		return false // they prove once more that it is them, in the middle of something
	case u.Mailed || slices.ContainsFunc(f.Proofs, func(p idp.Proof) bool { return p.Kind == temporaryKind }):
		return false // E-03, M-05: what a mailbox or the help desk vouched for guards nothing new
	case slices.Contains(u.Factors, idp.Passkey) || !slices.Contains(s.Factors.Kinds(), idp.Passkey):
		return false
	}
	return f.wouldCount(d)
}

// wouldCount reports whether a passkey is something that policy accepts, now
// and at each deadline, and that an application which asks for an assurance has
// not been given already.
func (f Flow) wouldCount(d policy.Decision) bool {
	if f.Need.ACR != "" {
		wished, asks := assurances[f.Need.ACR]
		if !asks || len(d.AtLeast(wished).Usable(f.proven())) > 0 {
			return false
		}
	}
	refuses := func(d policy.Decision) bool { return len(d.Usable([]mfa.Kind{idp.Passkey})) == 0 }
	return !refuses(d) && !slices.ContainsFunc(d.Ahead, refuses)
}

// stale reports whether the last proof is too old to guard a new factor. A flow
// lives longer than that, and whoever finds its page open would keep the account. A
// trusted browser is no proof of who sits at it.
func (f Flow) stale(now time.Time) bool {
	return !slices.ContainsFunc(f.Proofs, func(p idp.Proof) bool { return p.Kind != idp.Device && !p.At.Add(fresh).Before(now) })
}

// Refuse is Skip by somebody who does not want to be offered a passkey again.
func (w Wizard) Refuse(ctx context.Context, v View, m Marks) (Moved, error) {
	if !v.Passkey() {
		return Moved{}, idp.ErrDenied
	}
	return w.skip(ctx, v, m, func(ctx context.Context) error { return w.in.Offers.PutOff(ctx, v.User.ID, never) })
}

// Passkey reports whether the step offers a passkey that nobody demands.
func (v View) Passkey() bool { return v.Step == MayEnrol && v.ahead == nil }

// Lapsed reports whether the step offers a passkey and the proofs have become too
// old for it: all that is left is [Wizard.Skip].
func (v View) Lapsed() bool { return v.Passkey() && len(v.Addable) == 0 }
