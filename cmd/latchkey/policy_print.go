package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"latchkey/idp"
	"latchkey/idp/posture"
	"latchkey/mfa/policy"
)

// stateNames are what columns call the states.
var stateNames = map[posture.State]string{
	posture.Fine: "PASSWORD ONLY", posture.Asked: "SECOND FACTOR", posture.MustSetUp: "MUST SET UP", posture.ShutOut: "SHUT OUT",
}

func dayName(d posture.Day, at time.Time) string {
	switch {
	case d.Day != "":
		return string(d.Day)
	case !at.IsZero():
		return at.Format(time.DateOnly)
	}
	return "now"
}

func printOutlook(w io.Writer, o posture.Outlook, at time.Time) {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "FROM\t")
	for _, s := range posture.States {
		fmt.Fprint(t, stateNames[s], "\t")
	}
	fmt.Fprintln(t)
	for _, d := range o {
		fmt.Fprint(t, dayName(d, at), "\t")
		for _, s := range posture.States {
			fmt.Fprint(t, d.States[s], "\t")
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // into a buffer or the terminal
}

func printPeople(w io.Writer, people []posture.Person, at time.Time) {
	if len(people) == 0 {
		return
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	fmt.Fprintln(t, "WHO\tFROM\tSTATE\tCAN SET UP\tWHY")
	for _, p := range people {
		before := posture.State("")
		for i, point := range append([]posture.Point{p.Standing.Now}, p.Standing.Ahead...) {
			if point.State == before {
				continue
			}
			before = point.State
			when := dayName(posture.Day{}, at)
			if i > 0 {
				when = point.At.UTC().Format(time.DateOnly)
			}
			cells := []string{called(p.User), when, strings.ToLower(stateNames[point.State]), words(point.SetUp), because(point.Reasons)}
			for c := range cells {
				cells[c] = clean(cells[c])
			}
			fmt.Fprintln(t, strings.Join(cells, "\t"))
		}
	}
	_ = t.Flush() // into a buffer or the terminal
}

func because(rs []policy.Reason) string {
	var out []string
	for _, r := range rs {
		name := r.Policy
		if name == "" {
			name = "together"
		}
		out = append(out, name+": "+r.Dimension+" "+r.Value)
	}
	return strings.Join(out, "; ")
}

type pointView struct {
	At      string              `json:"at"`
	State   posture.State       `json:"state"`
	With    []string            `json:"with"`
	SetUp   []string            `json:"set_up"`
	Reasons []map[string]string `json:"reasons"`
}

func viewPoint(p posture.Point) pointView {
	v := pointView{At: stamp(p.At), State: p.State, With: []string{}, SetUp: []string{}, Reasons: []map[string]string{}}
	for _, k := range p.With {
		v.With = append(v.With, string(k))
	}
	for _, k := range p.SetUp {
		v.SetUp = append(v.SetUp, string(k))
	}
	for _, r := range p.Reasons {
		v.Reasons = append(v.Reasons, map[string]string{"policy": r.Policy, "dimension": r.Dimension, "value": r.Value})
	}
	return v
}

func viewStanding(p posture.Person) any {
	ahead := []pointView{}
	for _, at := range p.Standing.Ahead {
		ahead = append(ahead, viewPoint(at))
	}
	return struct {
		ID    idp.UserID  `json:"id"`
		Login string      `json:"login"`
		Email string      `json:"email"`
		Now   pointView   `json:"now"`
		Ahead []pointView `json:"ahead"`
	}{p.User.ID, p.User.Login, p.User.Email, viewPoint(p.Standing.Now), ahead}
}

func viewOutlook(o posture.Outlook, at time.Time) []map[string]any {
	out := []map[string]any{}
	for _, d := range o {
		v := map[string]any{"from": dayName(d, at)}
		for s, n := range d.States {
			v[string(s)] = n
		}
		out = append(out, v)
	}
	return out
}

// watcher shows on a terminal how far a command has got.
type watcher struct {
	out  io.Writer // nil: nobody watches
	seen int
}

func (o output) watch(cmd *cobra.Command) *watcher {
	if o.json || !term.IsTerminal(int(os.Stderr.Fd())) {
		return &watcher{}
	}
	return &watcher{out: cmd.ErrOrStderr()}
}

func (w *watcher) step() {
	const every = 1000
	if w.seen++; w.out != nil && w.seen%every == 0 {
		fmt.Fprintf(w.out, "\r%d people looked at", w.seen)
	}
}

// done clears the line.
func (w *watcher) done() {
	if w.out != nil && w.seen > 0 {
		fmt.Fprint(w.out, "\r\x1b[K")
	}
}
