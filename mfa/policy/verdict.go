package policy

import "time"

// Verdict is what a policy has to do with somebody at a door.
type Verdict string

const (
	Holds     Verdict = "holds"     // all that it demands is demanded
	Ahead     Verdict = "ahead"     // its assurance and methods will hold later
	Exempted  Verdict = "exempt"    // they are left out for a while
	Elsewhere Verdict = "elsewhere" // it is for other applications or networks
	Others    Verdict = "others"    // it is for other people
	Off       Verdict = "off"       // it is switched off
)

// Verdict says what the policy has to do with the facts, and when that ends:
// with Ahead its assurance and methods hold from then on, with Exempted the
// exemption ends.
func (p Policy) Verdict(f Facts) (Verdict, time.Time) {
	switch {
	case !p.Enabled:
		return Off, time.Time{}
	case !p.selects(&f, false):
		return Others, time.Time{}
	case !f.Anywhere && !p.selects(&f, true):
		return Elsewhere, time.Time{}
	case p.exempt(&f):
		return Exempted, p.exemptUntil(&f)
	}
	if at, _ := p.dueAt(&f); f.Now.Before(at) {
		return Ahead, at
	}
	return Holds, time.Time{}
}

// Due is the policy as it is once everybody's time to set something up is over.
func (p Policy) Due() Policy {
	p.Enabled, p.What.Enrolment = true, Enrolment{}
	return p
}

// Start is the first moment of the day, in UTC; false: it is none.
func (d Date) Start() (time.Time, bool) { return d.start() }
