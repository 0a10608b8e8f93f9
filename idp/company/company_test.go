package company_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/company"
	"latchkey/idp/password"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/totp"
	"latchkey/ui/message"
)

const secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

var host = idp.Actor{Host: true}

// house has two companies, each with a main contact and a member, and people who
// belong to none.
type house struct {
	*testing.T
	*company.Contacts
	db     *store.DB
	clock  *storetest.Clock
	people map[string]idp.User
	ours   company.Company
	theirs company.Company
}

func eachHouse(t *testing.T, f func(h *house)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		h := &house{T: t, db: db, clock: clock, people: map[string]idp.User{}}
		hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
		factors := &mfa.Engine{Credentials: db.Credentials, Challenges: db.Challenges, Limiter: db.Limiter, Atomic: db.Atomic, Now: clock.Now}
		factors.Register(totp.Factor{Issuer: "Latchkey", Now: clock.Now})
		notices := &message.Notices{Outbox: db.Outbox(), Links: db.Links, Issuer: "https://id.example.org", Brand: "Latchkey", Now: clock.Now}
		accounts := &account.Service{
			Users: db.Users, Groups: db.Groups, Sessions: db.Sessions, Factors: factors, Passwords: hasher, Log: db.Log, Policies: db.Policies,
			Atomic: db.Atomic, Now: clock.Now, MinPassword: 15, Locks: db.Locks, Links: db.Links, Owners: db.Owners, Doors: db.Doors, Notify: notices,
		}
		h.Contacts = &company.Contacts{Service: &company.Service{
			Store: db.Companies, Help: &account.Help{Service: accounts, Letters: notices, Limiter: db.Limiter}, Users: db.Users, Limiter: db.Limiter,
			Log: db.Log, Atomic: db.Atomic, Now: clock.Now,
		}}
		h.fill()
		f(h)
	})
}

func (h *house) fill() {
	h.Helper()
	var err error
	h.ours, err = h.Add(h.Context(), host, "Ours")
	h.must(err)
	h.theirs, err = h.Add(h.Context(), host, " Theirs ")
	h.must(err)
	portal := func(in *account.New) { in.Kind = idp.Portal }
	for _, who := range []string{"lead", "peer", "member", "second", "rival", "stranger", "free", "both"} {
		h.add(who, portal)
	}
	h.add("employee", nil)
	h.add("admin", func(in *account.New) { in.Role = idp.Admin })
	h.add("helper", func(in *account.New) { in.Kind, in.Role = idp.Portal, idp.HelpDesk })
	for who, lead := range map[string]bool{"lead": true, "peer": true, "member": false, "second": false, "both": false} {
		h.must(h.Put(h.Context(), host, h.ours.ID, h.people[who].ID, lead))
	}
	for who, lead := range map[string]bool{"rival": true, "stranger": false, "both": false} {
		h.must(h.Put(h.Context(), host, h.theirs.ID, h.people[who].ID, lead))
	}
}

func (h *house) add(who string, change func(*account.New)) idp.User {
	h.Helper()
	in := account.New{Login: who, Email: who + "@example.org", Name: strings.ToUpper(who), Verified: true, Password: "a lantern in the harbour", TOTPSecret: secret}
	if change != nil {
		change(&in)
	}
	u, err := h.Help.Service.Add(h.Context(), host, in)
	h.must(err)
	h.people[who] = h.user(u.ID)
	return h.people[who]
}

func (h *house) user(id idp.UserID) idp.User {
	h.Helper()
	u, err := h.db.Users.ByID(h.Context(), id)
	h.must(err)
	return u
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) want(what string, err, want error) {
	h.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		h.Errorf("%s: %v, want %v", what, err, want)
	}
}

// by is somebody in a session with fresh proofs.
func (h *house) by(who string) idp.Actor {
	u, now := h.people[who], h.clock.Now()
	return idp.Actor{User: u.ID, Role: u.Role, Session: "s", Proofs: []idp.Proof{{Kind: idp.Password, At: now}, {Kind: totp.Kind, At: now}}}
}

