package power_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/mail"
	"latchkey/idp/password"
	"latchkey/idp/power"
	"latchkey/idp/rulebook"
	"latchkey/idp/settings"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/ui/message"
)

// house is use cases that write their events through the log that tells owners.
type house struct {
	*testing.T
	db       *store.DB
	clock    *storetest.Clock
	accounts *account.Service
	tokens   *apitoken.Service
	settings *settings.Service
	rules    *rulebook.Service
}

var shell = idp.Actor{Host: true, Origin: idp.Origin{Agent: "command line, root"}}

func each(t *testing.T, f func(h *house)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		notices := &message.Notices{Outbox: db.Outbox(), Issuer: "https://id.example.org", Brand: "House", Now: clock.Now}
		log := &power.Log{Log: db.Log, Who: db.Administrators, Users: db.Users, Atomic: db.Atomic, Tell: message.Owners{Notices: notices}}
		engine := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now}
		h := &house{T: t, db: db, clock: clock, accounts: &account.Service{
			Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Factors: engine, Log: log, Policies: db.Policies, Atomic: db.Atomic, Now: clock.Now, Doors: db.Doors,
			Passwords: password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0), MinPassword: 15, Locks: db.Locks, Links: db.Links, Owners: db.Owners, Notify: notices,
		}}
		h.tokens = &apitoken.Service{Tokens: db.APITokens, Users: db.Users, Log: log, Atomic: db.Atomic, Now: clock.Now}
		h.settings = &settings.Service{Store: db.Settings, Log: log, Atomic: db.Atomic, Now: clock.Now}
		h.rules = rulebook.New(rulebook.Config{
			Store: db.Rulebook, People: db.Users, Finder: h.accounts, Groups: db.GroupBook, Clients: db.Clients, Factors: engine, Log: log, Atomic: db.Atomic, Now: clock.Now,
		})
		f(h)
	})
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// person adds somebody without an event.
func (h *house) person(id string, role idp.Role) idp.Actor {
	h.Helper()
	u := idp.User{ID: idp.UserID(id), Login: id, Name: id, Email: id + "@example.org", EmailVerified: true, Kind: idp.Internal, Role: role, Locale: "en"}
	h.must(h.db.Users.Add(h.Context(), u, []idp.Identifier{{Canonical: id, Skeleton: id}}))
	return idp.Actor{User: u.ID, Role: role, Origin: idp.Origin{Address: "192.0.2.7", Agent: "Mozilla/5.0 Firefox/140.0"}}
}

// mailed is what the outbox has; each is then gone.
func (h *house) mailed() (out []mail.Message) {
	h.Helper()
	for {
		all, err := h.db.Outbox().Claim(h.Context(), 10, time.Minute)
		h.must(err)
		if len(all) == 0 {
			slices.SortFunc(out, func(a, b mail.Message) int { return strings.Compare(a.To, b.To) })
			return out
		}
		for _, m := range all {
			h.must(h.db.Outbox().Done(h.Context(), m))
		}
		out = append(out, all...)
	}
}

// told wants a mail to each of some people, with some words.
func (h *house) told(to string, words ...string) {
	h.Helper()
	all := h.mailed()
	var who []string
	for _, m := range all {
		who = append(who, strings.TrimSuffix(m.To, "@example.org"))
		for _, w := range words {
			if !strings.Contains(m.Subject+"\n"+m.Text, w) {
				h.Errorf("does not say %q: %s\n%s", w, m.Subject, m.Text)
			}
		}
	}
	if got := strings.Join(who, " "); got != to {
		h.Fatalf("told %q, not %q", got, to)
	}
}

func (h *house) give(by idp.Actor, id string, role idp.Role) {
	h.Helper()
	_, err := h.accounts.Update(h.Context(), by, idp.UserID(id), account.Change{Role: &role})
	h.must(err)
}

