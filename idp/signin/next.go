package signin

import (
	"slices"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Step is what the browser must do next.
type Step string

const (
	AskPassword Step = "password"
	AskFactor   Step = "factor"
	MustEnrol   Step = "enrol"
	MayEnrol    Step = "offer" // a factor will be demanded soon, or a passkey is offered; it may be put off
	Done        Step = "done"
)

// Next decides the next step from what is proven, what policy decided and
// which factors the person holds now.
func (f Flow) Next(d policy.Decision, held []mfa.Kind) Step {
	if f.Need.Since.After(idp.AuthTime(f.Proofs)) || !slices.ContainsFunc(f.Proofs, idp.Proof.First) {
		return AskPassword
	}
	step := f.second(f.raised(d, held), held)
	switch {
	case step != Done:
		return step
	case f.Wants != "":
		return MustEnrol
	case !f.Skipped && (f.due(d, held) != nil || f.Offered):
		return MayEnrol
	}
	return Done
}

// second decides about the second factor.
func (f Flow) second(d policy.Decision, held []mfa.Kind) Step {
	proven := f.proven()
	switch {
	case !d.Demands() && len(held) == 0:
		return Done
	case len(d.Usable(proven)) > 0 || f.trusted(d, held):
		return Done
	case len(d.Usable(d.With(held))) > 0: // M-01: whoever has a factor is asked for it
		return AskFactor
	case len(proven) == 0 && len(held) > 0:
		// M-05: what they hold is not what policy allows, but it guards the
		// enrolment of what is.
		return AskFactor
	case d.Demands():
		return MustEnrol
	}
	return Done
}

// assurances says what policy calls each `acr` value.
var assurances = map[string]policy.Assurance{idp.AAL2: policy.MFA, idp.PhishingResistant: policy.PhishingResistant}

// raised is the decision as this door sees it: an assurance that is essential to
// an application is demanded, one that it only wishes for is asked of whoever
// can give it (OpenID Connect Core 1.0 §5.5.1.1).
func (f Flow) raised(d policy.Decision, held []mfa.Kind) policy.Decision {
	wished, asks := assurances[f.Need.ACR]
	if !asks {
		return d
	}
	more := d.AtLeast(wished)
	if f.Need.Essential || !more.Lacks(held) {
		return more
	}
	return d
}

// proven lists the kinds of second factor that are proven, as late as the door
// wants it.
func (f Flow) proven() []mfa.Kind {
	var out []mfa.Kind
	for _, p := range f.Proofs {
		if p.Kind != idp.Password && p.Kind != idp.Device && (!f.Need.Every || !p.At.Before(f.Need.Since)) {
			out = append(out, p.Kind)
		}
	}
	return out
}

// remembers reports whether a trusted browser may stand for the second factor
// here: not at a door that asks for more than policy does or for a recent proof
// (M-19), and not for somebody who must set something up.
func (f Flow) remembers(d policy.Decision, held []mfa.Kind) bool {
	return d.TrustDays > 0 && !d.Strict() && f.Need.Since.IsZero() && !d.Lacks(held)
}

// trusted reports whether one does, and was trusted on a proof that would
// do now (M-13).
func (f Flow) trusted(d policy.Decision, held []mfa.Kind) bool {
	return f.remembers(d, held) && slices.ContainsFunc(f.Proofs, func(p idp.Proof) bool {
		return p.Kind == idp.Device && len(d.Usable(p.Proven)) > 0
	})
}

// due is the next decision to come that the person is not ready for, or nil.
func (f Flow) due(d policy.Decision, held []mfa.Kind) *policy.Decision {
	for i := range d.Ahead {
		if d.Ahead[i].Lacks(held) {
			return &d.Ahead[i]
		}
	}
	return nil
}

// methods lists the second factors that may answer now: the one used last, then
// in order of offer.
func methods(d policy.Decision, u idp.User, offered []mfa.Kind) []mfa.Kind {
	may := d.Usable(d.With(u.Factors))
	if len(may) == 0 {
		may = u.Factors
	}
	var out []mfa.Kind
	for _, k := range offered {
		switch {
		case !slices.Contains(may, k):
		case k == u.Method:
			out = slices.Insert(out, 0, k)
		default:
			out = append(out, k)
		}
	}
	return out
}

// addable lists the factors that can be set up to satisfy the decision.
func addable(d policy.Decision, f Flow, u idp.User, offered []mfa.Kind) []mfa.Kind {
	if f.Wants != "" {
		return []mfa.Kind{f.Wants}
	}
	return d.Addable(offered, u.Email != "")
}

// temporaryKind comes from the help desk: it is nobody's usual method.
const temporaryKind mfa.Kind = "temporary"
