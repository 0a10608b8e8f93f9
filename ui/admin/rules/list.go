package rules

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

type lists struct{ *Pages }

type policyRow struct {
	URL, Name, Sentence string
	On, Draft, Counted  bool
	People, Ready       int
	NotReady, Exempt    int
}

type draftRow struct{ URL, Name, Sentence, Who string }

type goneRow struct{ URL, Name, When, Who string }

type templateCard struct{ URL, Name, Title, Text string }

type policiesView struct {
	admin.Head
	Rows      []policyRow
	Drafts    []draftRow
	Gone      []goneRow
	Templates []templateCard // where there is no policy yet
	Counting  string         // in words: how far, or of when
	Running   bool
	May       bool
}

func (l lists) show(c *page.Context, v admin.Visit) error { return l.draw(c, v, false) }

// count looks at everybody anew.
func (l lists) count(c *page.Context, v admin.Visit) error {
	if _, err := l.Rules.Coverage(c.Context(), v.By, true); err != nil {
		return err
	}
	return c.Redirect(policiesPath)
}

func (l lists) draw(c *page.Context, v admin.Visit, again bool) error {
	there, fresh, err := l.Rules.List(c.Context(), v.By)
	if err != nil {
		return err
	}
	covered, err := l.Rules.Coverage(c.Context(), v.By, again)
	if err != nil {
		return err
	}
	gone, err := l.Rules.Gone(c.Context(), v.By)
	if err != nil {
		return err
	}
	s, err := l.speaker(c.Context(), c)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "policies.html", policiesOf(c, v, s, there, fresh, gone, covered))
}

func policiesOf(c *page.Context, v admin.Visit, s speaker, there []rulebook.Entry, fresh []rulebook.Draft, gone []rulebook.Version, covered rulebook.Covered) policiesView {
	view := policiesView{Head: v.Head(c), May: v.May(idp.EditRules), Running: covered.Running, Counting: progress(c, covered.Progress)}
	for _, e := range there {
		n, counted := covered.By[e.Policy.ID]
		view.Rows = append(view.Rows, policyRow{
			URL: pathOf(e.Policy.ID), Name: e.Policy.Name, Sentence: s.sentence(e.Policy), On: e.Policy.Enabled, Draft: e.Draft != nil,
			Counted: counted, People: n.People, Ready: n.Ready, NotReady: n.People - n.Ready, Exempt: n.Exempt,
		})
	}
	for _, d := range fresh {
		view.Drafts = append(view.Drafts, draftRow{pathOf(d.Policy.ID), d.Policy.Name, s.sentence(d.Policy), d.Who})
	}
	for _, g := range gone {
		view.Gone = append(view.Gone, goneRow{pathOf(g.Policy) + "/history", g.Name, c.Words.DateTime(g.At), g.Who})
	}
	if len(there)+len(fresh) == 0 {
		view.Templates = templates(c)
	}
	return view
}

// progress says how far a look at everybody is, or of when the answer is.
func progress(c *page.Context, p rulebook.Progress) string {
	switch {
	case p.Running:
		return c.Words.N("admin.policies.counting", p.Looked)
	case p.Failed && p.At.IsZero():
		return c.Words.T("admin.policies.counting_failed")
	case p.At.IsZero():
		return ""
	}
	return c.Words.T("admin.policies.counted", c.Words.DateTime(p.At))
}

func templates(c *page.Context) (out []templateCard) {
	for _, t := range rulebook.Templates(c.Now()) {
		out = append(out, templateCard{
			newPath + "?template=" + t.Name, t.Name, c.Words.T(fmt.Sprintf("admin.policies.template.%s", t.Name)), c.Words.T(fmt.Sprintf("admin.policies.template_text.%s", t.Name)),
		})
	}
	return out
}

// speaker knows what applications are called.
func (p *Pages) speaker(ctx context.Context, c *page.Context) (speaker, error) {
	all, err := p.Rules.Clients.All(ctx)
	if err != nil {
		return speaker{}, err
	}
	names := map[string]string{}
	for _, a := range all {
		names[string(a.ID)] = a.Title()
	}
	return speakerOf(c, names), nil
}

func speakerOf(c *page.Context, clients map[string]string) speaker {
	return speaker{c.Words, func(id string) string {
		if name := clients[id]; name != "" {
			return name
		}
		return id
	}}
}

// known is what a form offers to tick.
func (p *Pages) known(ctx context.Context, by idp.Actor) (known, error) {
	gs, err := p.Groups.List(ctx, by, rulebook.GroupQuery{Limit: offered + 1})
	if err != nil {
		return known{}, err
	}
	cs, err := p.Rules.Clients.All(ctx)
	if err != nil {
		return known{}, err
	}
	var k known
	for _, g := range gs {
		k.Groups = append(k.Groups, g.Name)
	}
	for _, a := range cs {
		k.Clients = append(k.Clients, string(a.ID))
	}
	slices.Sort(k.Clients)
	return k, nil
}