// D-07: owners are told who got a role, but the one who gave it; a lower one and
// what failed are nobody's news.
func TestRoles(t *testing.T) {
	each(t, func(h *house) {
		olga := h.person("olga", idp.Owner)
		h.give(shell, "olga", idp.Owner) // is it already
		h.told("")
		h.person("ann", "")
		h.give(olga, "ann", idp.HelpDesk)
		h.told("olga", "Role: Help desk", "Who did it: olga") // there is nobody else, and it may have been somebody in her name
		h.person("oscar", idp.Owner)
		adam := h.person("adam", idp.Admin)
		h.give(olga, "ann", idp.Admin)
		h.told("oscar", "House: somebody got a role", "Account: ann", "Role: Administrator", "Before: Help desk", "Who did it: olga", "192.0.2.7", "https://id.example.org/admin/audit?what=user.update")
		h.give(adam, "ann", idp.Auditor)
		h.told("")
		role := idp.Owner
		if _, err := h.accounts.Update(h.Context(), adam, "ann", account.Change{Role: &role}); !errors.Is(err, idp.ErrDenied) {
			h.Fatal(err)
		}
		h.told("")
		h.give(shell, "ann", idp.Owner)
		h.told("olga oscar", "Role: Owner", "Who did it: Command line of the server (root)")
	})
}

// Many at once are one mail to each owner, and what another does or is more than
// before is not hidden behind them.
func TestManyAtOnce(t *testing.T) {
	each(t, func(h *house) {
		olga := h.person("olga", idp.Owner)
		h.person("oscar", idp.Owner)
		for i := range 5 {
			h.person(fmt.Sprint("p", i), "")
			h.give(olga, fmt.Sprint("p", i), idp.HelpDesk)
		}
		h.told("oscar", "Account: p0")
		h.give(olga, "p0", idp.Owner)
		h.told("oscar", "Role: Owner")
		h.give(shell, "p1", idp.Auditor)
		h.told("olga oscar p0", "Role: Auditor")
		h.clock.Pass(time.Minute)
		h.give(olga, "p2", idp.Admin)
		h.give(olga, "p3", idp.Admin)
		h.told("oscar p0", "Account: p2")
	})
}

// D-07: a harmless change hides no harmful one of the same event by the same one.
func TestHarmlessHidesNothing(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		olga := h.person("olga", idp.Owner)
		h.person("oscar", idp.Owner)
		h.person("eva", idp.HelpDesk)
		token := func(name string, may ...idp.Right) {
			_, _, err := h.tokens.Make(ctx, olga, apitoken.New{Name: name, Scopes: may})
			h.must(err)
		}
		token("Reports", idp.EditPeople)
		h.told("oscar", "Name: Reports")
		token("Sync", idp.EditPeople)
		h.told("oscar", "Name: Sync")
		publish := func(name, weaker string) {
			h.must(h.tokens.Log.Append(ctx, idp.Event{
				ID: rand.Text(), At: h.clock.Now(), What: "policy.publish", Actor: olga.User, Origin: olga.Origin, Result: "ok", Detail: map[string]string{"policy": name, "weaker": weaker},
			}))
		}
		publish("guests", "whom")
		h.told("oscar", "Name: guests")
		publish("administrators", "whom")
		h.told("oscar", "Name: administrators")
		publish("administrators", "whom what.assurance")
		h.told("oscar", "Loosened: Fewer people are meant · Second factor")
		publish("administrators", "whom what.assurance") // the very same
		h.told("")
		for _, who := range []string{"eva", "olga"} { // each her own mail, too
			h.must(h.accounts.SetPassword(ctx, shell, idp.UserID(who), "correct horse battery staple"))
			if all := h.mailed(); !slices.ContainsFunc(all, func(m mail.Message) bool {
				return m.To == "oscar@example.org" && strings.Contains(m.Text, "Account: "+who)
			}) {
				h.Errorf("of %s: %+v", who, all)
			}
		}
	})
}

