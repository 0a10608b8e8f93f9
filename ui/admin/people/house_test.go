package people

import (
	"context"
	"testing"

	"latchkey/idp/account"
	"latchkey/idp/job"
	"latchkey/idp/oidc"
	"latchkey/idp/people"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
	"latchkey/ui/security"
)

// house is the pages over the real services.
type house struct {
	*admintest.House
	pages  *Pages
	desk   *job.Desk
	second bool // a temporary code takes two
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{}
	h.House = admintest.Open(t, func(a *admintest.House) []admin.Section {
		db, now := a.DB, a.Clock.Now
		a.Help.Second = func(context.Context) (bool, error) { return h.second, nil }
		h.desk = &job.Desk{Store: db.Jobs, Now: now, Fault: func(j job.Job, err error) { t.Errorf("%s: %v", j.Kind, err) }}
		dir := &people.Directory{People: db.People, Log: db.Log, Now: now}
		approvals := &account.Approvals{Help: a.Help, Store: db.Approvals}
		bulk := &people.Bulk{Directory: dir, Users: db.Users, Batches: db.Batches, Do: people.Does{Help: a.Help}, Work: h.desk, Log: db.Log, Now: now}
		h.pages = &Pages{
			Accounts: a.Accounts, Help: a.Help, Approvals: approvals, Directory: dir, Bulk: bulk, Groups: db.Groups, Kinds: a.Factors.Kinds, Issuer: a.URL,
			Cards: &people.Cards{
				People: db.People, Users: db.Users, Sessions: db.Sessions, Factors: a.Factors, Devices: db.Devices, Policies: db.Policies, Ties: db.Ties,
				Apps: &oidc.Apps{Clients: db.Clients, Consents: db.Consents, Uses: db.Uses, Log: db.Log, Now: now}, Log: db.Log, Approvals: approvals, Now: now,
			},
			Imports: &people.Imports{Accounts: a.Accounts, Lookup: db.Directory, Batches: db.Batches, Bulk: bulk, Work: h.desk, Now: now},
			Merging: &people.Merging{
				Users: db.Users, Ties: db.Ties, Consents: db.Consents, Moves: db.Moves, Accounts: a.Accounts, Log: db.Log, Atomic: db.Atomic, Now: now,
			},
			Security: &security.Pages{Site: a.Site, SignIn: a.SignIn, Security: a.Security},
		}
		return h.pages.Sections()
	})
	h.pages.Issuer = h.URL
	t.Cleanup(h.desk.Close)
	return h
}
