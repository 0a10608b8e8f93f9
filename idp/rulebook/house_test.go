package rulebook_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/job"
	"latchkey/idp/oidc"
	"latchkey/idp/password"
	"latchkey/idp/rulebook"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// offers are the kinds of factor that a house has.
type offers []mfa.Kind

func (o offers) Kinds() []mfa.Kind           { return o }
func (o offers) Lent(mfa.Subject) []mfa.Kind { return nil }

type house struct {
	*rulebook.Service
	t        *testing.T
	db       *store.DB
	clock    *storetest.Clock
	accounts *account.Service
	groups   *rulebook.Groups
	jobs     *job.Desk
	owner    idp.Actor
	stand    map[idp.UserID]rulebook.Standing
}

var host = idp.Actor{Host: true, Origin: idp.Origin{Agent: "command line, root"}}

// open is a house with an owner who holds an app, where apps, passkeys and
// backup codes are offered.
func open(t *testing.T, db *store.DB, clock *storetest.Clock) *house {
	t.Helper()
	h := &house{t: t, db: db, clock: clock}
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	engine := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now}
	h.accounts = &account.Service{
		Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Factors: engine, Passwords: hasher, Log: db.Log,
		Policies: db.Policies, Atomic: db.Atomic, Now: clock.Now, MinPassword: 15, Locks: db.Locks, Links: db.Links, Owners: db.Owners,
	}
	h.jobs = &job.Desk{Store: db.Jobs, Now: clock.Now}
	t.Cleanup(h.jobs.Close)
	h.stand = map[idp.UserID]rulebook.Standing{}
	h.Service = rulebook.New(rulebook.Config{
		Standing: func(_ context.Context, u idp.User) (rulebook.Standing, error) { return h.stand[u.ID], nil },
		Store:    db.Rulebook, People: db.Users, Finder: h.accounts, Groups: db.GroupBook, Clients: db.Clients,
		Factors: offers{"totp", "passkey", "backup"}, Jobs: h.jobs, Log: db.Log, Atomic: db.Atomic, Now: clock.Now, Patience: time.Minute,
	})
	h.groups = &rulebook.Groups{Service: h.Service}
	h.owner = h.actor(h.add("olga", idp.Owner, "totp"))
	return h
}

func at(t *testing.T) *house {
	clock := storetest.NewClock()
	return open(t, storetest.OpenAt(t, clock.Now), clock)
}

func each(t *testing.T, f func(h *house)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(open(t, db, clock)) })
}

// add makes somebody who holds factors.
func (h *house) add(login string, role idp.Role, held ...mfa.Kind) idp.User {
	h.t.Helper()
	u, err := h.accounts.Add(h.t.Context(), host, account.New{Login: login, Email: login + "@example.org", Verified: true, Name: "Person " + login, Role: role, Password: "a lantern in the harbour"})
	h.must(err)
	for _, k := range held {
		h.must(h.db.Credentials.Save(h.t.Context(), mfa.Credential{ID: mfa.CredentialID(login + string(k)), Subject: mfa.SubjectID(u.ID), Kind: k}))
	}
	u, err = h.db.Users.ByID(h.t.Context(), u.ID)
	h.must(err)
	return u
}

func (h *house) actor(u idp.User) idp.Actor { return idp.Actor{User: u.ID, Role: u.Role} }

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) want(err, want error) {
	h.t.Helper()
	if !errors.Is(err, want) {
		h.t.Fatalf("%v, want %v", err, want)
	}
}

// events are what the log has of a kind.
func (h *house) events(what string) (out []idp.Event) {
	h.t.Helper()
	h.must(h.db.Log.Events(h.t.Context(), idp.EventQuery{What: []string{what}}, func(e idp.Event) error {
		out = append(out, e)
		return nil
	}))
	return out
}

// published writes a policy and puts it in force.
func (h *house) published(p policy.Policy) policy.Policy {
	h.t.Helper()
	d, err := h.SaveDraft(h.t.Context(), h.owner, p, 0)
	h.must(err)
	_, err = h.Publish(h.t.Context(), h.owner, d.Policy.ID, rulebook.Means{Seen: d.Version, Reason: "first"})
	h.must(err)
	return d.Policy
}

func (h *house) client(id string, groups ...string) {
	h.t.Helper()
	h.must(h.db.Clients.Add(h.t.Context(), oidc.Client{ID: idp.ClientID(id), Name: id, Groups: groups}))
}

func second(name string, whom policy.Whom) policy.Policy {
	return policy.Policy{Name: name, Enabled: true, Whom: whom, What: policy.What{Assurance: policy.MFA}}
}

var everyone = policy.Whom{Everyone: true}
