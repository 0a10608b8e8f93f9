package odoo

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// showView is the page of one connection.
type showView struct {
	admin.Head
	ID, URL  string
	Company  string
	Well     bool
	Failure  odoowords.Line
	Contact  string
	Examined examinedView
	Locked   string // since when; empty: not
	Except   string
	Sync     bool
	SyncedAt string
	SyncFail odoowords.Line
	SyncSum  string
	Troubles []odoowords.Line
	Linked   string
	Client   string
	Address  string
	Facts    []fact
	Cases    []caseRow
	Work     []workRow
	May      bool
	MayEnd   bool
	Last     string // when the facts were read
}

// caseRow is somebody of whom nobody knows who they are in Odoo.
type caseRow struct {
	User, Name, Login, Seen, URL string
	Who                          odoowords.Line // they may be in Odoo
}

func (r reader) show(c *page.Context, v admin.Visit) error {
	view, err := r.view(c, v)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "show.html", view)
}

func (r reader) view(c *page.Context, v admin.Visit) (showView, error) {
	one, err := r.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return showView{}, err
	}
	s, err := r.states.SyncState(c.Context(), one.ID)
	if err != nil {
		return showView{}, err
	}
	cases, err := r.connections.Cases(c.Context(), v.By, one.ID)
	if err != nil {
		return showView{}, err
	}
	work, err := r.work.recent(c, v, one.ID)
	examined, also := r.histories.Last(c.Context(), v.By, one.ID)
	if err = errors.Join(err, also); err != nil {
		return showView{}, err
	}
	view := viewOf(c, v, one, s, cases)
	view.Work, view.Examined = work, examinedOf(c, v, examined)
	return view, err
}

func viewOf(c *page.Context, v admin.Visit, one connector.Connection, s connector.SyncState, cases []connector.Case) showView {
	view := showView{
		Head: v.Head(c, crumbs(c, "")...), ID: one.ID, URL: address(one.ID), Company: one.Facts.Company.Name, Well: one.Health.Well(), Failure: failure(c.Words, &one.Health.Why, one.Health.Failure), Contact: when(c, v, one.Health.Good),
		Sync: one.Settings.Sync, SyncedAt: when(c, v, s.Succeeded), SyncFail: failure(c.Words, s.Why, s.Failure), SyncSum: counted(c, s.Total), Troubles: troubles(c.Words, s.Troubles),
		Linked: c.Words.T("admin.odoo.linked_of", fmt.Sprint(one.Facts.Linked), fmt.Sprint(one.Facts.Users)), Client: string(one.Client), Address: one.URL,
		Facts: foundFacts(c, one), May: v.May(idp.EditOdoo), MayEnd: v.May(idp.EditOdoo) && v.May(idp.HelpPeople), Last: when(c, v, one.Facts.Read),
	}
	if !one.Lock.At.IsZero() {
		view.Locked, view.Except = when(c, v, one.Lock.At), strings.Join(one.Lock.Except, ", ")
	}
	for _, k := range cases {
		view.Cases = append(view.Cases, caseRow{User: string(k.User), Name: k.Name, Login: k.Login, Who: odoowords.Say(c.Words, k.Said, k.What), Seen: when(c, v, k.Seen), URL: "/admin/users/" + string(k.User)})
	}
	return view
}

// counted is what runs of the synchronisation did, in words.
func counted(c *page.Context, n connector.SyncCounts) string {
	var out []string
	for _, one := range []struct {
		name string
		n    int
	}{
		{"created", n.Created}, {"changed", n.Changed}, {"disabled", n.Disabled}, {"enabled", n.Enabled}, {"archived", n.Archived}, {"restored", n.Restored}, {"locked", n.Locked}, {"invited", n.Invited}, {"left_out", n.LeftOut}, {"failed", n.Failed},
	} {
		if one.n > 0 {
			out = append(out, c.Words.T(fmt.Sprintf("admin.odoo.count.%s", one.name), fmt.Sprint(one.n)))
		}
	}
	if len(out) == 0 {
		return c.Words.T("admin.odoo.count_none")
	}
	return strings.Join(out, ", ")
}

// logView is the log of the synchronisation.
type logView struct {
	admin.Head
	Rows  []runRow
	Empty *admin.Empty
}

type runRow struct {
	Began, Took, Sum string
	Failure          odoowords.Line
	Full             bool
	Troubles         []odoowords.Line
}

func (r reader) log(c *page.Context, v admin.Visit) error {
	one, err := r.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	all, err := r.connections.Runs(c.Context(), v.By, one.ID)
	if err != nil {
		return err
	}
	view := logView{Head: v.Head(c, crumbs(c, one.ID)...)}
	for _, run := range all {
		view.Rows = append(view.Rows, runRow{Began: when(c, v, run.Began), Took: seconds(run.Ended.Sub(run.Began)), Sum: counted(c, run.Counts), Failure: failure(c.Words, run.Why, run.Failure), Full: run.Full, Troubles: troubles(c.Words, run.Troubles)})
	}
	if len(all) == 0 {
		view.Empty = &admin.Empty{Title: c.Words.T("admin.odoo.log_empty"), Text: c.Words.T("admin.odoo.log_empty_text")}
	}
	return c.Show(set, http.StatusOK, "log.html", view)
}
