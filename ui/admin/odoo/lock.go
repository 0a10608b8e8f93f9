package odoo

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// locking replaces people's own passwords in an Odoo, and gives them back.
type locking struct {
	connections getter
	locks       locks
	work        bench
}

// locks is what locks.
type locks interface {
	Lock(ctx context.Context, by idp.Actor, id string, o connector.LockOrder) (connector.Locked, error)
	Unlock(ctx context.Context, by idp.Actor, id string, dry bool) (did []string, people int, err error)
}

func (l locking) askLock(c *page.Context, v admin.Visit) error {
	one, err := l.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	except := label(c, admin.Field{Name: "except", Type: "textarea", Value: strings.Join(one.Lock.Except, "\n"), Mono: true, Rows: 3})
	return confirm(c, http.StatusOK, confirmView{Head: v.Head(c, crumbs(c, one.ID)...), Confirm: admin.Confirm{
		ID: "lock", Title: c.Words.T("admin.odoo.lock_title"), Text: []string{c.Words.T("admin.odoo.lock_text"), c.Words.T("admin.odoo.lock_way")}, Action: address(one.ID, "lock"),
		Hidden: []admin.Hidden{{Name: "act", Value: "dry"}}, Fields: admin.Fields{except, tick(c, "again", false), tick(c, "force", false)}, Button: c.Words.T("admin.odoo.look_first"), Cancel: address(one.ID),
	}})
}

// locked is what is shown of locking.
type locked struct {
	DryRun bool             `json:"dry_run"`
	Except []string         `json:"except"`
	Force  bool             `json:"force"`
	Again  bool             `json:"again,omitempty"`
	Users  int              `json:"users"`
	Left   int              `json:"left"` // keep a password because they are not linked
	Report connector.Locked `json:"report"`
}

func (l locking) lock(c *page.Context, v admin.Visit) error {
	one, by := id(c), v.By
	out := locked{DryRun: c.Form("act") != "run", Except: strings.Fields(c.Form("except")), Force: c.Form("force") != "", Again: c.Form("again") != ""}
	return l.work.start(c, v, "odoo.lock", one, func(ctx context.Context, r *job.Run) (any, error) {
		report, err := l.locks.Lock(ctx, by, one, connector.LockOrder{Except: out.Except, Dry: out.DryRun, Force: out.Force, Again: out.Again, Progress: func(done, all int) {
			r.Progress(done, float64(done)/float64(max(all, 1)))
		}})
		out.Users, out.Left = len(report.Users), len(report.Unlinked)
		shown := func(all []string) []string { return all[:min(len(all), mostShown)] }
		report.Users, report.Unlinked, report.Past = shown(report.Users), shown(report.Unlinked), shown(report.Past)
		out.Report = report
		return out, err
	})
}

func drawLock(c *page.Context, v admin.Visit, j job.Job, view *jobView) error {
	var r locked
	if err := j.Read(&r); err != nil {
		return err
	}
	add := func(name string, n int, items []odoowords.Line) {
		if n > 0 || len(items) > 0 {
			view.Lists = append(view.Lists, namedList{c.Words.T(fmt.Sprintf("admin.odoo.lock_list.%s", name)) + " (" + fmt.Sprint(n) + ")", items})
		}
	}
	add(map[bool]string{true: "would", false: "did"}[r.DryRun], r.Users, plainly(r.Report.Users))
	add("past", len(r.Report.Past), plainly(r.Report.Past))
	add("already", r.Report.Already, nil)
	add("exempt", len(r.Report.Exempt), plainly(r.Report.Exempt))
	add("unlinked", r.Left, plainly(r.Report.Unlinked))
	add("settings", len(r.Report.Settings), settings(c.Words, r.Report.Settings))
	var mind []odoowords.Line
	for _, n := range r.Report.Notes {
		mind = append(mind, odoowords.Note(c.Words, n))
	}
	add("notes", len(mind), mind)
	if !r.DryRun || !v.May(idp.EditOdoo) || j.Now(c.Now()) != job.Done {
		return nil
	}
	hidden := []admin.Hidden{{Name: "act", Value: "run"}, {Name: "except", Value: strings.Join(r.Except, "\n")}}
	for name, on := range map[string]bool{"force": r.Force, "again": r.Again} {
		if on {
			hidden = append(hidden, admin.Hidden{Name: name, Value: "yes"})
		}
	}
	view.Next = &admin.Confirm{
		ID: "lock-run", Text: []string{c.Words.N("admin.odoo.lock_sure", r.Users)}, Action: address(j.About, "lock"), Hidden: hidden, Button: c.Words.T("admin.odoo.lock"),
		Cancel: address(j.About), Danger: true,
	}
	return nil
}

func (l locking) askUnlock(c *page.Context, v admin.Visit) error {
	one, err := l.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), lookTime)
	defer cancel()
	head := v.Head(c, crumbs(c, one.ID)...)
	back, people, err := l.locks.Unlock(ctx, v.By, one.ID, true)
	if err != nil {
		return instead(c, head, one.ID, err)
	}
	return confirm(c, http.StatusOK, confirmView{Head: head, Lists: []namedList{{c.Words.T("admin.odoo.unlock_settings"), settings(c.Words, back)}}, Confirm: admin.Confirm{
		ID: "unlock", Title: c.Words.T("admin.odoo.unlock_title"), Text: []string{c.Words.T("admin.odoo.unlock_text"), c.Words.N("admin.odoo.unlock_people", people)},
		Action: address(one.ID, "unlock"), Button: c.Words.T("admin.odoo.unlock"), Cancel: address(one.ID),
	}})
}

func (l locking) unlock(c *page.Context, v admin.Visit) error {
	ctx, cancel := context.WithTimeout(c.Context(), lookTime)
	defer cancel()
	if _, _, err := l.locks.Unlock(ctx, v.By, id(c), false); err != nil {
		return instead(c, v.Head(c, crumbs(c, id(c))...), id(c), err)
	}
	return c.Redirect(address(id(c)) + "?done=unlocked")
}
