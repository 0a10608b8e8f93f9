package connector_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store/storetest"
)

// cameIn is a sign-in to Odoo at this moment, by whatever means.
func (h *office) cameIn(odoo int64) {
	h.odoo.Set("res.users", odoo, odootest.Record{"login_date": h.clock.Now().UTC().Format("2006-01-02 15:04:05")})
}

// through notes that we let somebody in.
func (h *office) through(u idp.User, what string) {
	h.Helper()
	h.must(h.db.Log.Append(h.Context(), idp.Event{ID: fmt.Sprint(u.ID, what, h.clock.Now().UnixNano()), At: h.clock.Now(), What: what, User: u.ID, Client: "shop", Result: "ok"}))
}

func (h *office) lockScreens() {
	h.odoo.Add("ir.module.module", odootest.Record{"name": "auth_timeout", "state": "installed"})
	h.odoo.Set("res.groups", h.odoo.Group("group_user"), odootest.Record{"lock_timeout_inactivity": int64(15)})
}

// twin is another connection, to an Odoo from which this one was copied.
func (h *office) twin(id string) {
	h.Helper()
	h.odoo.SetParam("database.uuid", "5c5b0a4e")
	c, err := h.Find(h.Context(), "shop")
	h.must(err)
	c.ID, c.Client, c.URL, c.Facts.UUID = id, idp.ClientID(id), "https://live.example.org", "5c5b0a4e"
	h.must(h.db.Connections.Add(h.Context(), c))
}

func (h *office) doctor() connector.Diagnosis {
	h.Helper()
	d, err := h.Examine(h.Context(), host, "shop", false)
	h.must(err)
	return d
}

func (h *office) events(what string) (n int) {
	h.Helper()
	h.must(h.db.Log.Events(h.Context(), idp.EventQuery{What: []string{what}}, func(idp.Event) error { n++; return nil }))
	return n
}

// The promise of a lock: who came in past us since has a password again, and that
// is seen, told once, and ended by the next lock; who came in through us, or
// before the lock, is left alone.
func TestLockSeesWhoCameInPast(t *testing.T) {
	eachOffice(t, odootest.Options{}, func(h *office) {
		h.connect()
		ada, adaThere := h.person("ada")
		_, bobThere := h.person("bob")
		_, cleoThere := h.person("cleo")
		dora, doraThere := h.person("dora")
		h.cameIn(cleoThere) // by password, before
		h.wait(time.Hour)
		h.lock()
		h.wait(time.Hour)
		h.through(ada, "token.issue")
		h.through(dora, "password.trickle")
		h.wait(90 * time.Second) // slow, and the clocks differ
		h.cameIn(adaThere)
		h.cameIn(doraThere)
		if f, is := found(h.doctor(), "signed_in_past_us"); is {
			h.Errorf("through us, and yet %+v", f)
		}
		h.odoo.Set("res.users", bobThere, odootest.Record{"password": "mailed by Odoo"})
		h.cameIn(bobThere)
		h.wait(time.Minute)
		for range 2 {
			if f, _ := found(h.doctor(), "signed_in_past_us"); f.Level != connector.Problem || !strings.Contains(f.Evidence, "bob") || strings.Contains(f.Evidence, "ada") || strings.Contains(f.Evidence, "cleo") {
				h.Fatalf("%+v", f)
			}
		}
		if n := h.events("odoo.past"); n != 1 {
			h.Errorf("told %d times", n)
		}
		dry, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{Dry: true})
		h.must(err)
		if !slices.Equal(dry.Users, []string{"bob"}) || !slices.Equal(dry.Past, []string{"bob"}) || dry.Already != 3 || len(dry.Notes) != 1 {
			h.Errorf("%+v", dry)
		}
		h.lock()
		if h.localPassword("bob", "mailed by Odoo") {
			h.Error("the password is good yet")
		}
		if f, is := found(h.doctor(), "signed_in_past_us"); is {
			h.Errorf("%+v", f)
		}
		h.wait(time.Hour)
		h.cameIn(bobThere) // again: another event
		h.doctor()
		if n := h.events("odoo.past"); n != 2 {
			h.Errorf("told %d times", n)
		}
		h.odoo.Set("res.users", cleoThere, odootest.Record{"password": "not used yet"})
		again, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{Again: true})
		h.must(err)
		if len(again.Users) != 4 || again.Already != 0 || h.localPassword("cleo", "not used yet") {
			h.Errorf("%+v", again)
		}
	})
}

