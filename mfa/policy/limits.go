package policy

import (
	"strconv"
	"strings"
	"time"
)

// limit is a number that policies can set. Of those who set it, the strictest
// wins. A new one is one entry in the table and a field of [What].
type limit struct {
	dimension, key string
	part           string // of a form, see [Field]
	least, most    int64  // what files may say (SECURITY.md §1.1)
	more           bool   // more is stricter; else less is
	duration       bool
	in             func(w *What) (int64, bool) // what the policy says, if it says anything
	set            func(d *Decision, v int64)
}

var limits = []limit{
	{
		part: "stay", dimension: "trusted_devices", key: "days", least: 0, most: 365,
		in: func(w *What) (int64, bool) {
			if w.Devices == nil {
				return 0, false
			}
			return int64(w.Devices.Days), true
		},
		set: func(d *Decision, v int64) { d.TrustDays = int(v) },
	},
	{
		part: "stay", dimension: "session", key: "absolute", least: int64(5 * time.Minute), most: int64(720 * time.Hour), duration: true,
		in:  func(w *What) (int64, bool) { return said(int64(w.Session.Absolute)) },
		set: func(d *Decision, v int64) { d.Session.Absolute = time.Duration(v) },
	},
	{
		part: "stay", dimension: "session", key: "idle", least: int64(time.Minute), most: int64(24 * time.Hour), duration: true,
		in:  func(w *What) (int64, bool) { return said(int64(w.Session.Idle)) },
		set: func(d *Decision, v int64) { d.Session.Idle = time.Duration(v) },
	},
	{
		part: "codes", dimension: "codes", key: "validity", least: int64(time.Minute), most: int64(10 * time.Minute), duration: true,
		in:  func(w *What) (int64, bool) { return said(int64(w.Codes.Validity)) },
		set: func(d *Decision, v int64) { d.Terms.Validity = time.Duration(v) },
	},
	{
		part: "codes", dimension: "codes", key: "digits", least: 6, most: 10, more: true,
		in:  func(w *What) (int64, bool) { return said(int64(w.Codes.Digits)) },
		set: func(d *Decision, v int64) { d.Terms.Digits = int(v) },
	},
	{
		part: "codes", dimension: "codes", key: "tries", least: 1, most: 10,
		in:  func(w *What) (int64, bool) { return said(int64(w.Codes.Tries)) },
		set: func(d *Decision, v int64) { d.Terms.Tries = int(v) },
	},
}

// said is a number that is not said when it is zero.
func said(v int64) (int64, bool) { return v, v != 0 }

// of is what a policy says, if it says anything. What no file could have said
// counts as the strictest: a policy that cannot be read opens no door
// (SECURITY.md M-04).
func (l *limit) of(p *Policy) (v int64, ok bool) {
	v, ok = l.in(&p.What)
	switch {
	case !ok || v >= l.least && v <= l.most:
		return v, ok
	case l.more:
		return l.most, true
	}
	return l.least, true
}

// add puts the strictest of what the policies say into the decision.
func (l *limit) add(d *Decision, ps []*Policy) {
	best, found := int64(0), false
	for _, p := range ps {
		if v, ok := l.of(p); ok && (!found || l.more && v > best || !l.more && v < best) {
			best, found = v, true
		}
	}
	if !found {
		return
	}
	l.set(d, best)
	for _, p := range ps {
		if v, ok := l.of(p); ok && v == best {
			d.because(p.Name, l.dimension, l.key+" "+l.text(v))
		}
	}
}

// text writes the number as files do.
func (l *limit) text(v int64) string {
	if l.duration {
		return short(time.Duration(v))
	}
	return strconv.FormatInt(v, 10)
}

// short writes 12h, not 12h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
