package connector_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/odoo/rpc"
)

// sync runs once, a while after the last time.
func (t *town) sync() connector.SyncState {
	t.Helper()
	s, err := t.try(connector.SyncOptions{})
	t.must(err)
	return s
}

func (t *town) try(o connector.SyncOptions) (connector.SyncState, error) {
	t.Helper()
	t.wait(20 * time.Second)
	return t.Sync(t.Context(), t.conn(), o)
}

// session opens a session here and says whether it lives.
func (t *town) session(u idp.User) (alive func() bool) {
	t.Helper()
	now := t.clock.Now()
	hash := "h-" + string(u.ID)
	t.must(t.db.Sessions.Open(t.Context(), idp.Session{ID: idp.SessionID("s-" + u.ID), Hash: hash, User: u.ID, Epoch: u.Epoch, Created: now, Seen: now, Expires: now.Add(24 * time.Hour), Idle: 24 * time.Hour}))
	return func() bool {
		_, _, err := t.db.Sessions.ByHash(t.Context(), hash)
		return err == nil
	}
}

// Issue 5.5: what happens to people in Odoo happens here, with each version.
func TestSyncIn(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		france := t.odoo.Add("res.country", odootest.Record{"name": "France", "code": "FR"})
		sales := t.odoo.Add("res.groups", odootest.Record{"name": "sales"})
		t.odoo.Add("ir.model.data", odootest.Record{"module": "sales_team", "name": "group_sale_manager", "model": "res.groups", "res_id": sales})
		t.set(func(s *connector.Settings) { s.Groups = map[string]string{"sales_team.group_sale_manager": "sales"} })
		ada := t.odoo.AddUser("ada@example.org", "Ada", "ada@example.org", false)
		t.bring()
		t.sync()
		if s := t.sync(); s.Last.Created+s.Last.Changed+s.Last.Disabled+s.Last.Failed != 0 {
			t.Errorf("nothing happened, and yet %+v", s.Last)
		}
		t.wait(time.Hour)

		// New, and changed in every field.
		t.odoo.AddUser("new@example.org", "New", "new@example.org", true)
		t.odoo.Set("res.users", ada, odootest.Record{"name": "Ada King", "lang": "fr_FR", "tz": "Europe/Paris", "phone": "06 12 34 56 78", "country_id": france, t.groups(): []int64{t.odoo.Group("group_user"), sales}})
		s := t.sync()
		u := t.user("ada@example.org")
		if s.Last.Created != 1 || u.Name != "Ada King" || u.Locale != "fr-FR" || u.Profile.Zoneinfo != "Europe/Paris" || u.Phone != "+33612345678" || u.PhoneVerified ||
			!slices.Equal(u.Groups, []string{"odoo:shop:internal", "sales"}) || t.user("new@example.org").Kind != idp.Portal {
			t.Errorf("%+v %+v", s, u)
		}
		// Out of the group again, from the group's own form: the user is not written.
		t.wait(time.Hour)
		t.accountsJoin("own", u)
		t.silently(ada, odootest.Record{t.groups(): []int64{t.odoo.Group("group_user")}})
		t.odoo.Set("res.groups", sales, odootest.Record{"name": "sales"})
		if t.sync(); !slices.Equal(t.user("ada@example.org").Groups, []string{"odoo:shop:internal", "own"}) {
			t.Errorf("%v", t.user("ada@example.org").Groups)
		}

		// Archived: disabled, sessions over. Back: enabled.
		alive := t.session(t.user("ada@example.org"))
		if !alive() {
			t.Fatal("no session")
		}
		t.odoo.Set("res.users", ada, odootest.Record{"active": false})
		if s := t.sync(); s.Last.Disabled != 1 || !t.user("ada@example.org").Disabled || alive() {
			t.Errorf("%+v, session %v", s.Last, alive())
		}
		if s := t.sync(); s.Last.Disabled != 0 {
			t.Errorf("twice: %+v", s.Last)
		}
		t.odoo.Set("res.users", ada, odootest.Record{"active": true})
		if s := t.sync(); s.Last.Enabled != 1 || t.user("ada@example.org").Disabled {
			t.Errorf("%+v", s.Last)
		}
		// Deleted: seen when everybody is compared.
		t.odoo.Remove("res.users", ada)
		if s := t.sync(); s.Last.Disabled != 0 {
			t.Errorf("%+v", s.Last)
		}
		t.wait(7 * time.Hour)
		if s := t.sync(); s.Last.Disabled != 1 || !t.user("ada@example.org").Disabled {
			t.Errorf("%+v", s.Last)
		}
	})
}

func (t *town) groups() string {
	if t.odoo.Series >= 19 {
		return "group_ids"
	}
	return "groups_id"
}

