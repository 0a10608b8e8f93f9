package store_test

import (
	"errors"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// W-05, W-07: a handle names one credential of a kind, whoever has it.
func TestHandles(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, held := t.Context(), db.Credentials
		hers := mfa.Credential{ID: "1", Subject: "ann", Kind: "passkey", Handle: "h", Data: []byte("hers"), Created: clock.Now()}
		must(t, held.Save(ctx, hers))
		wantErr(t, held.Save(ctx, mfa.Credential{ID: "2", Subject: "eve", Kind: "passkey", Handle: "h"}), mfa.ErrConflict)
		must(t, held.Save(ctx, mfa.Credential{ID: "3", Subject: "eve", Kind: "other", Handle: "h"}))
		for _, id := range []mfa.CredentialID{"4", "5"} { // none is no name
			must(t, held.Save(ctx, mfa.Credential{ID: id, Subject: "eve", Kind: "passkey"}))
		}
		got, err := held.ByHandle(ctx, "passkey", "h")
		must(t, err)
		if got.ID != "1" || got.Subject != "ann" || string(got.Data) != "hers" || got.Version != 1 {
			t.Errorf("%+v", got)
		}
		for _, h := range []string{"", "x", "H"} {
			_, err := held.ByHandle(ctx, "passkey", h)
			wantErr(t, err, mfa.ErrNotHeld)
		}
		must(t, held.Drop(ctx, "ann", "1"))
		_, err = held.ByHandle(ctx, "passkey", "h")
		wantErr(t, err, mfa.ErrNotHeld)
	})
}

// what has expired is held no more, by any question; a save can end it.
func TestCredentialsExpire(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, held := t.Context(), db.Credentials
		person(t, db, "ann")
		c := mfa.Credential{ID: "1", Subject: "ann", Kind: "temporary", Handle: "h", Expires: clock.Now().Add(time.Hour)}
		must(t, held.Save(ctx, c))
		must(t, held.Save(ctx, mfa.Credential{ID: "2", Subject: "ann", Kind: "totp"}))
		kinds := func(want ...mfa.Kind) {
			t.Helper()
			u, err := db.Users.ByID(ctx, "ann")
			must(t, err)
			all, err := held.Held(ctx, "ann")
			must(t, err)
			var got []mfa.Kind
			for _, c := range all {
				got = append(got, c.Kind)
			}
			slices.Sort(got)
			_, named := held.ByHandle(ctx, "temporary", "h")
			if !slices.Equal(got, want) || !slices.Equal(u.Factors, want) || (named == nil) != slices.Contains(want, "temporary") {
				t.Errorf("held %v, known %v, by handle %v; want %v", got, u.Factors, named, want)
			}
		}
		kinds("temporary", "totp")
		clock.Pass(time.Hour - time.Millisecond)
		kinds("temporary", "totp")
		clock.Pass(time.Millisecond)
		kinds("totp")
		// It gives way to another one all the same, and this one ends by a use.
		must(t, held.DropKind(ctx, "ann", "temporary"))
		must(t, held.DropKind(ctx, "ann", "temporary"))
		c.ID, c.Expires = "3", clock.Now().Add(time.Hour)
		must(t, held.Save(ctx, c))
		kinds("temporary", "totp")
		c.Version, c.Expires = 1, clock.Now()
		must(t, held.Save(ctx, c))
		kinds("totp")
		clock.Pass(time.Hour)
		must(t, db.Sweep(ctx, clock.Now()))
		must(t, db.Forge(ctx, `UPDATE credentials SET expires = 0`))
		kinds("totp") // nothing else was left
	})
}

// T-07: another code keeps the tries that are used up; a challenge that is over
// gets none.
func TestRenew(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, cs := t.Context(), db.Challenges
		c := mfa.Challenge{ID: "c", Subject: "ann", Kind: "sms", Binding: "b", State: mfa.State("one"), Expires: clock.Now().Add(time.Minute)}
		must(t, cs.Put(ctx, c))
		for range 2 {
			must(t, cs.Try(ctx, "c", 3))
		}
		c.State, c.Prompt.SentTo = mfa.State("two"), "•••78"
		must(t, cs.Renew(ctx, c))
		got, err := cs.Get(ctx, "c")
		must(t, err)
		if string(got.State) != "two" || got.Prompt.SentTo != "•••78" || !got.Expires.Equal(c.Expires) {
			t.Errorf("%+v", got)
		}
		must(t, cs.Try(ctx, "c", 3))
		wantErr(t, cs.Try(ctx, "c", 3), mfa.ErrExpired)
		foreign := c
		foreign.Subject = "eve"
		wantErr(t, cs.Renew(ctx, foreign), mfa.ErrExpired)
		clock.Pass(time.Minute)
		wantErr(t, cs.Renew(ctx, c), mfa.ErrExpired)
		c.ID = "never"
		wantErr(t, cs.Renew(ctx, c), mfa.ErrExpired)
	})
}

