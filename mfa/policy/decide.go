package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"latchkey/mfa"
)

// Facts are everything that policies may look at.
type Facts struct {
	User   string // id
	Email  string
	Login  string
	Kind   string
	Groups []string
	// Administrator says that they hold a role in the administration.
	Administrator bool
	// Client is the application that is asked for; empty: the house's own pages,
	// which are as strict as the strictest of them, because what can be changed
	// there opens all (SECURITY.md M-05).
	Client  string
	Address netip.Addr // where the request comes from; zero: not known
	// Anywhere leaves conditions of place aside, as if all were met (preview).
	Anywhere bool
	Held     []mfa.Kind
	Lent     []mfa.Kind // what would work without an enrolment
	// Mailed says that the password came by a mailed link, and that nothing but
	// mail has proven them since: a code by mail would be the same mailbox once
	// more (SECURITY.md E-03).
	Mailed  bool
	Started map[string]time.Time // when the grace of a policy began, by its ID; none: it begins now
	Now     time.Time
}

// Decision is the sum of all policies that concern somebody.
type Decision struct {
	At        time.Time  // of the facts
	Assurance Assurance  // demanded now
	Methods   []mfa.Kind // that count now; nil = all, empty = none is left
	Lent      []mfa.Kind // that may be used though they were not enrolled
	TrustDays int        // for so long a browser may be trusted; 0 = not at all
	Session   Session
	HardLock  bool // wrong passwords count over all browsers, see [What]
	Terms     mfa.Terms
	Banners   []Banner // of all policies that concern them, sorted by policy
	Reasons   []Reason // sorted
	// Grace names the policies (by ID) whose grace has not begun.
	Grace []string
	// Ahead are the decisions at each deadline to come, soonest first. Their own
	// Ahead is empty.
	Ahead []Decision

	strict bool // an application asks for the assurance: weak methods do not count
	noMail bool // they hold better than a code by mail, and nobody demands or it would be the same mailbox twice
	mailed bool // it would be
}

// Banner is a policy's own words.
type Banner struct {
	Policy string
	Text   map[string]string // by language
}

// Reason names a policy that is why a dimension is as strict as it is.
type Reason struct {
	Policy    string // name; empty when it is the sum of several
	Dimension string // such as "assurance", "methods", "trusted_devices"
	Value     string
}

// NoModel stands in Terms.Models where policies leave no make of passkey: an
// empty list would mean all. No AAGUID is written like this.
const NoModel = "none"

// Decide adds up the policies. The order in which they come does not matter.
// What nobody can have meant (an assurance that does not exist, a day that is
// none, a number out of bounds) counts as the strictest (SECURITY.md M-04).
func Decide(ps []Policy, f Facts) Decision {
	var mine []*Policy
	for i := range ps {
		if ps[i].concerns(&f) {
			mine = append(mine, &ps[i])
		}
	}
	d := decide(mine, &f)
	f.Started = begun(f.Started, &d)
	for at, ok := next(mine, &f); ok; at, ok = next(mine, &f) {
		f.Now = at
		ahead := decide(mine, &f)
		f.Started = begun(f.Started, &ahead)
		d.Ahead = append(d.Ahead, ahead)
	}
	return d
}

// decide is the decision at f.Now, with nothing ahead. All policies are about
// this person at this door.
func decide(ps []*Policy, f *Facts) Decision {
	d := Decision{At: f.Now, Assurance: None}
	var in, due []*Policy // those in force, and those whose enrolment is due
	for _, p := range ps {
		if p.exempt(f) {
			continue
		}
		in = append(in, p)
		at, begins := p.dueAt(f)
		if begins {
			d.Grace = append(d.Grace, p.key())
		}
		if f.Now.Before(at) {
			d.because(p.Name, "enrolment", at.UTC().Format(time.DateOnly))
		} else {
			due = append(due, p)
		}
	}
	d.assurance(due)
	d.methods(due)
	d.noMail = (f.Mailed || !d.Demands()) && slices.ContainsFunc(f.Held, func(k mfa.Kind) bool { return d.accepts(k) && methodOf(k).lasts() })
	d.mailed = f.Mailed
	d.lend(due, f.Lent)
	for i := range limits {
		limits[i].add(&d, in)
	}
	d.passkeys(in)
	d.lock(in)
	d.banners(in)
	slices.SortFunc(d.Reasons, func(a, b Reason) int {
		return cmp.Or(cmp.Compare(a.Dimension, b.Dimension), cmp.Compare(a.Policy, b.Policy), cmp.Compare(a.Value, b.Value))
	})
	d.Reasons = slices.Compact(d.Reasons)
	slices.Sort(d.Grace)
	d.Grace = slices.Compact(d.Grace)
	return d
}

