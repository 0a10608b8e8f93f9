package odoo

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// syncing keeps an Odoo in step.
type syncing struct {
	people syncer
	work   bench
}

// syncer is the synchronisation at an administrator's word.
type syncer interface {
	SyncNow(ctx context.Context, by idp.Actor, id string, o connector.SyncOptions) (connector.SyncState, error)
}

// syncResult is what is shown of a run of the synchronisation.
type syncResult struct {
	DryRun  bool                   `json:"dry_run"`
	State   connector.SyncState    `json:"state"`
	Changes []connector.SyncChange `json:"changes"`
}

// sync runs the synchronisation now.
func (s syncing) sync(c *page.Context, v admin.Visit) error {
	one, by, out := id(c), v.By, syncResult{DryRun: c.Form("act") == "dry"}
	o := connector.SyncOptions{DryRun: out.DryRun, Full: true, Force: c.Form("force") != ""}
	return s.work.start(c, v, "odoo.sync", one, func(ctx context.Context, r *job.Run) (any, error) {
		n := 0
		o.Found = func(did connector.SyncChange) error {
			n++
			if len(out.Changes) < mostShown {
				out.Changes = append(out.Changes, did)
			}
			r.Progress(n, 0)
			return nil
		}
		var err error
		out.State, err = s.people.SyncNow(ctx, by, one, o)
		return out, err
	})
}

func drawSync(c *page.Context, v admin.Visit, j job.Job, view *jobView) error {
	var r syncResult
	if err := j.Read(&r); err != nil {
		return err
	}
	view.Sums = append(view.Sums, fact{c.Words.T("admin.odoo.sum.read"), fmt.Sprint(r.State.Last.Read)}, fact{c.Words.T("admin.odoo.sum.did"), counted(c, r.State.Last)})
	byWhat := map[string][]odoowords.Line{}
	for _, s := range r.Changes {
		byWhat[s.What] = append(byWhat[s.What], about(s.Login, odoowords.Say(c.Words, s.Said, s.Text)))
	}
	for _, what := range slices.Sorted(maps.Keys(byWhat)) {
		view.Lists = append(view.Lists, namedList{c.Words.T(fmt.Sprintf("admin.odoo.change.%s", what)), byWhat[what]})
	}
	if left := troubles(c.Words, r.State.Troubles); len(left) > 0 {
		view.Lists = append(view.Lists, namedList{c.Words.T("admin.odoo.not_in_step"), left})
	}
	if j.Key == "accident" && v.May(idp.EditOdoo) {
		view.Next = &admin.Confirm{
			ID: "sync-force", Action: address(j.About, "sync"), Hidden: []admin.Hidden{{Name: "force", Value: "yes"}}, Button: c.Words.T("admin.odoo.sync_force"), Cancel: address(j.About), Danger: true,
		}
	}
	return nil
}
