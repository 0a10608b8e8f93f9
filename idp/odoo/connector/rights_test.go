package connector_test

import (
	"errors"
	"fmt"
	"testing"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// ended are the ways in which somebody stops being allowed what they began.
var ended = map[string]struct {
	token bool
	end   func(t *town, u idp.User, good *bool)
}{
	"disabled": {false, func(t *town, u idp.User, _ *bool) { t.must(t.db.Users.SetDisabled(t.Context(), u.ID, true)) }},
	"role lost": {false, func(t *town, u idp.User, _ *bool) {
		role := idp.Auditor
		_, err := t.accounts.Update(t.Context(), atHost, u.ID, account.Change{Role: &role})
		t.must(err)
	}},
	"token's end":  {true, func(_ *town, _ idp.User, good *bool) { *good = false }},
	"nothing ends": {true, func(*town, idp.User, *bool) {}},
}

// eachEnd runs f for each of the ways, with who began it and what ends it.
func eachEnd(t *testing.T, f func(t *town, by idp.Actor, c connector.Callers, end func(), stays bool)) {
	t.Helper()
	for name, way := range ended {
		t.Run(name, func(tt *testing.T) {
			clock := storetest.NewClock()
			t := townOf(open(tt, storetest.OpenAt(tt, clock.Now), clock, odootest.Options{}))
			boss, good := t.staff("boss", idp.Admin), true
			by := idp.Actor{User: boss.ID, Role: boss.Role}
			var asked connector.Callers
			if way.token {
				by.Scopes = []idp.Right{idp.EditOdoo, idp.EditPeople}
				asked = callers(func(by idp.Actor) (idp.Actor, error) {
					if !good {
						return by, idp.ErrNotFound
					}
					return by, nil
				})
			}
			f(t, by, asked, func() { way.end(t, boss, &good) }, name == "nothing ends")
		})
	}
}

// D-04, D-07: whoever is disabled, loses their role, or whose token is taken away,
// while passwords are replaced, has no more replaced; and what was done is in the
// log.
func TestLockEndsWithRights(t *testing.T) {
	eachEnd(t, func(t *town, by idp.Actor, c connector.Callers, end func(), stays bool) {
		for n := range 45 {
			t.person(fmt.Sprintf("p%02d", n))
		}
		out, err := t.Lock(t.Context(), by, "shop", connector.LockOrder{Callers: c, Progress: func(done, _ int) {
			if done == 20 {
				end()
			}
		}})
		want, none := 20, connector.ErrLost
		if stays {
			want, none = 45, nil
		}
		replaced := 0
		for n := range 45 {
			if login := fmt.Sprintf("p%02d", n); !t.localPassword(login, login) {
				replaced++
			}
		}
		if !errors.Is(err, none) || replaced != want || len(out.Users) != want {
			t.Errorf("%v: %d replaced, %d told", err, replaced, len(out.Users))
		}
		var noted string
		t.must(t.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"odoo.lock"}}, func(e idp.Event) error {
			noted = e.Detail["users"]
			return nil
		}))
		if noted != fmt.Sprint(want) {
			t.Errorf("the log says %q", noted)
		}
	})
}

// D-04: the same of links.
func TestLinkEndsWithRights(t *testing.T) {
	eachEnd(t, func(t *town, by idp.Actor, c connector.Callers, end func(), stays bool) {
		for n := range 250 {
			login := fmt.Sprintf("p%03d@example.org", n)
			t.add(account.New{Login: login, Email: login, ProvenEmail: true})
			t.odoo.AddUser(login, login, login, true)
		}
		once := false
		r, err := t.LinkAll(t.Context(), by, "shop", connector.Linking{Callers: c, Progress: func(users int, _ float64) {
			if users >= 100 && !once {
				once = true
				end()
			}
		}})
		linked := 0
		for _, u := range t.odoo.All("res.users") {
			if t.linkedTo(u) != "" {
				linked++
			}
		}
		switch {
		case stays && (err != nil || linked != 250 || r.Linked != 250):
			t.Errorf("%v: %d linked, %d told", err, linked, r.Linked)
		case !stays && (!errors.Is(err, connector.ErrLost) || linked == 0 || linked > 100 || r.Linked != linked):
			t.Errorf("%v: %d linked, %d told", err, linked, r.Linked)
		}
	})
}

// D-04: what the house would not do by itself ends with the rights of whoever
// began it, and is no failure of the Odoo.
func TestForcedSyncEndsWithRights(t *testing.T) {
	eachEnd(t, func(t *town, by idp.Actor, c connector.Callers, end func(), stays bool) {
		var ids []int64
		for n := range 120 {
			login := fmt.Sprintf("p%03d@example.org", n)
			ids = append(ids, t.odoo.AddUser(login, login, login, true))
		}
		t.bring()
		t.sync()
		for _, id := range ids {
			t.odoo.Set("res.users", id, odootest.Record{"active": false})
		}
		once := false
		s, err := t.SyncNow(t.Context(), by, "shop", connector.SyncOptions{Force: true, Full: true, Callers: c, Found: func(connector.SyncChange) error {
			if !once {
				once = true
				end()
			}
			return nil
		}})
		if stays {
			if err != nil || s.Last.Disabled != 120 {
				t.Errorf("%v: %d", err, s.Last.Disabled)
			}
			return
		}
		if !errors.Is(err, connector.ErrLost) || s.Last.Disabled == 0 || s.Last.Disabled > 50 {
			t.Errorf("%v: %d disabled", err, s.Last.Disabled)
		}
		if kept, err := t.SyncState(t.Context(), "shop"); err != nil || kept.Failure != "" || kept.Failures != 0 || !t.conn().Health.Well() {
			t.Errorf("%+v %+v %v", kept, t.conn().Health, err)
		}
		if _, err := t.try(connector.SyncOptions{Force: true}); err != nil || !t.user("p119@example.org").Disabled {
			t.Errorf("the rest: %v", err)
		}
	})
}

// D-04: a run that the house would make itself within seconds asks nobody; and
// without an answer about a token, nothing that asks is begun.
func TestWhoAsksForRights(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		boss := t.staff("boss", idp.Admin)
		by := idp.Actor{User: boss.ID, Role: idp.Admin, Scopes: []idp.Right{idp.EditOdoo, idp.EditPeople}}
		t.odoo.AddUser("pia@example.org", "Pia", "pia@example.org", true)
		t.bring()
		t.set(func(s *connector.Settings) { s.Sync = true })
		if _, err := t.SyncNow(t.Context(), by, "shop", connector.SyncOptions{}); err != nil {
			t.Error(err)
		}
		t.set(func(s *connector.Settings) { s.Sync = false })
		_, one := t.SyncNow(t.Context(), by, "shop", connector.SyncOptions{})
		_, two := t.SyncNow(t.Context(), by, "shop", connector.SyncOptions{Force: true})
		_, three := t.Lock(t.Context(), by, "shop", connector.LockOrder{})
		_, four := t.LinkAll(t.Context(), by, "shop", connector.Linking{})
		for n, err := range []error{one, two, three, four} {
			if !errors.Is(err, connector.ErrLost) || !errors.Is(err, idp.ErrDenied) {
				t.Errorf("%d: %v", n, err)
			}
		}
	})
}
