package people

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/people"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// bulks is the pages about what is done to many.
type bulks struct{ *Pages }

// shown is how many people of a batch a page names.
const shown = 100

// listOf is the list in which somebody ticked, with its filter.
func listOf(c *page.Context) string {
	q, err := url.ParseQuery(c.Form("filter"))
	if err != nil || len(q) == 0 {
		return Home
	}
	return Home + "?" + q.Encode()
}

// prepare writes down who is ticked, or everybody of the filter, and leads to
// the page that says what would happen.
func (p bulks) prepare(c *page.Context, v admin.Visit) error {
	q, err := url.ParseQuery(c.Form("filter"))
	if err != nil {
		return idp.ErrInvalid
	}
	var who people.Selection
	if c.Form("scope") == "all" {
		f := filterOf(q)
		who.Filter = &f
	} else {
		for name := range c.R.PostForm {
			if id, ticked := strings.CutPrefix(name, "u."); ticked {
				who.IDs = append(who.IDs, idp.UserID(id))
			}
		}
	}
	o := people.Order{Act: people.Act(c.Form("act")), Group: c.Form("group"), Kind: mfa.Kind(c.Form("method"))}
	id, err := p.Bulk.Prepare(c.Context(), v.By, o, who)
	if errors.Is(err, idp.ErrInvalid) {
		said := troubleOf(c, err)
		if said == "" {
			said = c.Words.T("admin.users.trouble.group")
		}
		c.Here(Home + "?" + q.Encode())
		return lists(p).showList(c, v, http.StatusBadRequest, v.Head(c).Refused(c.Words.T("admin.users.refused"), said), q)
	} else if err != nil {
		return err
	}
	return c.Redirect(Home + "/bulk/" + id)
}

// planView is what would be done to many, is being done, or was.
type planView struct {
	admin.Head
	Title   string
	Text    string
	URL     string
	Numbers []fact
	Todo    []string // to whom
	More    int      // whom else
	Skipped grid
	Failed  grid
	Work    *workView
	Start   string // words of the button; empty: nothing is left to do
	Danger  bool
}

// workView is how far something is.
type workView struct {
	Going bool
	Part  int // per cent
	Text  string
	URL   string // to look again
	Bad   bool
}

func (p bulks) plan(c *page.Context, v admin.Visit) error {
	return p.showPlan(c, v, http.StatusOK, v.Head(c, crumb(c)...))
}

func (p bulks) showPlan(c *page.Context, v admin.Visit, status int, h admin.Head) error {
	id := c.R.PathValue("batch")
	plan, err := p.Bulk.Plan(c.Context(), v.By, id)
	if err != nil {
		return err
	}
	view := planOf(c, h, plan)
	for which, to := range map[string]*grid{"skip": &view.Skipped, "failed": &view.Failed} {
		some, err := p.Bulk.Some(c.Context(), v.By, id, which, shown)
		if err != nil {
			return err
		}
		*to = heads(c, "name", "login", "why")
		for _, s := range some {
			to.row(cell{Text: s.Name, URL: urlOf(s.ID)}, cell{Text: s.Login}, cell{Text: c.Words.T(fmt.Sprintf("admin.users.why.%s", s.Why))})
		}
	}
	todo, err := p.Bulk.Some(c.Context(), v.By, id, "", shown)
	if err != nil {
		return err
	}
	for _, s := range todo {
		view.Todo = append(view.Todo, s.Name)
	}
	view.More = plan.Todo - len(todo)
	if view.Work != nil && view.Work.Going {
		c.W.Header().Set("Refresh", "2")
	}
	c.Here(view.URL)
	return c.Show(set, status, "plan.html", view)
}

func planOf(c *page.Context, h admin.Head, plan people.Plan) planView {
	view := planView{Head: h, URL: Home + "/bulk/" + plan.Batch.ID, Title: c.Words.T(fmt.Sprintf("admin.users.act.%s", string(plan.Order.Act))), Danger: true}
	if plan.Order.Group != "" {
		view.Title += ": " + plan.Order.Group
	}
	for _, n := range []struct {
		key  string
		n    int
		show bool
	}{
		{"plan_total", plan.Total, true}, {"plan_done", plan.Done, plan.Job != nil}, {"plan_todo", plan.Todo, plan.Todo > 0 || plan.Job == nil},
		{"plan_skipped", plan.Skipped(), plan.Skipped() > 0}, {"plan_failed", plan.Failed(), plan.Failed() > 0},
	} {
		if n.show {
			view.Numbers = append(view.Numbers, fact{Name: c.Words.T(fmt.Sprintf("admin.users.%s", n.key)), Value: c.Words.N("admin.users.people", n.n)})
		}
	}
	view.Work = workOf(c, plan.Job, view.URL)
	going := view.Work != nil && view.Work.Going
	switch {
	case going || plan.Todo == 0:
	case plan.Job == nil:
		view.Text, view.Start = c.Words.T(fmt.Sprintf("admin.users.ask_many.%s", string(plan.Order.Act))), c.Words.N("admin.users.plan_start", plan.Todo)
	default:
		view.Start = c.Words.N("admin.users.plan_on", plan.Todo)
	}
	return view
}

// workOf words how far work is.
func workOf(c *page.Context, j *job.Job, address string) *workView {
	if j == nil {
		return nil
	}
	w := &workView{URL: address, Part: int(100 * j.Part)}
	switch state := j.Now(c.Now()); state {
	case job.Running:
		w.Going, w.Text = true, c.Words.T("admin.users.work_going", w.Part)
	case job.Done:
		w.Text = c.Words.T("admin.users.work_done")
	default:
		w.Bad, w.Text = true, c.Words.T("admin.users.work_stopped")
	}
	return w
}

func (p bulks) startBulk(c *page.Context, v admin.Visit) error {
	id := c.R.PathValue("batch")
	err := p.Bulk.Start(c.Context(), v.By, id)
	if said := troubleOf(c, err); said != "" {
		return p.showPlan(c, v, page.ProblemOf(err).Status, v.Head(c, crumb(c)...).Refused(c.Words.T("admin.users.refused"), said))
	} else if err != nil {
		return err
	}
	return c.Redirect(Home + "/bulk/" + id)
}
