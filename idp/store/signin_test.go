package store_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/trust"
)

// seed gives a person one of everything.
func seed(t testing.TB, db *store.DB, id idp.UserID) {
	t.Helper()
	ctx, n, later := t.Context(), string(id), time.Now().Add(time.Hour)
	must(t, db.Sessions.Open(ctx, idp.Session{ID: idp.SessionID(n), Hash: n, User: id, Seen: time.Now(), Expires: later, Idle: time.Hour}))
	must(t, db.Flows.Put(ctx, signin.Flow{ID: n, User: id, Expires: later}))
	must(t, db.Credentials.Save(ctx, mfa.Credential{ID: mfa.CredentialID(n), Subject: mfa.SubjectID(id), Kind: "totp"}))
	must(t, db.Challenges.Put(ctx, mfa.Challenge{ID: mfa.ChallengeID(n), Subject: mfa.SubjectID(id), Expires: later}))
	must(t, db.Grants.Put(ctx, oidc.Grant{Kind: oidc.KindAccess, Signature: n, User: id, Expires: later}))
	must(t, db.Consents.Give(ctx, id, "c", []string{"openid"}, time.Now()))
	must(t, db.Devices.Put(ctx, trust.Device{ID: n, Subject: mfa.SubjectID(id), Hash: n, Expires: later}, ""))
	must(t, db.Links.Put(ctx, idp.Link{Hash: n, Purpose: idp.LinkEnrol, User: id, Expires: later}))
	must(t, db.Users.BeginGrace(ctx, id, []string{"p"}, time.Now()))
}

// traces reports whether anything of seed is left; some of it means all.
func traces(t testing.TB, db *store.DB, id idp.UserID) bool {
	t.Helper()
	ctx, n := t.Context(), string(id)
	_, _, session := db.Sessions.ByHash(ctx, n)
	_, _, flow := db.Flows.Get(ctx, n)
	_, challenge := db.Challenges.Get(ctx, mfa.ChallengeID(n))
	_, _, grant := db.Grants.Get(ctx, oidc.KindAccess, n)
	held, err := db.Credentials.Held(ctx, mfa.SubjectID(id))
	must(t, err)
	scopes, err := db.Consents.Of(ctx, id, "c")
	must(t, err)
	trusted, err := db.Devices.Of(ctx, mfa.SubjectID(id))
	must(t, err)
	link := db.Links.Spend(ctx, n)
	there := []bool{session == nil, flow == nil, challenge == nil, grant == nil, len(held) > 0, len(scopes) > 0, len(trusted) > 0, link == nil}
	if slices.Contains(there, true) && slices.Contains(there, false) {
		t.Errorf("%s is left in part: %v", id, there)
	}
	return there[0]
}

func TestSessions(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, sessions, now := t.Context(), db.Sessions, clock.Now()
		person(t, db, "ann")
		must(t, db.Groups.Put(ctx, "g"))
		must(t, db.Groups.Join(ctx, "g", "ann"))
		s := idp.Session{
			ID: "s1", Hash: "h1", User: "ann", Proofs: []idp.Proof{{Kind: idp.Password, At: now}, {Kind: "totp", At: now}},
			Created: now, Seen: now, Expires: now.Add(12 * time.Hour), Idle: 30 * time.Minute,
			Origin: idp.Origin{Address: "192.0.2.1", Agent: "Firefox"},
		}
		must(t, sessions.Open(ctx, s))
		before, _ := db.Trips()
		got, u, err := sessions.ByHash(ctx, "h1")
		must(t, err)
		if after, _ := db.Trips(); after-before != 1 {
			t.Errorf("ByHash took %d trips", after-before)
		}
		if !reflect.DeepEqual(got, s) || u.ID != "ann" || !slices.Equal(u.Groups, []string{"g"}) {
			t.Errorf("%+v\n%+v\n%+v", got, s, u)
		}
		wantErr(t, sessions.Open(ctx, idp.Session{ID: "s9", Hash: "h1", User: "ann"}), idp.ErrTaken)
		wantErr(t, sessions.Open(ctx, idp.Session{ID: "s9", Hash: "h9", User: "nobody"}), idp.ErrNotFound)
		// Seen does not run backwards when the clock of another instance is behind.
		must(t, sessions.Touch(ctx, "s1", now.Add(time.Minute)))
		must(t, sessions.Touch(ctx, "s1", now))
		if got, _, _ := sessions.ByHash(ctx, "h1"); !got.Seen.Equal(now.Add(time.Minute)) {
			t.Errorf("seen %v", got.Seen)
		}
		idle := s
		idle.ID, idle.Hash, idle.Seen = "s2", "h2", now.Add(-time.Hour)
		third := s
		third.ID, third.Hash, third.Created = "s3", "h3", now.Add(time.Second)
		must(t, sessions.Open(ctx, idle))
		must(t, sessions.Open(ctx, third))
		if all, err := sessions.Of(ctx, "ann"); err != nil || len(all) != 2 || all[0].ID != "s3" {
			t.Errorf("live sessions, newest first: %v, %v", all, err)
		}
		// S-05: what is ended is gone at once.
		must(t, sessions.EndAll(ctx, "ann", "s3"))
		_, _, err = sessions.ByHash(ctx, "h1")
		wantErr(t, err, idp.ErrNotFound)
		must(t, sessions.End(ctx, "s3"))
		_, _, err = sessions.ByHash(ctx, "h3")
		wantErr(t, err, idp.ErrNotFound)
	})
}

