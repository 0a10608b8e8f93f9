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

// sentence is a policy in one sentence.
func (s speaker) sentence(p policy.Policy) string { return telling{s, p}.sentence() }

// policyFields are the table, read once.
var policyFields = policy.Fields()
