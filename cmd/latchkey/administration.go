package main

import (
	"context"
	"slices"

	"latchkey/idp"
	"latchkey/ui/admin"
)

// administration is the desk with all its parts.
func (h *house) administration() *admin.Desk {
	return &admin.Desk{Site: h.site, SignIn: h.signIn, Log: h.db.Log, Sections: h.sections(), Assurance: h.choices.assurance}
}

// sections are in the order of the navigation.
func (h *house) sections() []admin.Section {
	return slices.Concat(
		h.dashboard().sections(), h.people.sections(h.protectionPages()), h.people.companySections(), h.rules.sections(), h.protocol.sections(),
		h.odoo.sections(h.endSessions), h.records.sections(h.audit), h.messages.sections(h.choices),
	)
}

func (h *house) dashboard() *dashboard {
	return &dashboard{ground: h.ground, choices: h.choices, rules: h.rules, odoo: h.odoo, records: h.records}
}

// endSessions signs somebody out everywhere.
func (h *house) endSessions(ctx context.Context, by idp.Actor, who string) error {
	u, err := h.people.accounts.Find(ctx, who)
	if err != nil {
		return err
	}
	return h.security.EndOtherSessions(ctx, by, u.ID)
}