func TestFlows(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, flows := t.Context(), db.Flows
		person(t, db, "ann")
		f := signin.Flow{ID: "f", Browser: "b", User: "ann", ReturnTo: "/", Expires: clock.Now().Add(time.Hour), Need: idp.Need{ACR: "aal2"}}
		must(t, flows.Put(ctx, f))
		wantErr(t, flows.Put(ctx, f), idp.ErrTaken)
		f.Skipped, f.Stored = true, true
		must(t, flows.Put(ctx, f))
		got, u, err := flows.Get(ctx, "f")
		must(t, err)
		if !reflect.DeepEqual(got, f) || u.ID != "ann" {
			t.Errorf("%+v %v", got, u.ID)
		}
		must(t, flows.End(ctx, "f"))
		wantErr(t, flows.End(ctx, "f"), idp.ErrSpent)
		_, _, err = flows.Get(ctx, "f")
		wantErr(t, err, idp.ErrExpired)
		wantErr(t, flows.Put(ctx, f), idp.ErrExpired) // what has ended does not come back
		f.ID, f.Stored = "g", false
		must(t, flows.Put(ctx, f))
		must(t, flows.EndAll(ctx, "ann"))
		_, _, err = flows.Get(ctx, "g")
		wantErr(t, err, idp.ErrExpired)
		must(t, flows.Put(ctx, f))
		f.ID = "f"
		must(t, flows.Put(ctx, f))
		clock.Pass(time.Hour)
		_, _, err = flows.Get(ctx, "f")
		wantErr(t, err, idp.ErrExpired)
		wantErr(t, flows.End(ctx, "f"), idp.ErrSpent)
	})
}

func TestCredentials(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, creds := t.Context(), db.Credentials
		c := mfa.Credential{ID: "c", Subject: "ann", Kind: "totp", Label: "phone", Data: []byte("secret"), Created: time.UnixMilli(5).UTC()}
		must(t, creds.Save(ctx, c))
		wantErr(t, creds.Save(ctx, c), mfa.ErrConflict) // version 0 twice
		c.Version = 1
		held, err := creds.Held(ctx, "ann")
		must(t, err)
		if !reflect.DeepEqual(held, []mfa.Credential{c}) {
			t.Fatalf("%+v", held)
		}
		c.Data, c.Used = []byte("next"), time.UnixMilli(9).UTC()
		must(t, creds.Save(ctx, c))
		wantErr(t, creds.Save(ctx, c), mfa.ErrConflict) // T-01: an old version cannot come back
		c.Version = 2
		stolen := c
		stolen.Subject = "bob"
		wantErr(t, creds.Save(ctx, stolen), mfa.ErrConflict)
		if held, _ := creds.Held(ctx, "ann"); !reflect.DeepEqual(held, []mfa.Credential{c}) {
			t.Errorf("%+v", held)
		}
		wantErr(t, creds.Drop(ctx, "bob", "c"), mfa.ErrNotHeld) // T-11
		must(t, creds.Drop(ctx, "ann", "c"))
		wantErr(t, creds.Drop(ctx, "ann", "c"), mfa.ErrNotHeld)
		for i := range 3 {
			must(t, creds.Save(ctx, mfa.Credential{ID: mfa.CredentialID(fmt.Sprint(i)), Subject: "ann"}))
		}
		must(t, creds.DropAll(ctx, "ann"))
		if held, err := creds.Held(ctx, "ann"); err != nil || len(held) != 0 {
			t.Errorf("%v, %v", held, err)
		}
	})
}

