package main

import (
	"latchkey/idp/account"
	"latchkey/idp/posture"
	"latchkey/idp/rulebook"
	"latchkey/ui/admin"
	policies "latchkey/ui/admin/rules"
)

// ruleSide is policies, the groups that they are about, and how people stand.
type ruleSide struct {
	*ground
	*proofs
	accounts *account.Service
	odoo     *odooSide // fills groups, and knows who comes from there
}

func newRules(s *peopleSide, o *odooSide) *ruleSide {
	return &ruleSide{ground: s.ground, proofs: s.proofs, accounts: s.accounts, odoo: o}
}

// book looks after policies.
func (r *ruleSide) book() *rulebook.Service {
	return rulebook.New(rulebook.Config{
		Store: r.db.Rulebook, People: r.db.Users, Finder: r.accounts, Groups: r.db.GroupBook, Clients: r.db.Clients,
		Factors: r.engine, Jobs: r.jobs, Log: r.db.Log, Atomic: r.db.Atomic, Now: r.now,
		Standing: r.standing,
	})
}

// groups looks after groups, but for those that a connected Odoo fills.
func (r *ruleSide) groups() *rulebook.Groups {
	return &rulebook.Groups{Service: r.book(), Feeds: r.odoo.feeds}
}

// posture says how people stand towards policies.
func (r *ruleSide) posture() *posture.Service {
	return &posture.Service{Users: r.db.Users, Factors: r.engine, Now: r.now}
}

// reminders write to people before a policy begins to demand what they have not
// got.
func (r *ruleSide) reminders(m *messageSide) *posture.Reminders {
	return &posture.Reminders{Users: r.db.Users, Policies: r.db.Policies, Factors: r.engine, Tell: m.notices, Now: r.now}
}

// sections are the pages of policies and groups.
func (r *ruleSide) sections() []admin.Section {
	return (&policies.Pages{Rules: r.book(), Groups: r.groups()}).Sections()
}