// W-01: a challenge that was never stored is good once, too, also among twenty.
func TestBurn(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, cs := t.Context(), db.Challenges
		for range 5 {
			c := mfa.Challenge{ID: mfa.ChallengeID(clock.Now().String()), Kind: "passkey", Expires: clock.Now().Add(time.Minute)}
			var won atomic.Int64
			parallel(t, 20, func(int) error {
				err := cs.Burn(ctx, c)
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, mfa.ErrExpired) {
					return err
				}
				return nil
			})
			if won.Load() != 1 {
				t.Fatalf("%d winners", won.Load())
			}
			for _, id := range []mfa.ChallengeID{c.ID, "burnt:" + c.ID} { // it is no challenge that anybody can answer
				if got, err := cs.Get(ctx, id); err == nil {
					t.Errorf("a burnt challenge came back: %+v", got)
				}
			}
			clock.Pass(time.Second)
		}
		clock.Pass(time.Minute)
		must(t, db.Sweep(ctx, clock.Now()))
	})
}

// What decisions ask of a person beside their factors.
func TestMethodAndGraces(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, users := t.Context(), db.Users
		person(t, db, "ann")
		person(t, db, "bob")
		began := time.UnixMilli(1_700_000_000_123).UTC()
		must(t, users.SetMethod(ctx, "ann", "sms"))
		must(t, users.BeginGrace(ctx, "ann", []string{"p:1", "p2"}, began))
		must(t, users.BeginGrace(ctx, "ann", []string{"p2", "p3"}, began.Add(time.Hour))) // p2 goes on
		must(t, users.BeginGrace(ctx, "ann", nil, began))
		wantErr(t, users.BeginGrace(ctx, "nobody", []string{"p"}, began), idp.ErrNotFound)
		must(t, db.Offers.PutOff(ctx, "ann", began))
		wantErr(t, db.Offers.PutOff(ctx, "nobody", began), idp.ErrNotFound)
		u, err := users.ByIdentifier(ctx, "ann")
		must(t, err)
		if bob, err := users.ByID(ctx, "bob"); err != nil || !bob.PasskeyOffer.IsZero() || !u.PasskeyOffer.Equal(began) {
			t.Errorf("a passkey may be offered to ann from %s, to bob from %s, %v", u.PasskeyOffer, bob.PasskeyOffer, err)
		}
		want := map[string]time.Time{"p:1": began, "p2": began, "p3": began.Add(time.Hour)}
		if u.Method != "sms" || !maps.Equal(u.Graces, want) {
			t.Errorf("%q, %v", u.Method, u.Graces)
		}
		bob, err := users.ByID(ctx, "bob")
		must(t, err)
		if bob.Method != "" || len(bob.Graces) != 0 {
			t.Errorf("bob has %q, %v", bob.Method, bob.Graces)
		}
	})
}

// E-08: a void password is none, whatever it was; a rehash that is under way
// does not bring it back.
func TestVoidPassword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, users := t.Context(), db.Users
		person(t, db, "ann")
		must(t, users.VoidPassword(ctx, "ann"))
		must(t, users.VoidPassword(ctx, "ann"))
		wantErr(t, users.SetPassword(ctx, "ann", "hash", "rehash"), idp.ErrSpent)
		if u, err := users.ByID(ctx, "ann"); err != nil || u.Password != "" {
			t.Errorf("%q, %v", u.Password, err)
		}
		wantErr(t, users.VoidPassword(ctx, "nobody"), idp.ErrNotFound)
	})
}

// S-05, S-06: a session knows the trusted device that helped to open it, and
// ends with it.
func TestSessionsOfADevice(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, sessions := t.Context(), db.Sessions
		person(t, db, "ann")
		person(t, db, "bob")
		open := func(id string, user idp.UserID, device string) {
			t.Helper()
			must(t, sessions.Open(ctx, idp.Session{
				ID: idp.SessionID(id), Hash: id, User: user, Device: device, Seen: time.Now(), Expires: time.Now().Add(time.Hour), Idle: time.Hour,
			}))
		}
		open("1", "ann", "d1")
		open("2", "ann", "d2")
		open("3", "ann", "")
		open("4", "bob", "d1")
		s, _, err := sessions.ByHash(ctx, "1")
		must(t, err)
		if s.Device != "d1" {
			t.Errorf("%+v", s)
		}
		there := func(want map[string]bool) {
			t.Helper()
			for hash, there := range want {
				if _, _, err := sessions.ByHash(ctx, hash); (err == nil) != there {
					t.Errorf("session %s: %v, want there = %v", hash, err, there)
				}
			}
		}
		must(t, sessions.EndDevice(ctx, "ann", "d1", ""))
		there(map[string]bool{"1": false, "2": true, "3": true, "4": true})
		open("5", "ann", "d1")
		must(t, sessions.EndDevice(ctx, "ann", "", "5")) // of any device but this one
		there(map[string]bool{"2": false, "3": true, "4": true, "5": true})
	})
}
