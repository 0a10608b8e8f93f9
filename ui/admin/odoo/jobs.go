package odoo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// mostShown is how many people a result lists.
const mostShown = 200

// bench is the work behind the pages: it starts some, and shows it.
type bench struct{ jobs *job.Desk }

// start starts work and leads to the page that shows it.
func (b bench) start(c *page.Context, v admin.Visit, kind, about string, work job.Work) error {
	id, err := b.jobs.Start(c.Context(), v.By, kind, about, func(ctx context.Context, r *job.Run) (any, error) {
		out, err := work(ctx, r)
		if err != nil {
			err = explained(err)
		}
		return out, err
	})
	if errors.Is(err, idp.ErrBusy) { // the same is going on: look at that
		all, other := b.jobs.About(c.Context(), about, 20)
		for _, j := range all {
			if other == nil && j.Kind == kind && j.Now(c.Now()) == job.Running {
				return c.Redirect(addressJob + "/" + j.ID)
			}
		}
	}
	if err != nil {
		return err
	}
	return c.Redirect(addressJob + "/" + id)
}

// again is how often the page of work under way loads itself anew, in seconds.
const again = "2"

// jobView is the page of work behind the pages.
type jobView struct {
	admin.Head
	Title   string
	State   string
	Running bool
	Kind    string
	Done    string // how much
	Percent int
	Began   string
	Problem odoowords.Line // why it failed
	Self    string         // address of this page
	Back    string
	ID      string // the connection

	Steps    []odoowords.Line
	Notes    []odoowords.Line
	Findings []findingView
	Checks   int
	Clean    bool
	Sums     []fact
	Lists    []namedList
	Classes  []classView
	Fields   admin.Fields
	More     admin.Fields   // what is done about the cases that were met
	Rest     admin.Fields   // and about others
	Next     *admin.Confirm // what comes after a dry run
}

func (b bench) show(c *page.Context, v admin.Visit) error {
	j, err := b.jobs.ByID(c.Context(), c.R.PathValue("job"))
	if err != nil {
		return err
	}
	if !strings.HasPrefix(j.Kind, "odoo.") {
		return idp.ErrNotFound
	}
	view, err := jobOf(c, v, j)
	if err != nil {
		return err
	}
	if view.Running {
		c.W.Header().Set("Refresh", again+"; url="+view.Self)
	}
	return c.Show(set, http.StatusOK, "job.html", view)
}

func jobOf(c *page.Context, v admin.Visit, j job.Job) (jobView, error) {
	kind := strings.TrimPrefix(j.Kind, "odoo.")
	now := j.Now(c.Now())
	view := jobView{
		Title: c.Words.T(fmt.Sprintf("admin.odoo.job.%s", kind)), Kind: kind, State: c.Words.T(fmt.Sprintf("admin.odoo.job_state.%s", now)), Running: now == job.Running,
		Began: when(c, v, j.Began), Self: addressJob + "/" + j.ID, Back: Home, ID: j.About, Percent: int(j.Part * 100),
	}
	if kind != "connect" {
		view.Back = address(j.About)
	} else {
		view.ID = ""
	}
	if j.Done > 0 {
		view.Done = c.Words.N("admin.odoo.people", j.Done)
	}
	switch now {
	case job.Lost:
		view.Problem.Title = c.Words.T("admin.odoo.problem.lost")
	case job.Failed:
		var err error
		if view.Problem, err = failed(c, j); err != nil {
			return view, err
		}
	}
	if draw := drawingOf(kind); draw != nil && len(j.Result) > 0 {
		if err := draw(c, v, j, &view); err != nil {
			return view, err
		}
	}
	view.Head = v.Head(c, crumbs(c, view.ID)...)
	return view, nil
}

// drawing draws what work of a kind returned.
type drawing func(c *page.Context, v admin.Visit, j job.Job, view *jobView) error

func drawingOf(kind string) drawing {
	return map[string]drawing{
		"connect": drawConnect, "doctor": drawDoctor, "import": drawImport, "link": drawLink, "lock": drawLock, "sync": drawSync,
	}[kind]
}

// recent lists the last pieces of work about a connection.
func (b bench) recent(c *page.Context, v admin.Visit, about string) ([]workRow, error) {
	all, err := b.jobs.About(c.Context(), about, 10)
	var out []workRow
	for _, j := range all {
		out = append(out, workRow{
			Title: c.Words.T(fmt.Sprintf("admin.odoo.job.%s", strings.TrimPrefix(j.Kind, "odoo."))), URL: addressJob + "/" + j.ID, Began: when(c, v, j.Began),
			State: c.Words.T(fmt.Sprintf("admin.odoo.job_state.%s", j.Now(c.Now()))),
		})
	}
	return out, err
}

// workRow is a piece of work in a list.
type workRow struct{ Title, URL, Began, State string }

// seconds is a duration for people.
func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