// id is somebody's membership; of who has none, their id, as somebody would try.
func (h *house) id(in company.Company, who string) string {
	h.Helper()
	m, err := h.db.Companies.MemberOf(h.Context(), in.ID, h.people[who].ID)
	if errors.Is(err, idp.ErrNotFound) {
		return string(h.people[who].ID)
	}
	h.must(err)
	return m.ID
}

// sees is how somebody stands to whoever leads our company.
func (h *house) sees(who, email string) company.Person {
	h.Helper()
	p, err := h.People(h.Context(), h.by(who), h.ours.ID, "")
	h.must(err)
	i := slices.IndexFunc(p.People, func(p company.Person) bool { return p.Email == email })
	if i < 0 {
		return company.Person{}
	}
	return p.People[i]
}

func (h *house) mails(to string) (n int) {
	h.Helper()
	all, err := h.db.Outbox().Newest(h.Context(), 1000)
	h.must(err)
	for _, m := range all {
		if m.To == to {
			n++
		}
	}
	return n
}

func (h *house) events(what string) (out []idp.Event) {
	h.Helper()
	h.must(h.db.Log.Events(h.Context(), idp.EventQuery{What: []string{what}}, func(e idp.Event) error { out = append(out, e); return nil }))
	return out
}

// D-01, D-02: who may do what to whom. Everybody but a main contact, and everybody
// but their own plain people, does not exist.
func TestMatrix(t *testing.T) {
	eachHouse(t, func(h *house) {
		ctx := h.Context()
		acts := map[string]func(idp.Actor, string, string) error{
			"disable": func(by idp.Actor, in, id string) error { return h.Disable(ctx, by, in, id) },
			"enable":  func(by idp.Actor, in, id string) error { return h.Enable(ctx, by, in, id) },
			"resend":  func(by idp.Actor, in, id string) error { return h.Resend(ctx, by, in, id) },
		}
		for _, actor := range []string{"lead", "member", "stranger", "rival", "free", "employee", "admin", "helper"} {
			for _, in := range []company.Company{h.ours, h.theirs} {
				for who := range h.people {
					for name, act := range acts {
						allowed := name == "disable" && (actor == "lead" && in.ID == h.ours.ID && (who == "member" || who == "second") || actor == "rival" && in.ID == h.theirs.ID && who == "stranger")
						before, denied := h.user(h.people[who].ID), len(h.events("company."+map[string]string{"resend": "invite"}[name]+strings.TrimSuffix(name, "resend")))
						err := act(h.by(actor), in.ID, h.id(in, who))
						what := fmt.Sprint(actor, " does ", name, " to ", who, " in ", in.Name)
						if allowed {
							h.want(what, err, nil)
							h.must(h.Enable(ctx, h.by(actor), in.ID, h.id(in, who)))
							continue
						}
						h.want(what, err, idp.ErrNotFound)
						if after := h.user(before.ID); after.Disabled != before.Disabled || after.Epoch != before.Epoch {
							h.Errorf("%s, and it was done", what)
						}
						if name == "disable" && len(h.events("company.disable")) <= denied { // D-07
							h.Errorf("%s: no line in the log", what)
						}
					}
				}
				_, err := h.People(ctx, h.by(actor), in.ID, "")
				may := actor == "lead" && in.ID == h.ours.ID || actor == "rival" && in.ID == h.theirs.ID
				if may != (err == nil) || !may && !errors.Is(err, idp.ErrNotFound) {
					h.Errorf("%s looks at %s: %v", actor, in.Name, err)
				}
				if err := h.Invite(ctx, h.by(actor), in.ID, company.Invitation{Name: "X", Email: actor + "-" + in.ID + "@example.com"}); may != (err == nil) || !may && !errors.Is(err, idp.ErrNotFound) {
					h.Errorf("%s invites to %s: %v", actor, in.Name, err)
				}
			}
		}
	})
}

