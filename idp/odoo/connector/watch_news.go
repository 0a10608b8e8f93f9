package connector

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
)

// Kept is what is kept of a finding: what it is, and how bad, but nobody's name.
type Kept struct {
	Check string  `json:"check"`
	Level Level   `json:"level"`
	Which string  `json:"which,omitempty"` // of several sentences of that check
	About string  `json:"about,omitempty"` // the host, website or provider, where there may be several
	Count int     `json:"count,omitempty"` // of people, where more of them are news
	Rows  []int64 `json:"rows,omitempty"`  // of Odoo's, where one more of them is news
}

// Examined is the last examination of a connection, whoever made it.
type Examined struct {
	At    time.Time `json:"at,omitzero"` // zero: there was none
	Found []Kept    `json:"found,omitempty"`
}

// Worst is the first of the worst findings, if there is any.
func (e Examined) Worst() (Kept, bool) {
	if len(e.Found) == 0 {
		return Kept{}, false
	}
	if i := slices.IndexFunc(e.Found, func(s Kept) bool { return s.Level == Problem }); i >= 0 {
		return e.Found[i], true
	}
	return e.Found[0], true
}

// News is what an examination found that administrators do not know.
type News struct {
	New  []Finding
	Gone []Kept
	// Sync is how the synchronisation stands, when it has begun to fail: since when;
	// nil otherwise. SyncWell says that it works again.
	Sync      *SyncState
	SyncSince time.Time
	SyncWell  bool
}

// Empty reports whether there is nothing to tell.
func (n News) Empty() bool { return len(n.New)+len(n.Gone) == 0 && n.Sync == nil && !n.SyncWell }

// What is news beside a problem that was not there before.
var (
	// toldAdvice is advice that administrators are told of when it comes up: each opens
	// another way in.
	toldAdvice = []string{"sign_up", "api_keys"}
	// growing are problems of which more is another problem: somebody more gets in
	// past the second factor. More people who are not linked are one all the same.
	growing = []string{"local_passwords", "other_providers"}
	// naming says which fact names what a sentence is about, where several such
	// findings may stand side by side. The rest change from day to day.
	naming = map[string]int{
		"hosts": 0, "flow": 0, "redirect_uri": 0, "button": 0, "snippet": 0, "issuer.other": 0, "issuer.silent": 0,
		"other_providers.on": 1, "other_providers.off": 1, "key_expiry": 2,
	}
)

// seen is what is kept of a finding.
func (f Finding) seen() Kept {
	s := Kept{Check: f.Check, Level: f.Level, Rows: f.which}
	if _, which, several := strings.Cut(f.Says, f.Check+"."); several {
		s.Which = which
	}
	if at, named := naming[f.Says]; named && at < len(f.Facts) {
		s.About = f.Facts[at]
	}
	if slices.Contains(growing, f.Check) && len(f.Facts) > 0 {
		s.Count, _ = strconv.Atoi(f.Facts[0]) // 0 where it is no number, and then never more
	}
	return s
}

// same reports whether both are about the same.
func (s Kept) same(o Kept) bool {
	return s.Check == o.Check && s.Which == o.Which && s.About == o.About
}

// told reports whether administrators are told of it.
func (s Kept) told() bool { return s.Level == Problem || slices.Contains(toldAdvice, s.Check) }

// beyond reports whether it is worse than what is known of the same.
func (s Kept) beyond(known Kept) bool {
	return s.Level == Problem && known.Level != Problem || s.Count > known.Count ||
		slices.ContainsFunc(s.Rows, func(row int64) bool { return !slices.Contains(known.Rows, row) })
}

// compare says what of a diagnosis is not known, and what is known from then on.
// At first problems are news, and advice is how the administrator wanted it. What
// could not be looked at is neither there nor gone.
func compare(known []Kept, first bool, d Diagnosis) (n News, next []Kept) {
	found := open(d.Findings)
	var advice []Finding // which comes after problems
	for _, f := range found {
		s := f.seen()
		if !s.told() {
			continue
		}
		at := slices.IndexFunc(known, s.same)
		if at < 0 && (s.Level == Problem || !first) || at >= 0 && s.beyond(known[at]) {
			if s.Level == Problem {
				n.New = append(n.New, f)
			} else {
				advice = append(advice, f)
			}
		}
		next = append(next, s)
	}
	n.New = append(n.New, advice...)
	for _, k := range known {
		switch {
		case slices.ContainsFunc(found, func(f Finding) bool { return f.seen().same(k) }):
		case d.missed(k.Check):
			next = append(next, k)
		default:
			n.Gone = append(n.Gone, k)
		}
	}
	return n, next
}

// open are the findings that something is left to do about.
func open(all []Finding) (out []Finding) {
	for _, f := range all {
		if !f.Over() && f.Says != "unread" {
			out = append(out, f)
		}
	}
	return out
}

// missed reports whether a check could not be made: there was no contact, or Odoo
// did not let itself be read.
func (d Diagnosis) missed(check string) bool {
	if len(d.Checks) == 1 {
		return true
	}
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Says == "unread" && f.Check == check })
}

// examinedTask names the state in which the last examination is kept.
const examinedTask = "examined"

// Last is the last examination of a connection. It needs the right to see them.
func (d *Doctor) Last(ctx context.Context, by idp.Actor, id string) (Examined, error) {
	if err := by.May(idp.SeeOdoo); err != nil {
		return Examined{}, err
	}
	return d.last(ctx, id)
}

func (d *Doctor) last(ctx context.Context, id string) (e Examined, err error) {
	err = d.book.recall(ctx, id, examinedTask, &e)
	return e, err
}

// keep keeps what was found for the pages, and that somebody has looked today.
func (d *Doctor) keep(ctx context.Context) func(Diagnosis, error) (Diagnosis, error) {
	return func(out Diagnosis, err error) (Diagnosis, error) {
		if err != nil {
			return out, err
		}
		e := Examined{At: d.book.now()}
		for _, f := range open(out.Findings) {
			s := f.seen()
			s.Rows = nil
			e.Found = append(e.Found, s)
		}
		return out, d.book.remember(ctx, out.Connection, examinedTask, e)
	}
}