func (t *town) accountsJoin(group string, u idp.User) {
	t.Helper()
	t.must(t.accounts.Memberships().Join(t.Context(), atHost, group, u.ID))
}

// silently changes a user without their write_date.
func (t *town) silently(id int64, values odootest.Record) {
	at := t.odoo.Get("res.users", id)["write_date"]
	values["write_date"] = at
	t.odoo.Set("res.users", id, values)
}

// What an administrator changed here stays, until Odoo says something new about
// the same field; a proven e-mail is not replaced by one that was typed there.
func TestSyncKeeps(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		id := t.odoo.AddUser("ada@example.org", "Ada", "ada@example.org", false)
		login := t.odoo.AddUser("bob", "Bob", "bob@example.org", false)
		t.bring()
		t.sync()
		mine, french := "Ada, by an administrator", "fr"
		u := t.user("ada@example.org")
		_, err := t.accounts.Update(t.Context(), atHost, u.ID, account.Change{Name: &mine, Locale: &french})
		t.must(err)
		t.odoo.Set("res.users", id, odootest.Record{"tz": "Europe/Paris", "email": "stolen@example.org"})
		t.sync()
		u = t.user("ada@example.org")
		if u.Name != mine || u.Locale != "fr" || u.Profile.Zoneinfo != "Europe/Paris" || u.Email != "ada@example.org" || !u.EmailVerified {
			t.Errorf("%+v", u)
		}
		t.odoo.Set("res.users", id, odootest.Record{"name": "Ada King"})
		t.sync()
		if u := t.user("ada@example.org"); u.Name != "Ada King" || u.Locale != "fr" {
			t.Errorf("%+v", u)
		}
		// Not proven here: it follows, and stays so; the login stays the login.
		t.odoo.Set("res.users", login, odootest.Record{"email": "robert@example.org"})
		t.sync()
		if u := t.user("bob"); u.Email != "robert@example.org" || u.EmailVerified {
			t.Errorf("%+v", u)
		}
		// Somebody has the name: told, not lost, and done when it is free.
		t.odoo.Set("res.users", login, odootest.Record{"email": "ada@example.org"})
		if s := t.sync(); s.Last.Failed != 1 || len(s.Troubles) != 1 || s.Failure != "" {
			t.Errorf("%+v", s)
		}
		// Disabled by an administrator: neither Odoo's writes nor its unarchiving enable.
		t.must(t.accounts.Disable(t.Context(), atHost, u.ID))
		t.odoo.Set("res.users", id, odootest.Record{"name": "Ada Q"})
		t.odoo.Set("res.users", id, odootest.Record{"active": true})
		if t.sync(); !t.user("ada@example.org").Disabled || t.odoo.Get("res.users", id)["active"] != true {
			t.Error("enabled, or archived without leave")
		}
		// A removed person does not come back.
		t.must(t.accounts.Remove(t.Context(), atHost, u.ID))
		t.odoo.Set("res.users", id, odootest.Record{"name": "Ada R"})
		t.sync()
		if _, err := t.db.Users.ByID(t.Context(), u.ID); !errors.Is(err, idp.ErrNotFound) || t.user("ada@example.org").Login != "bob" {
			t.Errorf("%v; the freed e-mail is %s's", err, t.user("ada@example.org").Login)
		}
	})
}

// The way back, where the settings say so; what was done there from here comes
// back as nothing.
func TestSyncOut(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		id := t.odoo.AddUser("ada@example.org", "Ada", "ada@example.org", false)
		gone := t.odoo.AddUser("gone@example.org", "Gone", "gone@example.org", true)
		t.set(func(s *connector.Settings) { s.Archive = true })
		t.bring()
		t.sync()
		u := t.user("ada@example.org")
		t.must(t.accounts.Disable(t.Context(), atHost, u.ID))
		t.must(t.accounts.Remove(t.Context(), atHost, t.user("gone@example.org").ID))
		if s := t.sync(); s.Last.Archived != 2 || t.odoo.Get("res.users", id)["active"] != false || t.odoo.Get("res.users", gone)["active"] != false {
			t.Errorf("%+v", s)
		}
		for range 3 {
			if s := t.sync(); s.Last.Archived+s.Last.Restored+s.Last.Disabled+s.Last.Enabled+s.Last.Changed+s.Last.Created != 0 {
				t.Errorf("an echo: %+v", s.Last)
			}
		}
		t.must(t.accounts.Enable(t.Context(), atHost, u.ID))
		if s := t.sync(); s.Last.Restored != 1 || t.odoo.Get("res.users", id)["active"] != true || t.user("ada@example.org").Disabled {
			t.Errorf("%+v", s)
		}
		for range 3 {
			if s := t.sync(); s.Last.Archived+s.Last.Restored+s.Last.Disabled+s.Last.Enabled != 0 {
				t.Errorf("an echo: %+v", s.Last)
			}
		}
		// Whoever Latchkey is in Odoo stays, whatever happens here.
		me := t.add(account.New{Login: "the-administrator"})
		t.must(t.db.Ties.Put(t.Context(), connector.Tie{Connection: "shop", Odoo: odootest.Admin, User: me.ID, Login: "admin", Created: t.clock.Now()}))
		t.must(t.accounts.Disable(t.Context(), atHost, me.ID))
		t.sync()
		if t.odoo.Get("res.users", odootest.Admin)["active"] != true {
			t.Error("Latchkey has locked itself out")
		}
	})
}

