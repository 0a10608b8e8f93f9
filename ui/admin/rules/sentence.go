package rules

import (
	"fmt"
	"strings"

	"latchkey/mfa/policy"
)

// telling is one policy, to be told in one sentence: whom it is for, where and
// from when on, and what it asks.
type telling struct {
	say    speaker
	policy policy.Policy
}

// sentence is the whole of it.
func (t telling) sentence() string {
	clauses := t.clauses()
	head := t.whom()
	place := t.place()
	switch t.policy.What.Assurance {
	case policy.MFA:
		head = t.say.T("admin.policies.say.mfa", head) + place
	case policy.PhishingResistant:
		head = t.say.T("admin.policies.say.phishing", head) + place
	default:
		if len(clauses) == 0 {
			clauses = []string{t.say.T("admin.policies.say.nothing")}
		}
		return head + place + t.say.T("admin.policies.say.colon") + strings.Join(clauses, t.say.T("admin.policies.say.semicolon")) + "."
	}
	return strings.Join(append([]string{head}, clauses...), t.say.T("admin.policies.say.semicolon")) + "."
}

// whom is the subject.
func (t telling) whom() string {
	w := t.policy.Whom
	groups := t.say.list(w.Groups)
	var out []string
	switch {
	case w.Kind != "" && len(w.Groups) > 0:
		out = append(out, t.say.T(fmt.Sprintf("admin.policies.say.%s_groups", w.Kind), groups))
	case w.Kind != "" && len(w.Users) == 0 && !w.Administrators:
		return t.say.T(fmt.Sprintf("admin.policies.say.%s", w.Kind))
	case len(w.Groups) > 0:
		out = append(out, t.say.T("admin.policies.say.groups", groups))
	}
	if w.Administrators {
		key := "admin.policies.say.administrators"
		if w.Kind != "" {
			key = fmt.Sprintf("admin.policies.say.%s_administrators", w.Kind)
		}
		out = append(out, t.say.T(key))
	}
	if len(w.Users) > 0 {
		out = append(out, t.say.T("admin.policies.say.users", t.say.list(w.Users)))
	}
	if len(out) == 0 {
		return t.say.T("admin.policies.say.everyone")
	}
	return strings.Join(out, t.say.T("admin.policies.say.and"))
}

// place is where a policy holds and from when on, to follow whom it is for.
func (t telling) place() string {
	var out []string
	where, enrolment := t.policy.Where, t.policy.What.Enrolment
	if len(where.Clients) > 0 {
		var names []string
		for _, id := range where.Clients {
			names = append(names, t.say.client(id))
		}
		out = append(out, t.say.T("admin.policies.say.at", t.say.list(names)))
	}
	if n := prefixes(where.Networks.In); len(n) > 0 {
		out = append(out, t.say.T("admin.policies.say.inside", t.say.list(n)))
	}
	if n := prefixes(where.Networks.NotIn); len(n) > 0 {
		out = append(out, t.say.T("admin.policies.say.outside", t.say.list(n)))
	}
	if day, ok := enrolment.Deadline.Start(); ok {
		out = append(out, t.say.T("admin.policies.say.from", t.say.Date(day)))
	}
	if n := enrolment.GraceDays; n > 0 {
		out = append(out, t.say.N("admin.policies.say.grace", n))
	}
	if len(out) == 0 {
		return ""
	}
	return " " + strings.Join(out, " ")
}

func prefixes[P fmt.Stringer](ps []P) (out []string) {
	for _, p := range ps {
		out = append(out, p.String())
	}
	return out
}

// clauses are what a policy says beside the second factor.
func (t telling) clauses() []string {
	var out []string
	add := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	w := t.policy.What
	add(len(w.Methods) > 0, t.say.T("admin.policies.say.methods", t.say.methods(kinds(w.Methods))))
	if w.Devices != nil {
		add(w.Devices.Days == 0, t.say.T("admin.policies.say.trust_none"))
		add(w.Devices.Days > 0, t.say.N("admin.policies.say.trust", w.Devices.Days))
	}
	add(w.Session.Absolute > 0, t.say.T("admin.policies.say.absolute", lasting(w.Session.Absolute)))
	add(w.Session.Idle > 0, t.say.T("admin.policies.say.idle", lasting(w.Session.Idle)))
	add(w.Codes.Validity > 0, t.say.T("admin.policies.say.validity", lasting(w.Codes.Validity)))
	add(w.Codes.Digits > 0, t.say.N("admin.policies.say.digits", w.Codes.Digits))
	add(w.Codes.Tries > 0, t.say.N("admin.policies.say.tries", w.Codes.Tries))
	add(w.Passkeys.Clones == "refuse", t.say.T("admin.policies.say.clones"))
	add(w.Passkeys.Attestation == "required", t.say.T("admin.policies.say.attestation"))
	add(len(w.Passkeys.Models) > 0, t.say.N("admin.policies.say.models", len(w.Passkeys.Models)))
	add(w.Lock == "hard", t.say.T("admin.policies.say.lock"))
	add(len(w.Banner) > 0, t.say.T("admin.policies.say.banner"))
	add(len(t.policy.Whom.Except) > 0, t.say.N("admin.policies.say.except", len(t.policy.Whom.Except)))
	return out
}