// A token of the API, the command line and a session of a while ago are no main
// contact; neither is one who is disabled, or is none any more.
func TestWhoActs(t *testing.T) {
	eachHouse(t, func(h *house) {
		ctx, id := h.Context(), h.id(h.ours, "member")
		token, late, first := h.by("lead"), h.by("lead"), h.by("lead")
		token.Scopes, token.Session, first.Proofs = []idp.Right{idp.EditPeople}, "", first.Proofs[:1]
		h.want("token", h.Disable(ctx, token, h.ours.ID, id), idp.ErrNotFound)
		h.want("host", h.Disable(ctx, host, h.ours.ID, id), idp.ErrNotFound)
		h.want("password alone", h.Disable(ctx, first, h.ours.ID, id), idp.ErrMore)
		h.want("password alone", h.Invite(ctx, first, h.ours.ID, company.Invitation{Name: "N", Email: "n@example.org"}), idp.ErrMore)
		h.clock.Pass(5*time.Minute + time.Second)
		h.want("late", h.Disable(ctx, late, h.ours.ID, id), idp.ErrMore)
		_, err := h.People(ctx, late, h.ours.ID, "")
		h.want("a look", err, nil)
		h.must(h.Put(ctx, host, h.ours.ID, h.people["lead"].ID, false))
		h.want("no lead any more", h.Disable(ctx, h.by("lead"), h.ours.ID, id), idp.ErrNotFound) // D-04
		h.must(h.Put(ctx, host, h.ours.ID, h.people["lead"].ID, true))
		role := idp.HelpDesk
		_, err = h.Help.Service.Update(ctx, host, h.people["lead"].ID, account.Change{Role: &role})
		h.must(err)
		h.want("a role since", h.Disable(ctx, h.by("lead"), h.ours.ID, id), idp.ErrNotFound)
		// Who gets a role is out of reach at once, and does not show.
		_, err = h.Help.Service.Update(ctx, host, h.people["member"].ID, account.Change{Role: &role})
		h.must(err)
		h.want("a member with a role", h.Disable(ctx, h.by("peer"), h.ours.ID, id), idp.ErrNotFound)
		if p := h.sees("peer", "member@example.org"); p.ID != "" {
			h.Errorf("%+v", p)
		}
		h.want("an employee", h.Put(ctx, host, h.ours.ID, h.people["employee"].ID, false), idp.ErrInvalid)
		for _, role := range []string{"helper", "lead", "employee"} {
			_, err := h.Add(ctx, h.by(role), "Mine")
			h.want(role, err, idp.ErrDenied)
			h.want(role, h.Put(ctx, h.by(role), h.ours.ID, h.people["free"].ID, true), idp.ErrDenied)
			h.want(role, h.Take(ctx, h.by(role), h.ours.ID, id), idp.ErrDenied)
			h.want(role, h.Rename(ctx, h.by(role), h.ours.ID, "Mine"), idp.ErrDenied)
			h.want(role, h.Remove(ctx, h.by(role), h.ours.ID), idp.ErrDenied)
		}
	})
}

// A main contact lets in again whom they disabled, and nobody whom somebody else
// did, also after them.
func TestEnable(t *testing.T) {
	eachHouse(t, func(h *house) {
		ctx, by, id, u := h.Context(), h.by("lead"), h.id(h.ours, "member"), h.people["member"]
		h.must(h.Disable(ctx, by, h.ours.ID, id))
		if p := h.sees("lead", u.Email); p.State != company.Disabled || !p.MayEnable || p.MayDisable {
			h.Errorf("%+v", p)
		}
		es := h.events("user.disable")
		if e := es[len(es)-1]; e.Actor != by.User || e.User != u.ID || e.Session != by.Session {
			h.Errorf("%+v", e)
		}
		h.must(h.Enable(ctx, h.by("peer"), h.ours.ID, id))
		h.must(h.Help.Service.Disable(ctx, host, u.ID))
		if p := h.sees("lead", u.Email); p.State != company.Disabled || p.MayEnable {
			h.Errorf("%+v", p)
		}
		h.want("whom the house disabled", h.Enable(ctx, by, h.ours.ID, id), idp.ErrNotFound)
		h.must(h.Help.Service.Enable(ctx, host, u.ID))
		h.must(h.Disable(ctx, by, h.ours.ID, id))
		h.must(h.Help.Service.Disable(ctx, host, u.ID)) // they, too
		h.want("both", h.Enable(ctx, by, h.ours.ID, id), idp.ErrNotFound)
		if !h.user(u.ID).Disabled {
			h.Error("enabled")
		}
	})
}