func TestChallenges(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, chs := t.Context(), db.Challenges
		c := mfa.Challenge{
			ID: "c", Subject: "ann", Kind: "totp", Adding: true, Binding: "flow", State: mfa.State("state"),
			Prompt: mfa.Prompt{Shape: mfa.ShapeScan, Secret: "SECRET"}, Expires: clock.Now().Add(time.Minute),
		}
		must(t, chs.Put(ctx, c))
		got, err := chs.Get(ctx, "c")
		must(t, err)
		if !reflect.DeepEqual(got, c) {
			t.Errorf("%+v\n%+v", got, c)
		}
		// B-03: the challenge dies with its tries, whoever asks.
		for range 3 {
			must(t, chs.Try(ctx, "c", 3))
		}
		wantErr(t, chs.Try(ctx, "c", 3), mfa.ErrExpired)
		must(t, chs.Spend(ctx, "c"))
		wantErr(t, chs.Spend(ctx, "c"), mfa.ErrExpired)
		_, err = chs.Get(ctx, "c")
		wantErr(t, err, mfa.ErrExpired)
		must(t, chs.Put(ctx, c))
		clock.Pass(time.Minute)
		_, err = chs.Get(ctx, "c")
		wantErr(t, errors.Join(err), mfa.ErrExpired)
		wantErr(t, chs.Try(ctx, "c", 3), mfa.ErrExpired)
		wantErr(t, chs.Spend(ctx, "c"), mfa.ErrExpired)
	})
}

func TestLog(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, log := t.Context(), db.Log
		const n = 1203 // more than two pages
		must(t, db.Atomic(ctx, func(ctx context.Context) error {
			for i := range n {
				e := idp.Event{
					ID: fmt.Sprintf("%05d", i), At: time.UnixMilli(int64(1000 + i/3)).UTC(), What: "signin.password", User: "ann",
					Actor: "ann", Client: "c", Session: "s", Method: "pwd", Origin: idp.Origin{Address: "::1", Agent: "\"a\""},
					Result: "ok", Detail: map[string]string{"k": "v"},
				}
				if i%2 == 1 {
					e.User = "bob"
				}
				if err := log.Append(ctx, e); err != nil {
					return err
				}
			}
			return nil
		}))
		read := func(q idp.EventQuery) (ids []string) {
			must(t, log.Events(ctx, q, func(e idp.Event) error {
				if e.What == "" || e.Detail["k"] != "v" || e.Origin.Agent != "\"a\"" {
					t.Fatalf("%+v", e)
				}
				_, err := db.Users.ByID(ctx, "x") // the reader may use the database
				wantErr(t, err, idp.ErrNotFound)
				ids = append(ids, e.ID)
				return nil
			}))
			return ids
		}
		if ids := read(idp.EventQuery{}); len(ids) != n || !slices.IsSorted(ids) {
			t.Errorf("%d events, sorted: %v", len(ids), slices.IsSorted(ids))
		}
		if ids := read(idp.EventQuery{User: "bob"}); len(ids) != n/2 {
			t.Errorf("%d events of bob", len(ids))
		}
		if ids := read(idp.EventQuery{Since: time.UnixMilli(1400)}); ids[0] != "01200" || len(ids) != 3 {
			t.Errorf("since: %v", ids)
		}
		if ids := read(idp.EventQuery{User: "ann", Limit: 3}); !slices.Equal(ids, []string{"01202", "01200", "01198"}) {
			t.Errorf("newest first: %v", ids)
		}
		if ids := read(idp.EventQuery{Limit: 700}); len(ids) != 700 || ids[0] != "01202" || ids[699] != "00503" {
			t.Errorf("%d newest", len(ids))
		}
		stop := errors.New("stop")
		wantErr(t, log.Events(ctx, idp.EventQuery{}, func(idp.Event) error { return stop }), stop)
	})
}