// Many at once are an accident, unless somebody says that they are not.
func TestSyncAccident(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		var ids []int64
		for n := range 60 {
			login := fmt.Sprintf("c%d@example.org", n)
			ids = append(ids, t.odoo.AddUser(login, login, login, true))
		}
		t.bring()
		t.sync()
		for _, id := range ids[:30] {
			t.odoo.Set("res.users", id, odootest.Record{"active": false})
		}
		s, err := t.try(connector.SyncOptions{})
		if !errors.Is(err, connector.ErrAccident) || s.Failures != 1 || t.user("c0@example.org").Disabled {
			t.Errorf("%+v %v", s, err)
		}
		var told int
		if s, err := t.try(connector.SyncOptions{Force: true, DryRun: true, Found: func(connector.SyncChange) error { told++; return nil }}); err != nil || told != 30 || s.Last.Disabled != 30 || t.user("c0@example.org").Disabled {
			t.Errorf("dry: %+v %d %v", s, told, err)
		}
		for _, id := range ids {
			t.odoo.Set("res.users", id, odootest.Record{"login": fmt.Sprint("another", id)})
		}
		if _, err := t.try(connector.SyncOptions{}); !errors.Is(err, connector.ErrAccident) || t.user("c31@example.org").Login != "c31@example.org" {
			t.Errorf("another database: %v", err)
		}
		for n, id := range ids {
			t.odoo.Set("res.users", id, odootest.Record{"login": fmt.Sprintf("c%d@example.org", n)})
		}
		if s, err := t.try(connector.SyncOptions{Force: true}); err != nil || s.Last.Disabled != 30 || !t.user("c29@example.org").Disabled || t.user("c30@example.org").Disabled {
			t.Errorf("%+v %v", s, err)
		}
	})
}

// Of several instances one works at a time, and one that dies leaves it to
// another; failures wait longer and longer, and are seen.
func TestSyncClaims(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		t.odoo.AddUser("ada@example.org", "Ada", "ada@example.org", true)
		t.bring()
		t.wait(time.Hour)
		var wg sync.WaitGroup
		var mu sync.Mutex
		worked, busy := 0, 0
		c := t.conn()
		for n := range 8 {
			p := t.instance(fmt.Sprint("i", n))
			wg.Go(func() {
				_, err := p.Sync.Sync(t.Context(), c, connector.SyncOptions{DryRun: true})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					worked++
				case errors.Is(err, idp.ErrBusy):
					busy++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if worked == 0 || worked+busy != 8 {
			t.Errorf("%d worked, %d were told to wait", worked, busy)
		}
		t.must(t.db.Connections.Claim(t.Context(), "shop", "sync", "one that died", t.clock.Now().Add(2*time.Minute)))
		if _, err := t.Sync(t.Context(), c, connector.SyncOptions{}); !errors.Is(err, idp.ErrBusy) {
			t.Errorf("%v", err)
		}
		t.wait(2*time.Minute + time.Second)
		if _, err := t.Sync(t.Context(), c, connector.SyncOptions{}); err != nil {
			t.Error(err)
		}
		t.wait(10 * time.Minute)
		t.odoo.Break(slices.Repeat([]odootest.Fault{odootest.Gateway}, 12)...)
		s, err := t.try(connector.SyncOptions{})
		if !errors.Is(err, rpc.ErrUnreachable) || s.Failures != 1 || s.Failure == "" || t.conn().Health.Well() {
			t.Errorf("%+v %v", s, err)
		}
		t.odoo.Break()
		if s, err := t.SyncState(t.Context(), "shop"); err != nil || s.Failures != 1 || s.Failure == "" {
			t.Errorf("%+v %v", s, err)
		}
		if s := t.sync(); s.Failures != 0 || s.Failure != "" || s.Succeeded.IsZero() {
			t.Errorf("%+v", s)
		}
	})
}