// E-01: what a main contact is told, and sees afterwards, is the same for an
// address that nobody has and one that somebody has.
func TestInvite(t *testing.T) {
	eachHouse(t, func(h *house) {
		ctx, by := h.Context(), h.by("lead")
		emails := map[string]string{"new": "new@example.org", "taken": "stranger@example.org", "employee": "employee@example.org", "alike": "stranger@exarnple.org"}
		for name, email := range emails {
			h.must(h.Invite(ctx, by, h.ours.ID, company.Invitation{Name: "Jo " + name, Email: strings.ToUpper(email)}))
		}
		same := func(when string) {
			h.Helper()
			first := h.sees("lead", emails["new"])
			for name, email := range emails {
				p := h.sees("lead", email)
				if p.ID == "" || p.Name != "Jo "+name {
					h.Errorf("%s, %s: %+v", when, name, p)
				}
				p.ID, p.Name, p.Email = first.ID, first.Name, first.Email
				if p != first {
					h.Errorf("%s, %s: %+v, and not %+v", when, name, p, first)
				}
			}
		}
		same("invited")
		if p := h.sees("lead", emails["new"]); p.State != company.Invited || !p.MayInvite || !p.MayDisable {
			h.Errorf("%+v", p)
		}
		h.clock.Pass(73 * time.Hour)
		same("expired")
		do := func(act func(idp.Actor, string) error) {
			h.Helper()
			for _, email := range emails {
				h.must(act(h.by("lead"), h.sees("lead", email).ID))
			}
		}
		do(func(by idp.Actor, id string) error { return h.Resend(ctx, by, h.ours.ID, id) })
		same("again")
		do(func(by idp.Actor, id string) error { return h.Disable(ctx, by, h.ours.ID, id) })
		same("disabled")
		for _, email := range emails {
			h.must(h.Invite(ctx, h.by("lead"), h.ours.ID, company.Invitation{Name: "Other", Email: email}))
		}
		same("invited while disabled")
		do(func(by idp.Actor, id string) error { return h.Enable(ctx, by, h.ours.ID, id) })
		same("enabled")
		if n, m := h.mails(emails["new"]), h.mails(emails["taken"]); n != 2 || m != 0 {
			h.Errorf("%d and %d mails", n, m)
		}
		u, err := h.db.Users.ByIdentifier(ctx, emails["new"])
		h.must(err)
		if u.Kind != idp.Portal || u.Role != "" || u.EmailVerified || len(u.Groups) != 0 {
			h.Errorf("%+v", u)
		}
		if s := h.user(h.people["stranger"].ID); s.Disabled || s.Epoch != h.people["stranger"].Epoch {
			h.Errorf("%+v", s)
		}
		for _, e := range h.events("company.invite") {
			if e.Result == "taken" && e.User != "" || e.Actor != by.User {
				h.Errorf("%+v", e)
			}
			if e.Detail["company"] == "" || e.Detail["email"] != "" { // D-07: the log cannot forget
				h.Errorf("%+v", e.Detail)
			}
		}
		// Whoever turns out to belong here shows once.
		h.must(h.Put(ctx, host, h.ours.ID, h.people["stranger"].ID, false))
		p, err := h.People(ctx, by, h.ours.ID, "")
		h.must(err)
		n := 0
		for _, one := range p.People {
			if one.Email == "stranger@example.org" {
				n++
			}
		}
		if n != 1 {
			h.Errorf("%d times", n)
		}
		for _, bad := range []company.Invitation{{Email: "x@example.org"}, {Name: "X"}, {Name: "X", Email: "nonsense"}, {Name: "a\nb", Email: "x@example.org"}, {Name: "X", Email: "x@example.org", Locale: "!!"}, {Name: "X", Email: "rival@example.org", Locale: "!!"}} {
			err := h.Invite(ctx, h.by("lead"), h.ours.ID, bad)
			if len(company.Fields(err)) == 0 || !errors.Is(err, idp.ErrInvalid) {
				h.Errorf("%+v: %v", bad, err)
			}
		}
	})
}
