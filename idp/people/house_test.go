package people_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/job"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/password"
	"latchkey/idp/people"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/totp"
)

// house is the use cases over a real store.
type house struct {
	*testing.T
	db    *store.DB
	clock *storetest.Clock
	help  *account.Help
	bulk  *people.Bulk
	desk  *job.Desk
	doing doing
}

// doing lets a test step in between.
type doing struct {
	people.Does
	before func()
}

func (d *doing) Disable(ctx context.Context, by idp.Actor, id idp.UserID) error {
	if d.before != nil {
		d.before()
	}
	return d.Does.Disable(ctx, by, id)
}

type quiet struct{}

func (quiet) Notice(context.Context, idp.User, idp.Notice) error { return nil }
func (quiet) Letter(context.Context, idp.User, idp.Letter) error { return nil }
func (quiet) Unusable(context.Context, idp.User, string) error   { return nil }

func open(t *testing.T) *house {
	t.Helper()
	h := &house{T: t, clock: storetest.NewClock()}
	h.db = storetest.OpenAt(t, h.clock.Now)
	factors := &mfa.Engine{Credentials: h.db.Credentials, Challenges: h.db.Challenges, Limiter: h.db.Limiter, Atomic: h.db.Atomic, Now: h.clock.Now}
	factors.Register(totp.Factor{Now: h.clock.Now})
	s := &account.Service{
		Users: h.db.Users, Groups: h.db.Groups, Sessions: h.db.Sessions, Factors: factors, Passwords: password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0),
		Log: h.db.Log, Policies: h.db.Policies, Atomic: h.db.Atomic, Now: h.clock.Now, Locks: h.db.Locks, Links: h.db.Links, Owners: h.db.Owners, Doors: h.db.Doors, Notify: quiet{},
	}
	h.help = &account.Help{Service: s, Letters: quiet{}, Limiter: h.db.Limiter}
	h.doing.Does = people.Does{Help: h.help}
	h.desk = &job.Desk{Store: h.db.Jobs, Now: h.clock.Now}
	t.Cleanup(h.desk.Close)
	h.bulk = &people.Bulk{
		Directory: &people.Directory{People: h.db.People, Log: h.db.Log, Now: h.clock.Now}, Users: h.db.Users, Batches: h.db.Batches, Do: &h.doing, Work: h.desk, Log: h.db.Log, Now: h.clock.Now,
	}
	return h
}

func (h *house) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *house) add(login string, role idp.Role) idp.User {
	h.Helper()
	u, err := h.help.Service.Add(h.Context(), idp.Actor{Host: true}, account.New{Login: login, Email: login + "@example.org", Name: login, Role: role})
	h.must(err)
	return u
}

func as(u idp.User) idp.Actor { return idp.Actor{User: u.ID, Role: u.Role} }

func (h *house) events(what, result string) (n int) {
	h.Helper()
	h.must(h.db.Log.Events(h.Context(), idp.EventQuery{What: []string{what}}, func(e idp.Event) error {
		if e.Result == result {
			n++
		}
		return nil
	}))
	return n
}

