package rules

import (
	"context"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/oidc"
	"latchkey/idp/rulebook"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/policy"
	"latchkey/ui/admin"
	"latchkey/ui/admin/admintest"
	"latchkey/ui/locale"
)

type house struct {
	*admintest.House
	rules  *rulebook.Service
	groups *rulebook.Groups
}

func open(t *testing.T) *house {
	t.Helper()
	h := &house{}
	h.House = admintest.Open(t, func(in *admintest.House) []admin.Section {
		jobs := &job.Desk{Store: in.DB.Jobs, Now: in.Clock.Now}
		t.Cleanup(jobs.Close)
		h.rules = rulebook.New(rulebook.Config{
			Store: in.DB.Rulebook, People: in.DB.Users, Finder: in.Accounts, Groups: in.DB.GroupBook, Clients: in.DB.Clients,
			Factors: in.Factors, Jobs: jobs, Log: in.DB.Log, Atomic: in.DB.Atomic, Now: in.Clock.Now, Patience: time.Minute,
		})
		h.groups = &rulebook.Groups{Service: h.rules, Feeds: func(context.Context) ([]rulebook.Feed, error) {
			return []rulebook.Feed{{Name: "shop", Feeds: func(g string) bool { return strings.HasPrefix(g, "odoo:") }}}, nil
		}}
		return (&Pages{Rules: h.rules, Groups: h.groups}).Sections()
	})
	h.Must(h.DB.Clients.Add(t.Context(), oidc.Client{ID: "shop", Name: "Shop"}))
	h.Person(idp.Owner)
	return h
}

// published is a policy in force.
func (h *house) published(p policy.Policy) policy.Policy {
	h.T.Helper()
	vs, err := h.rules.Apply(h.T.Context(), admintest.Host, []policy.Policy{p}, rulebook.Means{})
	h.Must(err)
	p.ID = vs[0].Policy
	return p
}

func (h *house) inForce(id string) policy.Policy {
	h.T.Helper()
	all, err := h.DB.Policies.All(h.T.Context())
	h.Must(err)
	for _, p := range all {
		if p.ID == id {
			return p
		}
	}
	return policy.Policy{}
}

func portal() policy.Policy {
	return policy.Policy{Name: "portal", Enabled: true, Whom: policy.Whom{Kind: "portal"}, What: policy.What{Assurance: policy.MFA}}
}

// admintestNow is when the clock of a house starts.
var admintestNow = storetest.NewClock().Now()

func speakerIn(t *testing.T, lang string) speaker {
	t.Helper()
	words, ok := locale.Find(lang)
	if !ok {
		t.Fatal(lang)
	}
	return speaker{words, func(id string) string { return id }}
}
