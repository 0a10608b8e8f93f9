// Package posture says where people stand with the policies: who gets in, who
// is asked for a second factor, who must set one up and who is shut out, now
// and at every deadline to come. It looks at drafts (preview) and reminds
// people of deadlines before these shut them out.
//
// It signs nobody in and stops nobody. What it foretells is what package
// signin does, by test.
package posture

import (
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// State is what a sign-in with the right password leads to.
type State string

const (
	Fine      State = "fine"        // in, with the password alone
	Asked     State = "asked"       // in, with a second factor that they have
	MustSetUp State = "must_set_up" // in, once a factor is set up on the way
	ShutOut   State = "shut_out"    // not in: nothing that they have will do, and nothing can be set up
)

// States lists them all, from best to worst.
var States = []State{Fine, Asked, MustSetUp, ShutOut}

// Blocked reports whether somebody cannot sign in with what they have.
func (s State) Blocked() bool { return s == MustSetUp || s == ShutOut }

// Point is where somebody stands from a moment on.
type Point struct {
	At    time.Time
	State State
	// With are the factors that may answer: all that will do or, in front of an
	// enrolment, all that guard it (SECURITY.md M-05).
	With []mfa.Kind
	// SetUp are the factors that can be set up on the way, if one must be.
	SetUp []mfa.Kind
	// Reasons are the policies that demand a factor or leave methods out; none
	// where nothing is demanded.
	Reasons []policy.Reason
}

// Standing is where somebody stands now, and from each deadline on.
type Standing struct {
	Now   Point
	Ahead []Point // soonest first
}

// At is where they will stand at a time.
func (s Standing) At(t time.Time) Point {
	out := s.Now
	for _, p := range s.Ahead {
		if !p.At.After(t) {
			out = p
		}
	}
	return out
}

// Turn is the first deadline at which somebody who can sign in with what they
// have no longer can, if there is one.
func (s Standing) Turn() (Point, bool) {
	if s.Now.State.Blocked() {
		return Point{}, false
	}
	i := slices.IndexFunc(s.Ahead, func(p Point) bool { return p.State.Blocked() })
	if i < 0 {
		return Point{}, false
	}
	return s.Ahead[i], true
}

// Of says where a person stands with policies. offered are the kinds of factor
// that the house has (see [mfa.Engine.Kinds]).
func Of(ps []policy.Policy, f policy.Facts, offered []mfa.Kind) Standing {
	d := policy.Decide(ps, f)
	s := Standing{Now: point(d, f, offered)}
	for _, ahead := range d.Ahead {
		s.Ahead = append(s.Ahead, point(ahead, f, offered))
	}
	return s
}

func point(d policy.Decision, f policy.Facts, offered []mfa.Kind) Point {
	p := Point{At: d.At}
	for _, r := range d.Reasons {
		if r.Dimension == "assurance" || r.Dimension == "methods" {
			p.Reasons = append(p.Reasons, r)
		}
	}
	will := d.Usable(d.With(f.Held))
	switch {
	case !d.Demands() && len(f.Held) == 0:
		p.State, p.Reasons = Fine, nil
		return p
	case len(will) > 0:
		p.State, p.With = Asked, there(will, offered)
	case !d.Demands():
		// Whoever holds something is asked for it (M-01), though it counts for nothing.
		p.State, p.With = Asked, there(f.Held, offered)
	default:
		p.State, p.With, p.SetUp = MustSetUp, there(f.Held, offered), d.Addable(offered, f.Email != "")
	}
	locked := len(p.With) == 0 && (p.State == Asked || len(f.Held) > 0) // what they hold is no longer offered
	if locked || p.State == MustSetUp && len(p.SetUp) == 0 {
		p.State, p.SetUp = ShutOut, nil
	}
	return p
}

// there keeps those of the kinds that the house offers, in its order.
func there(ks, offered []mfa.Kind) (out []mfa.Kind) {
	for _, k := range offered {
		if slices.Contains(ks, k) {
			out = append(out, k)
		}
	}
	return out
}

// facts are what policies may look at, of a person whose place is left open.
func facts(u idp.User, lent []mfa.Kind, now time.Time) policy.Facts {
	return policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(),
		Anywhere: true, Held: u.Factors, Lent: lent, Started: u.Graces, Now: now,
	}
}