func TestSweep(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, start := t.Context(), clock.Now()
		person(t, db, "ann")
		put := func(n string, end time.Time) {
			must(t, db.Sessions.Open(ctx, idp.Session{ID: idp.SessionID(n), Hash: n, User: "ann", Seen: start, Expires: end, Idle: time.Hour}))
			must(t, db.Flows.Put(ctx, signin.Flow{ID: n, User: "ann", Expires: end}))
			must(t, db.Credentials.Save(ctx, mfa.Credential{ID: mfa.CredentialID(n), Subject: "ann"}))
			must(t, db.Challenges.Put(ctx, mfa.Challenge{ID: mfa.ChallengeID(n), Subject: "ann", Expires: end}))
			must(t, db.Grants.Put(ctx, oidc.Grant{Kind: "code", Signature: n, User: "ann", Expires: end}))
		}
		put("old", start.Add(time.Minute))
		put("new", start.Add(time.Hour))
		must(t, db.Limiter.Take(ctx, mfa.Budget{Key: "streak", Max: 5, Per: time.Second, Streak: 1}))
		must(t, db.Sweep(ctx, start.Add(time.Minute)))
		// The clock has not moved: what is gone was deleted, not merely over.
		_, _, err := db.Grants.Get(ctx, "code", "old")
		wantErr(t, err, idp.ErrNotFound)
		_, _, err = db.Flows.Get(ctx, "old")
		wantErr(t, err, idp.ErrExpired)
		_, _, err = db.Sessions.ByHash(ctx, "old")
		wantErr(t, err, idp.ErrNotFound)
		_, err = db.Challenges.Get(ctx, "old")
		wantErr(t, err, mfa.ErrExpired)
		_, _, err = db.Grants.Get(ctx, "code", "new")
		must(t, err)
		_, _, err = db.Flows.Get(ctx, "new")
		must(t, err)
		_, _, err = db.Sessions.ByHash(ctx, "new")
		must(t, err)
		_, err = db.Challenges.Get(ctx, "new")
		must(t, err)
		// B-02: time does not end a streak.
		clock.Pass(24 * time.Hour)
		must(t, db.Sweep(ctx, clock.Now()))
		wantErr(t, db.Limiter.Take(ctx, mfa.Budget{Key: "streak", Max: 5, Per: time.Second, Streak: 1}), mfa.ErrLocked)
	})
}

// D-11: whatever a stranger sends in a name, an id or a header can be looked up
// and written down, and finds nothing that it does not name exactly.
func TestStrangeText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "ann")
		seed(t, db, "ann")
		for _, bad := range []string{"ann\x00", "\x00", "ann\xff", "\xc3", "ann\x00\xff"} {
			_, err := db.Users.ByIdentifier(ctx, bad)
			wantErr(t, err, idp.ErrNotFound)
			_, _, err = db.Sessions.ByHash(ctx, bad)
			wantErr(t, err, idp.ErrNotFound)
			_, _, err = db.Flows.Get(ctx, bad)
			wantErr(t, err, idp.ErrExpired)
			wantErr(t, db.Flows.End(ctx, bad), idp.ErrSpent)
			wantErr(t, db.Challenges.Spend(ctx, mfa.ChallengeID(bad)), mfa.ErrExpired)
			_, _, err = db.Grants.Get(ctx, oidc.KindAccess, bad)
			wantErr(t, err, idp.ErrNotFound)
			_, err = db.OdooTokens.Fire(ctx, bad, "c")
			wantErr(t, err, idp.ErrSpent)
			_, err = db.Clients.ByID(ctx, oidc.ClientID(bad))
			wantErr(t, err, idp.ErrNotFound)
			if all, err := db.Users.List(ctx, idp.UserQuery{Text: bad}); err != nil || len(all) != 0 {
				t.Errorf("list: %v, %v", all, err)
			}
			must(t, db.Limiter.Take(ctx, mfa.Budget{Key: "name:" + bad, Max: 99, Per: time.Minute}))
			must(t, db.Log.Append(ctx, idp.Event{
				ID: rand.Text(), At: time.Now(), What: "x", Origin: idp.Origin{Address: bad, Agent: bad}, Detail: map[string]string{"login": bad},
			}))
		}
		if !traces(t, db, "ann") {
			t.Error("something of hers is gone")
		}
	})
}
