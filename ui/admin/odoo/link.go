package odoo

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/ui/admin"
	"latchkey/ui/odoowords"
	"latchkey/ui/page"
)

// linking tells an Odoo who of its users is who here.
type linking struct {
	connections getter
	people      linker
	work        bench
}

// linker is the bulk link.
type linker interface {
	LinkAll(ctx context.Context, by idp.Actor, id string, run connector.Linking) (connector.LinkReport, error)
}

func (l linking) ask(c *page.Context, v admin.Visit) error {
	one, err := l.connections.Get(c.Context(), v.By, id(c))
	if err != nil {
		return err
	}
	return confirm(c, http.StatusOK, confirmView{Head: v.Head(c, crumbs(c, one.ID)...), Confirm: admin.Confirm{
		ID: "link", Title: c.Words.T("admin.odoo.link_title"), Text: []string{c.Words.T("admin.odoo.link_text")}, Action: address(one.ID, "link"),
		Hidden: []admin.Hidden{{Name: "act", Value: "dry"}}, Button: c.Words.T("admin.odoo.look_first"), Cancel: address(one.ID),
	}})
}

// linkResult is what is shown of linking.
type linkResult struct {
	DryRun   bool                    `json:"dry_run"`
	Report   connector.LinkReport    `json:"report"`
	Findings []connector.LinkFinding `json:"findings"`
}

func (l linking) link(c *page.Context, v admin.Visit) error {
	one, by, out := id(c), v.By, linkResult{DryRun: c.Form("act") != "run"}
	return l.work.start(c, v, "odoo.link", one, func(ctx context.Context, r *job.Run) (any, error) {
		var err error
		out.Report, err = l.people.LinkAll(ctx, by, one, connector.Linking{DryRun: out.DryRun, Progress: r.Progress, Found: func(f connector.LinkFinding) error {
			if len(out.Findings) < mostShown {
				out.Findings = append(out.Findings, f)
			}
			return nil
		}})
		return out, err
	})
}

func drawLink(c *page.Context, v admin.Visit, j job.Job, view *jobView) error {
	var r linkResult
	if err := j.Read(&r); err != nil {
		return err
	}
	add := func(name string, value int) {
		view.Sums = append(view.Sums, fact{c.Words.T(fmt.Sprintf("admin.odoo.sum.%s", name)), fmt.Sprint(value)})
	}
	add("users", r.Report.Users)
	add(map[bool]string{true: "would_link", false: "linked"}[r.DryRun], r.Report.Linked)
	add("already", r.Report.Already)
	for _, t := range slices.Sorted(maps.Keys(r.Report.Missed)) {
		list := namedList{Title: c.Words.T(fmt.Sprintf("admin.odoo.trouble.%s", word(string(t)))) + " (" + fmt.Sprint(r.Report.Missed[t]) + ")"}
		for _, f := range r.Findings {
			if f.Trouble == t {
				list.Items = append(list.Items, about(f.Login, odoowords.Say(c.Words, f.Said, f.Text)))
			}
		}
		view.Lists = append(view.Lists, list)
	}
	if r.DryRun && r.Report.Linked > 0 && v.May(idp.EditOdoo) && j.Now(c.Now()) == job.Done {
		view.Next = &admin.Confirm{
			ID: "link-run", Action: address(j.About, "link"), Hidden: []admin.Hidden{{Name: "act", Value: "run"}}, Button: c.Words.T("admin.odoo.link_run"), Cancel: address(j.About),
		}
	}
	return nil
}