func (d *Decision) because(policy, dimension, value string) {
	d.Reasons = append(d.Reasons, Reason{policy, dimension, value})
}

func (d *Decision) assurance(due []*Policy) {
	for _, p := range due {
		if p.What.Assurance.rank() > d.Assurance.rank() {
			d.Assurance = p.What.Assurance
		}
	}
	if d.Assurance.rank() >= len(assurances) {
		d.Assurance = PhishingResistant
	}
	for _, p := range due {
		if a := p.What.Assurance; a.rank() > 0 && a.rank() >= d.Assurance.rank() {
			d.because(p.Name, "assurance", string(a))
		}
	}
}

func (d *Decision) methods(due []*Policy) {
	for _, p := range due {
		d.Methods = narrow(d.Methods, p.What.Methods)
		if len(p.What.Methods) > 0 {
			d.because(p.Name, "methods", join(narrow(nil, p.What.Methods)))
		}
	}
	if d.Methods == nil {
		return
	}
	d.Methods = slices.DeleteFunc(d.Methods, func(k mfa.Kind) bool { return methodOf(k).weak && !named(due, k) })
	if len(d.Methods) == 0 {
		d.because("", "methods", "none")
	}
}

// lend lists what may be used without an enrolment, in the order of the table.
func (d *Decision) lend(due []*Policy, could []mfa.Kind) {
	for _, m := range methods {
		if m.lent && slices.Contains(could, m.kind) && named(due, m.kind) && d.accepts(m.kind) {
			d.Lent = append(d.Lent, m.kind)
		}
	}
}

func (d *Decision) passkeys(in []*Policy) {
	limited := false
	for _, p := range in {
		k := p.What.Passkeys
		if k.Clones != "" && k.Clones != clonesWarn {
			d.Terms.NoClones = true
			d.because(p.Name, "passkeys", "clones "+k.Clones)
		}
		if k.Attestation != "" && k.Attestation != attestationNone {
			d.Terms.Attested = true
			d.because(p.Name, "passkeys", "attestation "+k.Attestation)
		}
		if len(k.Models) == 0 {
			continue
		}
		models := slices.Clone(k.Models)
		for i, m := range models {
			models[i] = strings.ToLower(m)
		}
		slices.Sort(models)
		models = slices.Compact(models)
		d.because(p.Name, "passkeys", "models "+join(models))
		if limited {
			models = slices.DeleteFunc(models, func(m string) bool { return !slices.Contains(d.Terms.Models, m) })
		}
		d.Terms.Models, limited = models, true
	}
	if limited && len(d.Terms.Models) == 0 {
		d.Terms.Models = []string{NoModel}
		d.because("", "passkeys", "models "+NoModel)
	}
}

func (d *Decision) lock(in []*Policy) {
	for _, p := range in {
		if l := p.What.Lock; l != "" && l != lockSoft { // what cannot be read is the strictest (M-04)
			d.HardLock = true
			d.because(p.Name, "lock", lockHard)
		}
	}
}

func (d *Decision) banners(in []*Policy) {
	for _, p := range in {
		if len(p.What.Banner) > 0 {
			d.Banners = append(d.Banners, Banner{p.Name, p.What.Banner})
			d.because(p.Name, "banner", join(slices.Sorted(maps.Keys(p.What.Banner))))
		}
	}
	slices.SortFunc(d.Banners, func(a, b Banner) int {
		return cmp.Or(cmp.Compare(a.Policy, b.Policy), cmp.Compare(fmt.Sprint(a.Text), fmt.Sprint(b.Text)))
	})
}
