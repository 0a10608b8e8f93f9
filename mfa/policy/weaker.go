package policy

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"latchkey/mfa"
)

// loosening is one field of a policy, and whether a change of it asks for less,
// or of fewer people or doors.
type loosening struct {
	key    string // as files and the log name the field
	looser func(was, is *Policy) bool
}

var loosenings = []loosening{
	{"whom", func(was, is *Policy) bool { return fewer(was.Whom, is.Whom) }},
	{"whom.except", func(was, is *Policy) bool { return exempts(was.Whom.Except, is.Whom.Except) }},
	{"where.clients", func(was, is *Policy) bool { return shrinks(was.Where.Clients, is.Where.Clients) }},
	{"where.networks.in", func(was, is *Policy) bool {
		return len(is.Where.Networks.In) > 0 && (len(was.Where.Networks.In) == 0 || !covered(was.Where.Networks.In, is.Where.Networks.In))
	}},
	{"where.networks.not_in", func(was, is *Policy) bool { return !covered(is.Where.Networks.NotIn, was.Where.Networks.NotIn) }},
	{"what.assurance", func(was, is *Policy) bool { return is.What.Assurance.rank() < was.What.Assurance.rank() }},
	{"what.methods", func(was, is *Policy) bool { return grows(was.What.Methods, is.What.Methods) }},
	{"what.enrolment.deadline", func(was, is *Policy) bool { return later(was.What.Enrolment, is.What.Enrolment) }},
	{"what.enrolment.grace_days", func(was, is *Policy) bool {
		return is.What.Enrolment.GraceDays > was.What.Enrolment.GraceDays && was.What.Enrolment.Deadline == ""
	}},
	{"what.trusted_devices.days", func(was, is *Policy) bool {
		return was.What.Devices != nil && (is.What.Devices == nil || is.What.Devices.Days > was.What.Devices.Days)
	}},
	{"what.session.absolute", func(was, is *Policy) bool { return roomier(was.What.Session.Absolute, is.What.Session.Absolute) }},
	{"what.session.idle", func(was, is *Policy) bool { return roomier(was.What.Session.Idle, is.What.Session.Idle) }},
	{"what.codes.validity", func(was, is *Policy) bool { return roomier(was.What.Codes.Validity, is.What.Codes.Validity) }},
	{"what.codes.digits", func(was, is *Policy) bool { return is.What.Codes.Digits < was.What.Codes.Digits }},
	{"what.codes.tries", func(was, is *Policy) bool {
		return roomier(time.Duration(was.What.Codes.Tries), time.Duration(is.What.Codes.Tries))
	}},
	{"what.passkeys.clones", func(was, is *Policy) bool {
		return was.What.Passkeys.Clones == clonesRefuse && is.What.Passkeys.Clones != clonesRefuse
	}},
	{"what.passkeys.attestation", func(was, is *Policy) bool {
		return was.What.Passkeys.Attestation == attestationRequired && is.What.Passkeys.Attestation != attestationRequired
	}},
	{"what.passkeys.models", func(was, is *Policy) bool { return grows(was.What.Passkeys.Models, is.What.Passkeys.Models) }},
	{"what.lock", func(was, is *Policy) bool { return was.What.Lock == lockHard && is.What.Lock != lockHard }},
}

// Weaker lists the fields in which a policy demands less than before, or of
// fewer people or doors, in the order of the file format; "enabled" alone when it
// demands nothing any more. It is empty for a policy that was not in force:
// policies only add up, so a new one takes nothing away. When in doubt a change
// counts as weaker, as somebody then looks at it.
func Weaker(was, is Policy) (out []string) {
	switch {
	case !was.Enabled:
		return nil
	case !is.Enabled:
		return []string{"enabled"}
	}
	for _, l := range loosenings {
		if l.looser(&was, &is) {
			out = append(out, l.key)
		}
	}
	return out
}

// fewer reports whether somebody who was meant is not any more.
func fewer(was, is Whom) bool {
	if is.Kind != "" && is.Kind != was.Kind {
		return true
	}
	if names := is.names(); len(names) > 0 {
		return shrinks(was.names(), names)
	}
	return !is.Everyone && is.Kind == "" // nobody is meant
}

// names are the people who are named, in any way.
func (w Whom) names() (out []string) {
	if w.Administrators {
		out = append(out, "administrators")
	}
	for _, g := range w.Groups {
		out = append(out, "group "+strings.ToLower(g))
	}
	for _, u := range w.Users {
		out = append(out, "user "+strings.ToLower(u))
	}
	return out
}

// shrinks reports whether a list whose absence means all leaves something out
// that it did not.
func shrinks[T comparable](was, is []T) bool {
	return len(is) > 0 && (len(was) == 0 || slices.ContainsFunc(was, func(v T) bool { return !slices.Contains(is, v) }))
}

// grows is the other way round: a list of what will do lets more do.
func grows[T mfa.Kind | string](was, is []T) bool { return shrinks(is, was) }

// exempts reports whether somebody is left out who was not, or for longer.
func exempts(was, is []Except) bool {
	return slices.ContainsFunc(is, func(e Except) bool {
		return !slices.ContainsFunc(was, func(o Except) bool { return strings.EqualFold(o.User, e.User) && o.Until >= e.Until })
	})
}

// covered reports whether every network lies within one of others.
func covered(all, within []netip.Prefix) bool {
	for _, n := range all {
		if !slices.ContainsFunc(within, func(w netip.Prefix) bool { return w.Bits() <= n.Bits() && w.Contains(n.Addr()) }) {
			return false
		}
	}
	return true
}

// later reports whether a day comes later from which a policy holds. Without a
// day and without grace it holds at once.
func later(was, is Enrolment) bool {
	if is.Deadline == "" { // grace in its place is not to be compared
		return was.Deadline != "" && is.GraceDays > 0
	}
	return is.Deadline > was.Deadline
}

// roomier reports whether a bound, of which 0 is none, lets more happen.
func roomier(was, is time.Duration) bool { return was > 0 && (is == 0 || is > was) }
