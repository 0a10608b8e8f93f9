package signin

import (
	"cmp"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Forecast is where a sign-in with the right password, or the passkey of
// somebody who has no password, would lead.
type Forecast struct {
	First   mfa.Kind // what is given in the first step: idp.Password or idp.Passkey
	Steps   []Step
	Methods []mfa.Kind // that would be offered where a factor is asked for
	Addable []mfa.Kind // that could be set up where one must or may be
	Stuck   bool       // it ends before it is done: nothing will do, and nothing can be set up
}

// Foretell goes the way of a sign-in of somebody at a door with [Flow.Next],
// as if they gave what is asked each time. first is what they give first; empty:
// a password. offered are the kinds of factor that the house has.
func Foretell(d policy.Decision, u idp.User, first mfa.Kind, need idp.Need, offered []mfa.Kind, now time.Time) Forecast {
	out := Forecast{First: cmp.Or(first, idp.Password)}
	f, held := Flow{Need: need}, slices.Clone(u.Factors)
	prove := func(k mfa.Kind) { f.Proofs = append(f.Proofs, idp.Proof{Kind: k, At: now}) }
	const most = 6 // more steps than there are kinds of them: it goes in circles
	for range most {
		step := f.Next(d, held)
		if step == AskFactor && len(out.Methods) > 0 && slices.Contains(out.Steps, AskFactor) {
			out.Stuck = true // what they hold was given and does not do
			return out
		}
		out.Steps = append(out.Steps, step)
		switch step {
		case Done:
			return out
		case AskPassword:
			f.Proofs = append(f.Proofs, idp.Proof{Kind: out.First, At: now, Verified: out.First == idp.Passkey})
		case AskFactor:
			if out.Methods = methods(f.raised(d, held), u, offered); len(out.Methods) == 0 {
				out.Stuck = true
				return out
			}
			prove(out.Methods[0])
		case MustEnrol:
			if out.Addable = addable(f.raised(d, held), f, u, offered); len(out.Addable) == 0 {
				out.Stuck = true
				return out
			}
			f.Wants = ""
			held = append(held, out.Addable[0])
			prove(out.Addable[0])
		case MayEnrol:
			if due := f.due(d, held); due != nil {
				out.Addable = addable(*due, f, u, offered)
			}
			f.Skipped = true
		}
	}
	out.Stuck = true
	return out
}