// A lock that was kept as a list of ids, by an older version, holds.
func TestLockFromBefore(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	h.connect()
	_, ada := h.person("ada")
	h.lock()
	h.must(h.db.Connections.SetState(t.Context(), "shop", "locked", fmt.Sprintf("[%d]", ada)))
	h.person("bob")
	out, err := h.Lock(t.Context(), host, "shop", connector.LockOrder{})
	h.must(err)
	if out.Already != 1 || !slices.Equal(out.Users, []string{"bob"}) {
		t.Errorf("%+v", out)
	}
	if _, people, err := h.Unlock(t.Context(), host, "shop", false); err != nil || people != 2 {
		t.Errorf("%d %v", people, err)
	}
}

// What people lose is said before: the module that locks screens only where it is.
func TestLockSaysWhatIsLost(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{Series: 19})
	h.lockScreens()
	h.connect()
	out, err := h.Lock(t.Context(), host, "shop", connector.LockOrder{Dry: true})
	h.must(err)
	if len(out.Notes) != 2 || out.Notes[1].Says != "note.screen" || !slices.Equal(out.Notes[1].Facts, []string{"group_user"}) {
		t.Errorf("%+v", out.Notes)
	}
}

// With keep_locked the synchronisation locks who comes after the lock and who
// came in past us, by the rules of the lock itself; without it, or after unlock,
// nobody.
func TestKeepLocked(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		_, bob := t.person("bob")
		_, key := t.person("key")
		_, pass := t.person("pass")
		t.odoo.Add("ir.module.module", odootest.Record{"name": "auth_passkey", "state": "installed"})
		t.odoo.Add("auth.passkey.key", odootest.Record{"name": "Phone", "create_uid": pass})
		t.connect() // learns of the module
		t.person("safe")
		t.odoo.Add("res.users.apikeys", odootest.Record{"name": "Script", "user_id": key})
		_, err := t.Lock(t.Context(), host, "shop", connector.LockOrder{Except: []string{"safe"}})
		t.must(err)
		t.sync()
		t.person("late")
		t.odoo.AddUser("free", "Free", "", true)
		if s := t.sync(); s.Last.Locked != 0 || !t.localPassword("late", "late") {
			t.Errorf("not asked for: %+v", s.Last)
		}
		t.set(func(s *connector.Settings) { s.KeepLocked = true })
		var would []string
		_, err = t.try(connector.SyncOptions{DryRun: true, Full: true, Found: func(c connector.SyncChange) error {
			if c.What == "lock" {
				would = append(would, c.Login)
			}
			return nil
		}})
		t.must(err)
		if !slices.Equal(would, []string{"late"}) || !t.localPassword("late", "late") {
			t.Errorf("dry: %v", would)
		}
		s, err := t.try(connector.SyncOptions{Full: true})
		t.must(err)
		if s.Last.Locked != 1 || t.localPassword("late", "late") || !t.localPassword("safe", "safe") || !t.localPassword("free", "free") {
			t.Errorf("%+v", s.Last)
		}
		if s := t.sync(); s.Last.Locked != 0 {
			t.Errorf("twice: %+v", s.Last)
		}
		t.wait(time.Hour)
		for _, id := range []int64{bob, key, pass} {
			t.odoo.Set("res.users", id, odootest.Record{"password": "mailed by Odoo"})
			t.cameIn(id)
		}
		if s := t.sync(); s.Last.Locked != 1 || t.localPassword("bob", "mailed by Odoo") || !t.localPassword("key", "mailed by Odoo") || !t.localPassword("pass", "mailed by Odoo") || t.events("odoo.past") != 3 {
			t.Errorf("%+v, %d told", s.Last, t.events("odoo.past"))
		}
		t.person("early")
		_, _, err = t.Unlock(t.Context(), host, "shop", false)
		t.must(err)
		if s := t.sync(); s.Last.Locked != 0 || !t.localPassword("early", "early") {
			t.Errorf("unlocked, and yet %+v", s.Last)
		}
	})
}

