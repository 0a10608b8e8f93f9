package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/mfa/policy"
	"latchkey/ui/locale"
)

// speaker says policies in the reader's words.
type speaker struct {
	locale.Printer
	client func(id string) string // what an application is called
}

// clipped is how many names a sentence lists.
const clipped = 4

func (s speaker) list(names []string) string {
	if len(names) > clipped {
		return strings.Join(names[:clipped-1], ", ") + " " + s.N("admin.policies.say.more", len(names)-clipped+1)
	}
	return strings.Join(names, ", ")
}

// sentence is a policy in one sentence.
func (s speaker) sentence(p policy.Policy) string {
	clauses := s.clauses(p)
	head := s.whom(p.Whom)
	place := s.place(p)
	switch p.What.Assurance {
	case policy.MFA:
		head = s.T("admin.policies.say.mfa", head) + place
	case policy.PhishingResistant:
		head = s.T("admin.policies.say.phishing", head) + place
	default:
		if len(clauses) == 0 {
			clauses = []string{s.T("admin.policies.say.nothing")}
		}
		return head + place + s.T("admin.policies.say.colon") + strings.Join(clauses, s.T("admin.policies.say.semicolon")) + "."
	}
	return strings.Join(append([]string{head}, clauses...), s.T("admin.policies.say.semicolon")) + "."
}

func (s speaker) whom(w policy.Whom) string {
	groups := s.list(w.Groups)
	var out []string
	switch {
	case w.Kind != "" && len(w.Groups) > 0:
		out = append(out, s.T(fmt.Sprintf("admin.policies.say.%s_groups", w.Kind), groups))
	case w.Kind != "" && len(w.Users) == 0:
		return s.T(fmt.Sprintf("admin.policies.say.%s", w.Kind))
	case len(w.Groups) > 0:
		out = append(out, s.T("admin.policies.say.groups", groups))
	}
	if len(w.Users) > 0 {
		out = append(out, s.T("admin.policies.say.users", s.list(w.Users)))
	}
	if len(out) == 0 {
		return s.T("admin.policies.say.everyone")
	}
	return strings.Join(out, s.T("admin.policies.say.and"))
}

