package policy

import (
	"cmp"
	"slices"
	"strings"

	"latchkey/mfa"
)

// method is a kind of second factor that policies can name.
type method struct {
	kind              mfa.Kind
	phishingResistant bool
	// weak counts as a second factor only where policy names it, and never
	// towards an assurance that an application asks for (SECURITY.md M-17).
	weak bool
	// lent may be used without an enrolment, but only where policy names it.
	lent bool
	// spare is for when nothing else is at hand, and runs out.
	spare bool
	// always counts whatever methods a policy names, short of phishing
	// resistance: the help desk's way in. Policy files do not know it.
	always bool
}

// methods are all of them, the order in which decisions list them.
var methods = []method{
	{kind: "totp"},
	{kind: "passkey", phishingResistant: true},
	{kind: "sms", lent: true},
	{kind: "email", weak: true, lent: true},
	{kind: "backup", spare: true},
	{kind: "temporary", always: true},
}

// lasts reports whether a method is somebody's own for good, and not weak.
func (m method) lasts() bool { return !m.spare && !m.always && !m.weak }

// place is where the table lists a kind; what it does not know comes last.
func place(k mfa.Kind) int {
	if i := slices.IndexFunc(methods, func(m method) bool { return m.kind == k }); i >= 0 {
		return i
	}
	return len(methods)
}

func methodOf(k mfa.Kind) method {
	if i := place(k); i < len(methods) {
		return methods[i]
	}
	return method{kind: k}
}

// narrow intersects what is allowed so far (nil = all) with what a policy
// allows (none named = all), in the order of the table.
func narrow(sofar, allowed []mfa.Kind) []mfa.Kind {
	if len(allowed) == 0 {
		return sofar
	}
	out := []mfa.Kind{}
	for _, k := range allowed {
		if (sofar == nil || slices.Contains(sofar, k)) && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b mfa.Kind) int {
		return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b))
	})
	return out
}

// names reports whether a policy that is due says that k counts. One that names
// methods says so of those. One that demands an assurance and names none says
// so of no kind that must be named: what it demands must not become easier to
// give because another policy is kinder.
func (p *Policy) names(k mfa.Kind) (yes, said bool) {
	if len(p.What.Methods) > 0 {
		return slices.Contains(p.What.Methods, k), true
	}
	return false, p.What.Assurance.rank() > 0
}

// named reports whether at least one of the policies names k and none leaves
// it out.
func named(due []*Policy, k mfa.Kind) bool {
	found := false
	for _, p := range due {
		yes, said := p.names(k)
		if said && !yes {
			return false
		}
		found = found || yes
	}
	return found
}

// Usable lists those of the kinds that the decision accepts, in the order
// given: the ones allowed and, where phishing resistance is demanded, resistant.
func (d Decision) Usable(kinds []mfa.Kind) []mfa.Kind {
	var out []mfa.Kind
	for _, k := range kinds {
		if d.accepts(k) && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// Addable lists those of the offered kinds that somebody can set up by
// themselves to satisfy the decision. Backup codes come with another factor,
// temporary ones from the help desk, and codes by e-mail need an address.
func (d Decision) Addable(offered []mfa.Kind, address bool) []mfa.Kind {
	return slices.DeleteFunc(d.Usable(offered), func(k mfa.Kind) bool {
		return k == "backup" || methodOf(k).always || k == "email" && !address
	})
}

// With adds what policy lends to what is held.
func (d Decision) With(held []mfa.Kind) []mfa.Kind {
	out := slices.Clone(held)
	for _, k := range d.Lent {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// Demands reports whether a second factor is demanded.
func (d Decision) Demands() bool { return d.Assurance.rank() > 0 }

// Lacks reports whether somebody who holds these kinds must set up another one
// before they can get in.
func (d Decision) Lacks(held []mfa.Kind) bool {
	return d.Demands() && len(d.Usable(d.With(held))) == 0
}

// AtLeast is the decision at a door that asks for an assurance of its own. To
// such a door nothing weak counts.
func (d Decision) AtLeast(a Assurance) Decision {
	if a.rank() == 0 {
		return d
	}
	d.strict = true
	if a.rank() > d.Assurance.rank() {
		d.Assurance = a
	}
	return d
}

// Strict reports whether the decision was raised by AtLeast: what was remembered
// from another day is no answer to it (SECURITY.md M-19).
func (d Decision) Strict() bool { return d.strict }

// Meets reports whether a is at least b.
func (a Assurance) Meets(b Assurance) bool { return a.rank() >= b.rank() }

func (d Decision) accepts(k mfa.Kind) bool {
	m := methodOf(k)
	if d.Assurance.rank() >= PhishingResistant.rank() && !m.phishingResistant {
		return false
	}
	named := slices.Contains(d.Methods, k)
	switch {
	case m.always:
		return true
	case m.weak && (d.strict || d.noMail && (d.mailed || !named) || d.Demands() && !named):
		return false
	}
	return d.Methods == nil || named
}

func join[S ~string](ss []S) string {
	var b strings.Builder
	for i, s := range ss {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