// D-01: nobody does to many what they may not do to one.
func TestBulkRights(t *testing.T) {
	h := open(t)
	who := people.Selection{IDs: []idp.UserID{h.add("ada", "").ID}}
	desk, auditor := as(h.add("desk", idp.HelpDesk)), as(h.add("auditor", idp.Auditor))
	for _, act := range people.Acts() {
		_, err := h.bulk.Prepare(t.Context(), desk, people.Order{Act: act, Group: "g"}, who)
		if may := desk.May(act.Right()) == nil; may != (err == nil) {
			t.Errorf("help desk, %s: %v", act, err)
		}
		if _, err := h.bulk.Prepare(t.Context(), auditor, people.Order{Act: act, Group: "g"}, who); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("auditor, %s: %v", act, err)
		}
	}
	if h.events("people.bulk", "denied") == 0 {
		t.Error("no line of it")
	}
	token := idp.Actor{User: desk.User, Role: idp.HelpDesk, Scopes: []idp.Right{idp.SeePeople}}
	if _, err := h.bulk.Prepare(t.Context(), token, people.Order{Act: people.Unlock}, who); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("a token that may look: %v", err)
	}
	for _, o := range []people.Order{{Act: "nothing"}, {Act: people.Join}} {
		if _, err := h.bulk.Prepare(t.Context(), as(h.add("a"+string(o.Act), idp.Admin)), o, who); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// D-04: whose rights are taken away meanwhile goes no further; somebody else's
// batch is nobody's business.
func TestBulkRightsMeanwhile(t *testing.T) {
	h := open(t)
	admin := h.add("admin", idp.Admin)
	var who people.Selection
	for i := range 120 {
		who.IDs = append(who.IDs, h.add(fmt.Sprintf("p%03d", i), "").ID)
	}
	id, err := h.bulk.Prepare(t.Context(), as(admin), people.Order{Act: people.Disable}, who)
	h.must(err)
	done := 0
	h.doing.before = func() {
		if done++; done == 10 {
			h.must(h.db.Users.SetDisabled(context.WithoutCancel(t.Context()), admin.ID, true))
		}
	}
	h.must(h.bulk.Start(t.Context(), as(admin), id))
	h.desk.Wait()
	p, err := h.bulk.Plan(t.Context(), as(admin), id)
	h.must(err)
	if p.Done != 50 || p.Todo != 70 || p.Job.State != job.Failed || p.Job.Key != "denied" {
		t.Errorf("%+v %+v", p, p.Job)
	}
	if _, err := h.bulk.Plan(t.Context(), as(h.add("other", idp.Owner)), id); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	// What was cut short goes on where it stopped.
	h.doing.before = nil
	h.must(h.db.Users.SetDisabled(t.Context(), admin.ID, false))
	h.must(h.bulk.Start(t.Context(), as(admin), id))
	h.desk.Wait()
	if p, err = h.bulk.Plan(t.Context(), as(admin), id); err != nil || p.Done != 120 || p.Todo != 0 {
		t.Errorf("%+v %v", p, err)
	}
	if n := h.events("user.disable", "ok"); n != 120 {
		t.Errorf("%d events", n)
	}
}

// What cannot be done to one of them is that one's result alone; the last owner
// stays (D-05).
func TestBulkResults(t *testing.T) {
	h := open(t)
	one, two := h.add("one", idp.Owner), h.add("two", idp.Owner)
	gone := h.add("gone", "")
	id, err := h.bulk.Prepare(t.Context(), as(two), people.Order{Act: people.Disable}, people.Selection{IDs: []idp.UserID{one.ID, gone.ID, "nobody"}})
	h.must(err)
	h.must(h.db.Users.Remove(t.Context(), gone.ID))
	h.must(h.db.Users.SetDisabled(t.Context(), two.ID, false))
	h.doing.before = func() { // the other one is put out at this moment
		h.must(h.db.Users.SetDisabled(context.WithoutCancel(t.Context()), two.ID, true))
	}
	h.must(h.bulk.Start(t.Context(), as(two), id))
	h.desk.Wait()
	p, err := h.bulk.Plan(t.Context(), as(two), id)
	h.must(err)
	if p.Total != 2 || p.Fails["last_owner"] != 1 || p.Fails["gone"] != 1 {
		t.Errorf("%+v", p)
	}
	if _, err := h.bulk.Prepare(t.Context(), as(two), people.Order{Act: people.Disable}, people.Selection{IDs: []idp.UserID{"nobody"}}); !errors.Is(err, people.ErrNobody) {
		t.Errorf("nobody: %v", err)
	}
}

// An end of all sessions ends them in connected Odoos, too (S-06).
func TestEndSessions(t *testing.T) {
	h := open(t)
	u, admin := h.add("ada", ""), h.add("admin", idp.Admin)
	h.must(h.db.Connections.Add(t.Context(), connector.Connection{ID: "shop", Client: "shop"}))
	n := idp.Session{ID: "s", Hash: "h", User: u.ID, Created: h.clock.Now(), Seen: h.clock.Now(), Expires: h.clock.Now().Add(time.Hour), Idle: time.Hour}
	h.must(h.db.Sessions.Open(t.Context(), n))
	h.must(h.help.Service.EndSessions(t.Context(), as(admin), u.ID))
	if _, _, err := h.db.Sessions.ByHash(t.Context(), "h"); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("the session: %v", err)
	}
	told, err := h.db.Outbox("odoo").Newest(t.Context(), 5)
	h.must(err)
	if len(told) != 1 || !strings.Contains(told[0].To, string(u.ID)) {
		t.Errorf("%+v", told)
	}
	if err := h.help.Service.EndSessions(t.Context(), as(h.add("auditor", idp.Auditor)), u.ID); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("an auditor: %v", err)
	}
	if err := h.help.Service.EndSessions(t.Context(), as(h.add("desk", idp.HelpDesk)), admin.ID); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("of a higher role: %v", err)
	}
}

// A cursor of an address is what it was, or the beginning.
func FuzzCursor(f *testing.F) {
	f.Add("eyJuIjoiYSIsImkiOiJiIn0")
	f.Add("")
	f.Fuzz(func(t *testing.T, s string) {
		c := people.ParseCursor(s)
		if again := people.ParseCursor(c.String()); c.ID != "" && again != c {
			t.Errorf("%+v became %+v", c, again)
		}
	})
}

// The count is exact up to its bound, and "more" beyond; a filter that nobody
// can have meant is refused.
func TestSearch(t *testing.T) {
	h := open(t)
	admin := as(h.add("admin", idp.Admin))
	for i := range 7 {
		h.add(fmt.Sprintf("p%d", i), "")
	}
	p, err := h.bulk.Directory.Search(t.Context(), admin, people.Query{Limit: 5})
	h.must(err)
	if len(p.People) != 5 || p.Next == nil || p.Count != 8 || p.More {
		t.Errorf("%+v", p)
	}
	p, err = h.bulk.Directory.Search(t.Context(), admin, people.Query{Limit: 5, After: *p.Next})
	h.must(err)
	if len(p.People) != 3 || p.Next != nil {
		t.Errorf("%+v", p)
	}
	for _, f := range []people.Filter{{Kind: "x"}, {Role: "king"}, {Stale: -1}, {Stale: 99999}, {Text: strings.Repeat("x", 201)}} {
		if _, err := h.bulk.Directory.Search(t.Context(), admin, people.Query{Filter: f}); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	if _, err := h.bulk.Directory.Search(t.Context(), idp.Actor{User: "x"}, people.Query{}); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("nobody: %v", err)
	}
}
