package records

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"latchkey/idp/audit"
	"latchkey/idp/security"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// chainView is how the log stands.
type chainView struct {
	admin.Head
	Facts       []fact
	Checked     string // what the last check found, in words
	Tone        string // the class of that notice
	Finding     string // more about it
	English     string // the same as the command line says it, where there are no other words for it
	Verify      string // address
	Key, KeyID  string
	Checkpoints []markView
	Targets     []targetView
	Pager       admin.Pager
}

type markView struct{ Seq, When, Count, Hash string }

// targetView is a place that events are sent on to. Detail is what the operating
// system or the other server said.
type targetView struct{ Name, State, Chip, Good, Behind, Failure, Detail string }

const marksShown = 20

func (p *Pages) chain(c *page.Context, v admin.Visit) error {
	st, err := p.Log.Status(c.Context(), v.By)
	if err != nil {
		return err
	}
	before, _ := strconv.ParseInt(c.Query("before"), 10, 64) // anything else: the first page
	marks, err := p.Log.Checkpoints(c.Context(), v.By, before, marksShown+1)
	if err != nil {
		return err
	}
	key := p.Log.Key()
	view := chainOf(c, v, st, marks)
	view.Key, view.KeyID = audit.FormatKey(key), audit.KeyID(key)
	if before > 0 {
		view.Pager.First = chainPath
	}
	return c.Show(set, http.StatusOK, "audit_chain.html", view)
}

func chainOf(c *page.Context, v admin.Visit, st audit.Status, marks []audit.Checkpoint) chainView {
	view := chainView{Head: v.Head(c, admin.Crumb{Title: c.Words.T("admin.nav.audit"), URL: auditPath}), Verify: chainPath + "/verify"}
	when := func(t time.Time) string { return c.Words.DateTime(t.In(security.Zone(v.User))) }
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	add := func(name, value string) {
		view.Facts = append(view.Facts, fact{Name: c.Words.T(fmt.Sprintf("admin.audit.chain.%s", name)), Value: value})
	}
	add("rows", number(st.Head.Seq-st.Cut.Seq))
	add("waiting", strconv.Itoa(st.Waiting))
	if st.Last.Seq > 0 {
		add("signed", c.Words.T("admin.audit.up_to", st.Last.Seq, when(st.Last.At)))
	}
	if st.Cut.Seq > 0 {
		add("cut", c.Words.T("admin.audit.up_to", st.Cut.Seq, when(st.Cut.At)))
	}
	view.checked(c, st.Verified, when)
	if len(marks) > marksShown {
		marks = marks[:marksShown]
		view.Pager.Next = chainPath + "?before=" + number(marks[len(marks)-1].Seq)
	}
	for _, m := range marks {
		view.Checkpoints = append(view.Checkpoints, markView{number(m.Seq), when(m.At), number(m.Count), hex.EncodeToString(m.Hash)})
	}
	for _, t := range st.Targets {
		view.Targets = append(view.Targets, targetOf(c, t, when))
	}
	return view
}

// checked says what the last check found.
func (view *chainView) checked(c *page.Context, r *audit.Report, when func(time.Time) string) {
	switch {
	case r == nil:
		view.Checked = c.Words.T("admin.audit.never_checked")
	case r.Broken != nil:
		view.Checked, view.Tone = brokenOf(c, r.Broken)+" ("+when(r.At)+")", "notice-danger"
		if view.Finding = foundOf(c, r.Broken, when); view.Finding == "" {
			view.English = r.Broken.Says
		}
	case r.Whole:
		view.Checked, view.Tone = c.Words.T("admin.audit.checked_whole", when(r.At), r.Rows), "notice-good"
	default:
		view.Checked, view.Tone = c.Words.T("admin.audit.checked_part", when(r.At), r.Rows), "notice-good"
	}
}

func targetOf(c *page.Context, d audit.Delivery, when func(time.Time) string) targetView {
	out := targetView{Name: d.Name, State: c.Words.T("admin.audit.target.fine"), Chip: "chip-good", Behind: strconv.FormatInt(d.Behind, 10)}
	if !d.Good.IsZero() {
		out.Good = when(d.Good)
	}
	switch {
	case d.Failure != "":
		out.State, out.Chip, out.Detail = c.Words.T("admin.audit.target.failing"), "chip-bad", d.Failure
		if d.Status != 0 {
			out.Failure, out.Detail = c.Words.T("admin.audit.target_status", d.Status), ""
		}
	case !d.Begun || d.Good.IsZero():
		out.State, out.Chip = c.Words.T("admin.audit.target.waiting"), ""
	}
	return out
}

// A check from a page looks at the newest events, and no longer than a reader
// waits. The server looks at all of them once a day.
const (
	verifyNewest = 100_000
	verifyFor    = 15 * time.Second
)

func (p *Pages) verify(c *page.Context, v admin.Visit) error {
	ctx, cancel := context.WithTimeout(c.Context(), verifyFor)
	defer cancel()
	if _, err := p.Log.Verify(ctx, v.By, audit.Extent{Newest: verifyNewest}); err != nil {
		return err
	}
	return c.Redirect(chainPath + "?done=verified")
}
