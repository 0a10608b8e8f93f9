package main

import (
	"context"

	"latchkey/idp/odoo/connector"
	"latchkey/idp/rulebook"
	"latchkey/ui/admin"
	policies "latchkey/ui/admin/rules"
)

// adminRules are the pages of policies and groups.
func (h *house) adminRules() []admin.Section {
	return (&policies.Pages{Rules: h.rulebook(), Groups: h.groupbook()}).Sections()
}

// rulebook looks after policies.
func (b *base) rulebook() *rulebook.Service {
	return rulebook.New(rulebook.Config{
		Store: b.db.Rulebook(), People: b.db.Users(), Finder: b.accounts, Groups: b.db.GroupBook(), Clients: b.db.Clients(),
		Factors: b.engine, Jobs: b.jobs, Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now,
	})
}

// groupbook looks after groups, but for those that a connected Odoo fills.
func (b *base) groupbook() *rulebook.Groups {
	return &rulebook.Groups{Service: b.rulebook(), Feeds: b.feeds}
}

// fed names the connected Odoo that fills a group.
func (b *base) fed(ctx context.Context, group string) (string, bool, error) {
	all, err := b.feeds(ctx)
	if err != nil {
		return "", false, err
	}
	for _, f := range all {
		if f.Feeds(group) {
			return f.Name, true, nil
		}
	}
	return "", false, nil
}

func (b *base) feeds(ctx context.Context) ([]rulebook.Feed, error) {
	all, err := b.db.Connections().All(ctx)
	if err != nil {
		return nil, err
	}
	var out []rulebook.Feed
	for _, c := range all {
		out = append(out, rulebook.Feed{Name: c.ID, Feeds: func(group string) bool { return connector.Feeds(c, group) }})
	}
	return out, nil
}