// place is where a policy holds and from when on, to follow whom it is for.
func (s speaker) place(p policy.Policy) string {
	var out []string
	if len(p.Where.Clients) > 0 {
		var names []string
		for _, id := range p.Where.Clients {
			names = append(names, s.client(id))
		}
		out = append(out, s.T("admin.policies.say.at", s.list(names)))
	}
	if n := prefixes(p.Where.Networks.In); len(n) > 0 {
		out = append(out, s.T("admin.policies.say.inside", s.list(n)))
	}
	if n := prefixes(p.Where.Networks.NotIn); len(n) > 0 {
		out = append(out, s.T("admin.policies.say.outside", s.list(n)))
	}
	if day, ok := p.What.Enrolment.Deadline.Start(); ok {
		out = append(out, s.T("admin.policies.say.from", s.Date(day)))
	}
	if n := p.What.Enrolment.GraceDays; n > 0 {
		out = append(out, s.N("admin.policies.say.grace", n))
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
func (s speaker) clauses(p policy.Policy) []string {
	var out []string
	add := func(is bool, text string) {
		if is {
			out = append(out, text)
		}
	}
	w := p.What
	add(len(w.Methods) > 0, s.T("admin.policies.say.methods", s.methods(kinds(w.Methods))))
	if w.Devices != nil {
		add(w.Devices.Days == 0, s.T("admin.policies.say.trust_none"))
		add(w.Devices.Days > 0, s.N("admin.policies.say.trust", w.Devices.Days))
	}
	add(w.Session.Absolute > 0, s.T("admin.policies.say.absolute", lasting(w.Session.Absolute)))
	add(w.Session.Idle > 0, s.T("admin.policies.say.idle", lasting(w.Session.Idle)))
	add(w.Codes.Validity > 0, s.T("admin.policies.say.validity", lasting(w.Codes.Validity)))
	add(w.Codes.Digits > 0, s.N("admin.policies.say.digits", w.Codes.Digits))
	add(w.Codes.Tries > 0, s.N("admin.policies.say.tries", w.Codes.Tries))
	add(w.Passkeys.Clones == "refuse", s.T("admin.policies.say.clones"))
	add(w.Passkeys.Attestation == "required", s.T("admin.policies.say.attestation"))
	add(len(w.Passkeys.Models) > 0, s.N("admin.policies.say.models", len(w.Passkeys.Models)))
	add(w.Lock == "hard", s.T("admin.policies.say.lock"))
	add(len(w.Banner) > 0, s.T("admin.policies.say.banner"))
	add(len(p.Whom.Except) > 0, s.N("admin.policies.say.except", len(p.Whom.Except)))
	return out
}

func kinds[S ~string](ks []S) (out []string) {
	for _, k := range ks {
		out = append(out, string(k))
	}
	return out
}

// methods are their names, such as "authenticator app, passkey".
func (s speaker) methods(ks []string) string {
	names := make([]string, len(ks))
	for i, k := range ks {
		if names[i] = k; s.Has("factor." + k + ".name") {
			names[i] = s.T("factor." + k + ".name")
		}
	}
	return strings.Join(names, ", ")
}

// lasting is a time as every language here writes it: 12 h 30 min.
func lasting(d time.Duration) string {
	var out []string
	for _, u := range []struct {
		of   time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "min"}, {time.Second, "s"}} {
		if n := d / u.of; n > 0 {
			out = append(out, fmt.Sprintf("%d %s", n, u.name))
			d %= u.of
		}
	}
	return strings.Join(out, " ")
}

// part is one word of a key.
func part(s string) string { return strings.NewReplacer("-", "_", ".", "_").Replace(s) }

// label is what a form calls a field, and a table a value.
func (s speaker) label(key string) string {
	if tag, is := strings.CutPrefix(key, "what.banner."); is {
		return s.T("admin.policies.field.what_banner") + " (" + tag + ")"
	}
	return s.T(fmt.Sprintf("admin.policies.field.%s", part(key)))
}

// value is what a field says, as a table shows it.
func (s speaker) value(key, text string) []string {
	if text == "" {
		return nil
	}
	i := slices.IndexFunc(policyFields, func(f policy.Field) bool { return f.Key == key })
	if i < 0 {
		return []string{text}
	}
	f := policyFields[i]
	lines := strings.Split(text, "\n")
	for j, line := range lines {
		lines[j] = s.line(f, line)
	}
	return lines
}

func (s speaker) line(f policy.Field, line string) string {
	switch f.Input {
	case policy.Yes:
		return s.T("admin.policies.yes")
	case policy.Choice, policy.Choices:
		return s.option(f, line)
	case policy.Day:
		return s.day(policy.Date(line))
	case policy.Time:
		if d, err := time.ParseDuration(line); err == nil {
			return lasting(d)
		}
	case policy.Excepts:
		who, until, _ := strings.Cut(line, "\t")
		return s.T("admin.policies.until", who, s.day(policy.Date(until)))
	case policy.Names:
		if f.Of == "client" && s.client != nil {
			return s.client(line)
		}
	}
	return line
}

func (s speaker) day(d policy.Date) string {
	if t, ok := d.Start(); ok {
		return s.Date(t)
	}
	return string(d)
}

// option is one choice of a field.
func (s speaker) option(f policy.Field, value string) string {
	if f.Key == "what.methods" {
		return s.methods([]string{value})
	}
	if key := fmt.Sprintf("admin.policies.option.%s", part(f.Key+"_"+value)); s.Has(key) {
		return s.T(key)
	}
	return value
}

// reason is why a dimension is as strict as it is.
func (s speaker) reason(r policy.Reason) string {
	what, value, _ := strings.Cut(r.Value, " ")
	if value == "" {
		what, value = "", r.Value
	}
	switch r.Dimension {
	case "methods":
		what, value = "", s.methods(strings.Split(r.Value, ", "))
	case "assurance", "lock":
		value = s.option(policy.Field{Key: "what." + r.Dimension}, r.Value)
	case "enrolment":
		value = s.day(policy.Date(r.Value))
	case "banner":
		what, value = "", r.Value
	}
	if d, err := time.ParseDuration(value); err == nil {
		value = lasting(d)
	}
	key := fmt.Sprintf("admin.policies.reason.%s", strings.TrimSuffix(r.Dimension+"_"+part(what), "_"))
	if r.Dimension == "methods" && r.Value == "none" {
		key = "admin.policies.reason.methods_none"
	}
	if s.Has(key) {
		return s.T(key, value)
	}
	return r.Dimension + " " + r.Value
}

// by is the policy that a reason names.
func (s speaker) by(r policy.Reason) string {
	return cmp.Or(r.Policy, s.T("admin.policies.together"))
}

// policyFields are the table, read once.
var policyFields = policy.Fields()
