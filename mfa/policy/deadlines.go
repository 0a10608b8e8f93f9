package policy

import (
	"maps"
	"time"
)

// maxGrace is the most days of grace that a policy can give.
const maxGrace = 365

// start is when the day begins.
func (d Date) start() (time.Time, bool) {
	t, err := time.Parse(time.DateOnly, string(d))
	return t, err == nil
}

// key names the policy in [Facts.Started]. A draft that was never stored has
// its name only.
func (p *Policy) key() string {
	if p.ID != "" {
		return p.ID
	}
	return p.Name
}

// dueAt is from when on the policy's assurance and methods count for somebody
// who is not exempt; zero: from the beginning. begins says that their grace
// has not begun, so it is reckoned from now. Of two ends the earlier counts,
// and an end that cannot be read has passed (SECURITY.md M-04).
func (p *Policy) dueAt(f *Facts) (at time.Time, begins bool) {
	e := p.What.Enrolment
	if e.Deadline != "" {
		day, ok := e.Deadline.start()
		if !ok {
			return time.Time{}, false
		}
		at = day
	}
	if e.GraceDays == 0 {
		return at, false
	}
	if e.GraceDays < 0 || e.GraceDays > maxGrace {
		return time.Time{}, false
	}
	start, ok := f.Started[p.key()]
	if !ok {
		start = f.Now
	}
	if end := start.UTC().AddDate(0, 0, e.GraceDays); at.IsZero() || end.Before(at) {
		at = end
	}
	return at, !ok
}

// next is the first moment after f.Now at which one of the policies asks for
// more: its deadline comes, a grace or the person's exemption ends.
func next(ps []*Policy, f *Facts) (first time.Time, ok bool) {
	for _, p := range ps {
		at := p.exemptUntil(f)
		if !at.After(f.Now) { // not exempt
			at, _ = p.dueAt(f)
		}
		if at.After(f.Now) && (!ok || at.Before(first)) {
			first, ok = at, true
		}
	}
	return first, ok
}

// begun adds the graces that began with a decision.
func begun(started map[string]time.Time, d *Decision) map[string]time.Time {
	if len(d.Grace) == 0 {
		return started
	}
	out := maps.Clone(started)
	if out == nil {
		out = map[string]time.Time{}
	}
	for _, key := range d.Grace {
		out[key] = d.At
	}
	return out
}
