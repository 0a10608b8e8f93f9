// Package policy decides what a person must prove, from facts alone. It reads
// no database and no clock, so sign-in, self-service, preview and tests ask
// the same function.
//
// All policies that concern a person combine, and in each dimension the
// strictest one wins: no policy takes away what another demands.
package policy

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"latchkey/mfa"
)

// Assurance is how much proof is wanted.
type Assurance string

// From least to most.
const (
	None              Assurance = "none" // whoever holds a second factor is asked for it
	MFA               Assurance = "mfa"
	PhishingResistant Assurance = "phishing-resistant"
)

var assurances = []Assurance{None, MFA, PhishingResistant}

// rank orders assurances. One that is not known counts as the highest: a
// policy that cannot be read must not open a door.
func (a Assurance) rank() int {
	if a == "" {
		return 0
	}
	if i := slices.Index(assurances, a); i >= 0 {
		return i
	}
	return len(assurances)
}

// method is a kind of second factor that policies can name.
type method struct {
	kind              mfa.Kind
	phishingResistant bool
}

// methods are all of them, the order in which decisions list them.
var methods = []method{
	{kind: "totp"},
	{kind: "passkey", phishingResistant: true},
	{kind: "sms"},
	{kind: "email"},
	{kind: "backup"},
}

// Policy says what holds for whom.
type Policy struct {
	ID      string `yaml:"-" json:"id,omitempty"` // of the store; files know policies by name
	Name    string `yaml:"name" json:"name"`
	Enabled bool   `yaml:"enabled" json:"enabled"`
	Whom    Whom   `yaml:"whom" json:"whom"`
	What    What   `yaml:"what" json:"what"`
}

// Whom selects people; see [Whom.Matches].
type Whom struct {
	Everyone bool     `yaml:"everyone,omitempty" json:"everyone,omitempty"`
	Kind     string   `yaml:"kind,omitempty" json:"kind,omitempty"` // internal or portal
	Groups   []string `yaml:"groups,omitempty" json:"groups,omitempty"`
	Users    []string `yaml:"users,omitempty" json:"users,omitempty"` // by e-mail, login or id
	Except   []Except `yaml:"except,omitempty" json:"except,omitempty"`
}

// Except leaves one person out for a while. No exemption is for ever.
type Except struct {
	User  string `yaml:"user" json:"user"`
	Until Date   `yaml:"until" json:"until"`
}

// Date is a day, YYYY-MM-DD, in UTC.
type Date string

// Over reports whether the day has passed at now, or is no day at all.
func (d Date) Over(now time.Time) bool {
	day, err := time.Parse(time.DateOnly, string(d))
	return err != nil || !now.UTC().Before(day.AddDate(0, 0, 1))
}

// What is what a policy demands. Zero values demand nothing.
type What struct {
	Assurance Assurance  `yaml:"assurance,omitempty" json:"assurance,omitempty"`
	Methods   []mfa.Kind `yaml:"methods,omitempty" json:"methods,omitempty"` // those that count; none named = all
}

// Facts are everything that policies may look at.
type Facts struct {
	User   string // id
	Email  string
	Login  string
	Kind   string
	Groups []string
	Client string
	Held   []mfa.Kind
	Now    time.Time
}

// Decision is the sum of all policies that concern somebody.
type Decision struct {
	Assurance Assurance
	Methods   []mfa.Kind // that count; nil = all, empty = none is left
	Reasons   []Reason   // sorted
}

// Reason names a policy that is why a dimension is as strict as it is.
type Reason struct {
	Policy    string // name; empty when it is the sum of several
	Dimension string // "assurance" or "methods"
	Value     string
}

// Decide adds up the policies. The order in which they come does not matter.
func Decide(ps []Policy, f Facts) Decision {
	d := Decision{Assurance: None}
	var in []Policy
	for _, p := range ps {
		if !p.Enabled || !p.Whom.Matches(f) {
			continue
		}
		in = append(in, p)
		if p.What.Assurance.rank() > d.Assurance.rank() {
			d.Assurance = p.What.Assurance
		}
		d.Methods = narrow(d.Methods, p.What.Methods)
	}
	if d.Assurance.rank() >= len(assurances) {
		d.Assurance = PhishingResistant
	}
	for _, p := range in {
		if a := p.What.Assurance; a.rank() > 0 && a.rank() >= d.Assurance.rank() {
			d.Reasons = append(d.Reasons, Reason{p.Name, "assurance", string(a)})
		}
		if len(p.What.Methods) > 0 {
			d.Reasons = append(d.Reasons, Reason{p.Name, "methods", join(narrow(nil, p.What.Methods))})
		}
	}
	if d.Methods != nil && len(d.Methods) == 0 {
		d.Reasons = append(d.Reasons, Reason{"", "methods", "none"})
	}
	slices.SortFunc(d.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Value, b.Value))
	})
	d.Reasons = slices.Compact(d.Reasons)
	return d
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

// place is where the table lists a kind; what it does not know comes last.
func place(k mfa.Kind) int {
	if i := slices.IndexFunc(methods, func(m method) bool { return m.kind == k }); i >= 0 {
		return i
	}
	return len(methods)
}

// Usable lists those of the held kinds that the decision accepts, in the order
// held: the ones allowed and, where phishing resistance is demanded, resistant.
func (d Decision) Usable(held []mfa.Kind) []mfa.Kind {
	var out []mfa.Kind
	for _, k := range held {
		if d.accepts(k) && !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

func (d Decision) accepts(k mfa.Kind) bool {
	if d.Methods != nil && !slices.Contains(d.Methods, k) {
		return false
	}
	if d.Assurance.rank() < PhishingResistant.rank() {
		return true
	}
	i := place(k)
	return i < len(methods) && methods[i].phishingResistant
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
