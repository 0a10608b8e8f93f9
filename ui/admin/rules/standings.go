package rules

import (
	"fmt"
	"slices"

	"latchkey/idp/posture"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// standings say where people stand, and would stand with a draft.
type standings struct{ say speaker }

// dayRow says how many people stand how from a day on.
type dayRow struct {
	Day    string
	States []stateCell
}

type stateCell struct {
	Label         string
	People, Moved int // and how many more than without the change
	Bad           bool
}

type whyRow struct {
	Policy, Text, State string
	People              int
}

type hitRow struct {
	Name, URL, State, Day, SetUp string
	Why                          []string
	New, Shut                    bool
}

// outlookView is what a draft would do to everybody.
type outlookView struct {
	Known    bool
	Running  bool
	Progress string
	Old      bool
	Looked   int
	Hits     string
	New      string
	None     bool
	Same     bool // nobody stands otherwise than without the change, on any day
	States   []string
	Days     []dayRow
	Why      []whyRow
	First    []hitRow
	More     string
	CSV      string
}

func (s standings) state(st posture.State) string {
	return s.say.T(fmt.Sprintf("admin.policies.state.%s", st))
}

func (s standings) outlook(c *page.Context, o rulebook.Outlook, id string) outlookView {
	out := outlookView{Running: o.Running, Old: o.Old, Progress: progress(c, o.Progress), CSV: pathOf(id) + "/preview.csv"}
	for _, st := range posture.States {
		out.States = append(out.States, s.state(st))
	}
	e := o.Effect
	if e == nil {
		return out
	}
	out.Known, out.Looked, out.None = true, e.Looked, e.Hits == 0
	out.Hits, out.New = s.say.N("admin.policies.hits", e.Hits), s.say.N("admin.policies.hits_new", e.New)
	out.Days = s.days(e.Before, e.After)
	out.Same = !slices.ContainsFunc(out.Days, func(d dayRow) bool {
		return slices.ContainsFunc(d.States, func(c stateCell) bool { return c.Moved != 0 })
	})
	for _, b := range e.Because {
		out.Why = append(out.Why, whyRow{s.say.by(b.Reason), s.say.reason(b.Reason), s.state(b.State), b.People})
	}
	for _, h := range e.First {
		out.First = append(out.First, s.hit(h))
	}
	if n := e.Hits - len(e.First); n > 0 {
		out.More = s.say.N("admin.policies.hits_more", n)
	}
	return out
}

func (s standings) hit(h posture.Hit) hitRow {
	row := hitRow{Name: h.Name, URL: admin.Home + "/users/" + string(h.User), State: s.state(h.State), Day: s.from(h.Day), SetUp: s.say.methods(kinds(h.SetUp)), New: h.New, Shut: h.State == posture.ShutOut}
	for _, r := range h.Reasons {
		row.Why = append(row.Why, s.say.by(r)+s.say.T("admin.policies.say.colon")+s.say.reason(r))
	}
	return row
}

func (s standings) from(d policy.Date) string {
	if d == "" {
		return s.say.T("admin.policies.now")
	}
	return s.say.day(d)
}

// days lays what will be beside what would have been.
func (s standings) days(before, after posture.Outlook) (out []dayRow) {
	for _, d := range after {
		was := map[posture.State]int{}
		for _, b := range before {
			if b.Day <= d.Day {
				was = b.States
			}
		}
		row := dayRow{Day: s.from(d.Day)}
		for _, st := range posture.States {
			row.States = append(row.States, stateCell{s.state(st), d.States[st], d.States[st] - was[st], st.Blocked()})
		}
		out = append(out, row)
	}
	return out
}

// of lists where somebody stands now and from each deadline on.
func (s standings) of(p posture.Person) (out []hitRow) {
	for i, at := range append([]posture.Point{p.Standing.Now}, p.Standing.Ahead...) {
		row := hitRow{Day: s.say.T("admin.policies.now"), State: s.state(at.State), SetUp: s.say.methods(kinds(at.SetUp)), Shut: at.State == posture.ShutOut}
		if i > 0 {
			row.Day = s.say.Date(at.At.UTC())
		}
		for _, r := range at.Reasons {
			row.Why = append(row.Why, s.say.by(r)+s.say.T("admin.policies.say.colon")+s.say.reason(r))
		}
		out = append(out, row)
	}
	return out
}