// D-07: who has a role and is let in again has it again.
func TestEnabledAgain(t *testing.T) {
	each(t, func(h *house) {
		olga := h.person("olga", idp.Owner)
		h.person("oscar", idp.Owner)
		h.person("adam", idp.Admin)
		h.person("ann", "")
		for _, id := range []idp.UserID{"adam", "ann"} {
			h.must(h.accounts.Disable(h.Context(), olga, id))
		}
		h.told("")
		h.must(h.accounts.Enable(h.Context(), olga, "ann"))
		h.told("")
		h.must(h.accounts.Enable(h.Context(), olga, "adam"))
		h.told("oscar", "Account: adam", "Event: Account enabled", "Role: Administrator", "Who did it: olga")
	})
}

// M-10: what programs get, what policies and settings lose, and what the host does.
func TestRest(t *testing.T) {
	each(t, func(h *house) {
		ctx := h.Context()
		olga := h.person("olga", idp.Owner)
		h.person("oscar", idp.Owner)
		h.person("ann", "")
		_, _, err := h.tokens.Make(ctx, olga, apitoken.New{Name: "Look", Scopes: []idp.Right{idp.SeePeople}})
		h.must(err)
		h.told("")
		_, _, err = h.tokens.Make(ctx, olga, apitoken.New{Name: "ERP", Scopes: []idp.Right{idp.EditPeople}})
		h.must(err)
		h.told("oscar", "Name: ERP", "What it may do: Add and change people and groups")

		staff := policy.Policy{Name: "staff", Enabled: true, Whom: policy.Whom{Users: []string{"ann"}}, What: policy.What{Assurance: policy.PhishingResistant}}
		_, err = h.rules.Apply(ctx, shell, []policy.Policy{staff}, rulebook.Means{})
		h.must(err)
		h.told("") // it only adds
		staff.What.Assurance = policy.MFA
		vs, err := h.rules.Apply(ctx, shell, []policy.Policy{staff}, rulebook.Means{})
		h.must(err)
		h.told("olga oscar", "Name: staff", "Loosened: Second factor")
		_, err = h.rules.Switch(ctx, shell, vs[0].Policy, false, rulebook.Means{})
		h.must(err)
		h.told("olga oscar", "The policy is switched off")

		h.must(h.settings.Change(ctx, olga, 0, settings.House{SecondApprover: true}))
		h.told("")
		h.must(h.settings.Change(ctx, olga, 1, settings.House{}))
		h.told("oscar", "A second administrator approves temporary codes")

		h.must(h.accounts.SetPassword(ctx, shell, "ann", "correct horse battery staple"))
		h.told("ann") // hers alone
		h.must(h.accounts.SetPassword(ctx, shell, "olga", "correct horse battery staple"))
		all := h.mailed()
		if len(all) != 3 || !slices.ContainsFunc(all, func(m mail.Message) bool {
			return m.To == "oscar@example.org" && strings.Contains(m.Text, "Account: olga") && strings.Contains(m.Text, "Event: New password set")
		}) {
			h.Errorf("%+v", all)
		}
	})
}

// What does not happen is told to nobody; a house without an owner tells its
// administrators.
func TestNothingHappened(t *testing.T) {
	each(t, func(h *house) {
		adam := h.person("adam", idp.Admin)
		h.person("eva", idp.Admin)
		h.person("ann", "")
		log := h.tokens.Log
		event := idp.Event{ID: "1", At: h.clock.Now(), What: "key.revoke", Actor: adam.User, Result: "ok", Detail: map[string]string{"kid": "k1"}}
		no := errors.New("no")
		err := h.db.Atomic(h.Context(), func(ctx context.Context) error { return errors.Join(log.Append(ctx, event), no) })
		if !errors.Is(err, no) {
			h.Fatal(err)
		}
		h.told("")
		h.must(log.Append(h.Context(), event))
		h.told("eva", "Name: k1", "Who did it: adam")
		if err := log.Append(h.Context(), event); err == nil {
			h.Error("the same event twice")
		}
		h.told("")
		n := 0
		h.must(log.Events(h.Context(), idp.EventQuery{What: []string{"key.revoke"}}, func(idp.Event) error { n++; return nil }))
		if n != 1 {
			h.Errorf("%d events", n)
		}
	})
}