// A run locks nobody whom an administrator has spared since it began, and nobody
// at all when that was turned off.
func TestKeepLockedAsItIsByNow(t *testing.T) {
	clock := storetest.NewClock()
	town := townOf(open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{}))
	town.lock()
	town.set(func(s *connector.Settings) { s.KeepLocked = true })
	town.sync()
	town.person("late")
	town.person("spared")
	started := town.conn()
	run := func() int {
		town.wait(time.Minute)
		s, err := town.Sync(t.Context(), started, connector.SyncOptions{Full: true})
		town.must(err)
		return s.Last.Locked
	}
	town.set(func(s *connector.Settings) { s.KeepLocked = false })
	if n := run(); n != 0 || !town.localPassword("late", "late") {
		t.Errorf("turned off, and yet %d", n)
	}
	now := started
	now.Lock.Except = []string{"Spared"}
	town.must(town.db.Connections.Save(t.Context(), now))
	if n := run(); n != 1 || town.localPassword("late", "late") || !town.localPassword("spared", "spared") {
		t.Errorf("%d are locked", n)
	}
}

// Nobody is locked out by the synchronisation while our own way in is shut.
func TestKeepLockedOnlyWithAWayIn(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		t.lock()
		t.set(func(s *connector.Settings) { s.KeepLocked = true })
		t.sync()
		t.person("late")
		t.odoo.Set("auth.oauth.provider", t.provider(), odootest.Record{"enabled": false})
		s := t.sync()
		if s.Last.Locked != 0 || !t.localPassword("late", "late") || len(s.Troubles) == 0 || s.Troubles[len(s.Troubles)-1].Says != "sync.unlocked" {
			t.Errorf("%+v %+v", s.Last, s.Troubles)
		}
	})
}

// Who is linked at a sign-in is locked with the link: a moment later it would end
// the session that has just begun.
func TestKeepLockedAtSignIn(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		t.lock()
		t.set(func(s *connector.Settings) { s.KeepLocked, s.Contacts = true, true })
		t.sync()
		id := t.odoo.AddUser("pia@example.org", "Pia", "pia@example.org", true)
		t.odoo.Add("res.partner", odootest.Record{"name": "Carl", "email": "carl@example.org", "active": true})
		pia, carl := t.add(account.New{Email: "pia@example.org", Verified: true}), t.add(account.New{Email: "carl@example.org", Verified: true})
		t.must(t.arrive(pia))
		t.must(t.arrive(carl))
		session := t.odoo.Open(id)
		if t.linkedTo(id) == "" || t.localPassword("pia@example.org", "pia@example.org") || t.made(carl) == 0 {
			t.Fatalf("%v", t.odoo.Get("res.users", id))
		}
		if s := t.sync(); s.Last.Locked != 0 || t.odoo.Who(session) == "" {
			t.Errorf("%+v, session %q", s.Last, t.odoo.Who(session))
		}
		if out, err := t.Lock(t.Context(), host, "shop", connector.LockOrder{Dry: true}); err != nil || out.Already != 2 || len(out.Users) != 0 {
			t.Errorf("%+v %v", out, err)
		}
	})
}

// D-01: who may not change people turns neither of the two on.
func TestKeepLockedRights(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	h.connect()
	narrow := idp.Actor{User: "b", Role: idp.Admin, Scopes: []idp.Right{idp.EditOdoo}}
	for name, change := range map[string]func(*connector.Settings){
		"keep_locked": func(s *connector.Settings) { s.KeepLocked = true }, "invite": func(s *connector.Settings) { s.Invite = true },
	} {
		if _, err := h.Configure(t.Context(), narrow, "shop", change); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := h.Configure(t.Context(), host, "shop", change); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	var noted []string
	h.must(h.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"odoo.settings"}}, func(e idp.Event) error {
		noted = append(noted, fmt.Sprint(e.Detail))
		return nil
	}))
	if s := strings.Join(noted, " "); !strings.Contains(s, "keep_locked") || !strings.Contains(s, "invite") {
		t.Errorf("the log says %s", s)
	}
}

// A copy of an Odoo that is connected is named at once.
func TestConnectToACopy(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	h.connect()
	h.twin("live")
	r, err := h.Connect(t.Context(), host, h.order(), nil)
	h.must(err)
	if len(r.Warnings) != 1 || r.Warnings[0].Says != "note.copy" || !slices.Equal(r.Warnings[0].Facts, []string{"live"}) {
		t.Errorf("%+v", r.Warnings)
	}
}
