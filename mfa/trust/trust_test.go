package trust_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/trust"
)

const day = 24 * time.Hour

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house is a database with people who trust browsers.
type house struct {
	*trust.Book
	db    *store.DB
	clock *storetest.Clock
}

func open(t testing.TB, db *store.DB, clock *storetest.Clock, people ...idp.UserID) house {
	t.Helper()
	for _, id := range people {
		must(t, db.Users.Add(t.Context(), idp.User{ID: id, Login: string(id), Kind: idp.Internal}, nil))
	}
	return house{&trust.Book{Devices: db.Devices, Secret: []byte("a key"), Now: clock.Now}, db, clock}
}

func each(t *testing.T, f func(t *testing.T, h house)) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(t, open(t, db, clock, "ada", "bob")) })
}

// trusted makes a browser trusted by a person and returns its new cookie.
func (h house) trusted(t testing.TB, id mfa.SubjectID, cookie string) (trust.Device, string) {
	t.Helper()
	u, err := h.db.Users.ByID(t.Context(), idp.UserID(id))
	must(t, err)
	d, next, err := h.Trust(t.Context(), id, u.Epoch, []mfa.Kind{"totp"}, "Firefox", "192.0.2.7", cookie, 30*day)
	must(t, err)
	return d, next
}

// knows asks as a sign-in does: with the person as they are now.
func (h house) knows(t testing.TB, id mfa.SubjectID, cookie string) (trust.Device, bool) {
	t.Helper()
	u, err := h.db.Users.ByID(t.Context(), idp.UserID(id))
	must(t, err)
	d, ok, err := h.Recognise(t.Context(), id, u.Epoch, u.Trust, cookie)
	must(t, err)
	return d, ok
}

func (h house) wants(t testing.TB, id mfa.SubjectID, cookie string, want bool) {
	t.Helper()
	for range 2 { // the second answer comes from the cache, if there is one
		if _, ok := h.knows(t, id, cookie); ok != want {
			t.Fatalf("%s is recognised: %v, want %v", id, ok, want)
		}
	}
}

// M-19: a browser is trusted by whoever trusts it, by nobody else, and until a
// moment that use does not move.
func TestTrust(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		made, cookie := h.trusted(t, "ada", "")
		got, ok := h.knows(t, "ada", cookie)
		if !ok || !reflect.DeepEqual(got, made) {
			t.Errorf("got %+v, %v; want %+v", got, ok, made)
		}
		if !slices.Equal(made.Proven, []mfa.Kind{"totp"}) || made.Agent != "Firefox" || made.Address != "192.0.2.7" || !made.Expires.Equal(h.clock.Now().Add(30*day)) {
			t.Errorf("%+v", made)
		}
		h.wants(t, "bob", cookie, false)
		h.wants(t, "ada", "", false)
		other := house{&trust.Book{Devices: h.Devices, Secret: []byte("another key"), Now: h.Now}, h.db, h.clock}
		other.wants(t, "ada", cookie, false)
		for range 29 {
			h.clock.Pass(day)
			d, ok := h.knows(t, "ada", cookie)
			if !ok {
				t.Fatal("forgotten too early")
			}
			must(t, h.Seen(t.Context(), d, "192.0.2.8"))
		}
		h.clock.Pass(day - time.Millisecond)
		h.wants(t, "ada", cookie, true)
		h.clock.Pass(time.Millisecond)
		h.wants(t, "ada", cookie, false)
	})
}

func TestNoTime(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, "ada")
	for _, life := range []time.Duration{0, -day} {
		if _, _, err := h.Trust(t.Context(), "ada", 0, []mfa.Kind{"totp"}, "", "", "", life); !errors.Is(err, trust.ErrNoTime) {
			t.Errorf("%v: %v", life, err)
		}
	}
}

// E-08, S-05: whatever raises the epoch ends all trust, at once and for good.
func TestEpochEndsTrust(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx, users := t.Context(), h.db.Users
		for name, end := range map[string]func() error{
			"raised": func() error { return users.RaiseEpoch(ctx, "ada") },
			"disabled": func() error {
				return errors.Join(users.SetDisabled(ctx, "ada", true), users.SetDisabled(ctx, "ada", false))
			},
		} {
			made, first := h.trusted(t, "ada", "")
			_, second := h.trusted(t, "ada", "")
			_, his := h.trusted(t, "bob", second)
			h.wants(t, "ada", first, true)
			must(t, end())
			h.wants(t, "ada", first, false)
			h.wants(t, "ada", his, false)
			h.wants(t, "bob", his, true)
			if all, err := h.Of(ctx, "ada"); err != nil || len(all) != 0 {
				t.Errorf("%s: %v, %v", name, all, err)
			}
			if _, err := h.Devices.ByHash(ctx, "ada", -1, made.Hash); !errors.Is(err, trust.ErrForgotten) {
				t.Errorf("%s: the row is still there: %v", name, err)
			}
		}
		// One that was asked for before and is written after is dead, too.
		_, late, err := h.Trust(ctx, "ada", 0, []mfa.Kind{"totp"}, "", "", "", day)
		must(t, err)
		h.wants(t, "ada", late, false)
		if all, err := h.Of(ctx, "ada"); err != nil || len(all) != 0 {
			t.Errorf("a dead device is listed: %v, %v", all, err)
		}
	})
}

// S-06: people see and forget their own devices only.
func TestForget(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx := t.Context()
		one, first := h.trusted(t, "ada", "")
		h.clock.Pass(time.Minute)
		two, second := h.trusted(t, "ada", "")
		his, his1 := h.trusted(t, "bob", "")
		all, err := h.Of(ctx, "ada")
		must(t, err)
		if len(all) != 2 || !reflect.DeepEqual(all[0], two) || !reflect.DeepEqual(all[1], one) {
			t.Errorf("%v", all)
		}
		for _, id := range []string{his.ID, "", "no such", "' OR '1'='1"} {
			if err := h.Forget(ctx, "ada", id); !errors.Is(err, trust.ErrForgotten) {
				t.Errorf("%q: %v", id, err)
			}
		}
		h.wants(t, "ada", first, true)
		must(t, h.Forget(ctx, "ada", one.ID))
		h.wants(t, "ada", first, false)
		h.wants(t, "ada", second, true)
		must(t, h.ForgetAll(ctx, "ada"))
		must(t, h.ForgetAll(ctx, "ada"))
		h.wants(t, "ada", second, false)
		h.wants(t, "bob", his1, true)
		if err := h.Seen(ctx, two, ""); !errors.Is(err, trust.ErrForgotten) {
			t.Errorf("a forgotten device was kept: %v", err)
		}
	})
}

// Trusting a browser once more makes the old token worthless, in one
// transaction with whatever else is written.
func TestAgain(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		_, old := h.trusted(t, "ada", "")
		h.wants(t, "ada", old, true)
		boom := errors.New("boom")
		err := h.db.Atomic(t.Context(), func(ctx context.Context) error {
			_, _, err := h.Trust(ctx, "ada", 0, []mfa.Kind{"totp"}, "", "", old, day)
			return errors.Join(err, boom)
		})
		if !errors.Is(err, boom) {
			t.Fatal(err)
		}
		h.wants(t, "ada", old, true)
		_, next := h.trusted(t, "ada", old)
		h.wants(t, "ada", old, false)
		h.wants(t, "ada", next, true)
		if all, err := h.Of(t.Context(), "ada"); err != nil || len(all) != 1 {
			t.Errorf("%v, %v", all, err)
		}
	})
}

// The last use is noted once an hour.
func TestSeen(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		h.Place = func(ip string) string { return "at " + ip }
		began := h.clock.Now()
		_, cookie := h.trusted(t, "ada", "")
		see := func(address string) trust.Device {
			t.Helper()
			d, ok := h.knows(t, "ada", cookie)
			if !ok {
				t.Fatal("not recognised")
			}
			must(t, h.Seen(t.Context(), d, address))
			all, err := h.Of(t.Context(), "ada")
			must(t, err)
			return all[0]
		}
		h.clock.Pass(59 * time.Minute)
		if d := see("192.0.2.8"); !d.Used.Equal(began) || d.Address != "192.0.2.7" || d.Place != "at 192.0.2.7" {
			t.Errorf("noted too early: %+v", d)
		}
		h.clock.Pass(time.Minute)
		if d := see("192.0.2.8"); !d.Used.Equal(h.clock.Now()) || d.Address != "192.0.2.8" || d.Place != "at 192.0.2.8" {
			t.Errorf("not noted: %+v", d)
		}
		h.clock.Pass(time.Minute)
		if d := see("192.0.2.9"); d.Address != "192.0.2.8" {
			t.Errorf("noted again: %+v", d)
		}
	})
}

// S-05: of a sign-in with a trusted browser and a Forget at the same time,
// either the sign-in fails or its session ends with the device.
func TestForgetWhileSigningIn(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		ctx, later := t.Context(), h.clock.Now().Add(day)
		for round := range 5 {
			d, cookie := h.trusted(t, "ada", "")
			found, ok := h.knows(t, "ada", cookie)
			if !ok {
				t.Fatal("not recognised")
			}
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					if i == 7 {
						must(t, h.db.Atomic(ctx, func(ctx context.Context) error {
							return errors.Join(h.Forget(ctx, "ada", d.ID), h.db.Sessions.EndDevice(ctx, "ada", d.ID, ""))
						}))
						return
					}
					err := h.db.Atomic(ctx, func(ctx context.Context) error {
						n := fmt.Sprint(round, "-", i)
						s := idp.Session{ID: idp.SessionID(n), Hash: n, User: "ada", Device: d.ID, Seen: h.clock.Now(), Expires: later, Idle: time.Hour}
						return errors.Join(h.db.Sessions.Open(ctx, s), h.Seen(ctx, found, ""))
					})
					if err != nil && !errors.Is(err, trust.ErrForgotten) {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			h.wants(t, "ada", cookie, false)
			if left, err := h.db.Sessions.Of(ctx, "ada"); err != nil || len(left) != 0 {
				t.Fatalf("%d sessions outlived their device, %v", len(left), err)
			}
		}
	})
}

// Twenty that recognise while one forgets: whoever asks afterwards is told no,
// whatever the others have put into the cache meanwhile.
func TestForgetWhileRecognising(t *testing.T) {
	each(t, func(t *testing.T, h house) {
		for range 5 {
			d, cookie := h.trusted(t, "ada", "")
			var wg sync.WaitGroup
			for i := range 20 {
				wg.Go(func() {
					if i == 7 {
						must(t, h.Forget(t.Context(), "ada", d.ID))
						return
					}
					h.knows(t, "ada", cookie)
				})
			}
			wg.Wait()
			h.wants(t, "ada", cookie, false)
		}
	})
}

func TestCookie(t *testing.T) {
	clock := storetest.NewClock()
	people := []idp.UserID{"ada", "person-1", "person-2", "person-3", "person-4", "person-5", "person-6"}
	h := open(t, storetest.OpenAt(t, clock.Now), clock, people...)
	cookie := ""
	for _, id := range people {
		_, cookie = h.trusted(t, mfa.SubjectID(id), cookie)
		if strings.Contains(cookie, string(id)) {
			t.Errorf("the cookie names %s: %s", id, cookie)
		}
	}
	if n := strings.Count(cookie, "~") + 1; n != 6 || len(cookie) >= 4096/4 {
		t.Errorf("%d entries, %d bytes", n, len(cookie))
	}
	for i, id := range people {
		h.wants(t, mfa.SubjectID(id), cookie, i > 0) // the oldest gave way
	}
	_, hers := h.trusted(t, "ada", "")
	for _, junk := range []string{
		hers + "~" + strings.Repeat("x", 300), "~~~" + hers, "a.b~" + hers, "\x00~" + hers, "🔑~" + hers,
		strings.Repeat("A", 12) + "." + strings.Repeat("A", 43) + "~" + hers,
	} {
		h.wants(t, "ada", junk, true)
		if _, next := h.trusted(t, "person-1", junk); len(next) >= 4096 || strings.ContainsAny(next, "x\x00🔑") && strings.Contains(next, "xxxx") {
			t.Errorf("junk was kept: %q", next)
		}
	}
	selector, token, _ := strings.Cut(hers, ".")
	for _, wrong := range []string{
		selector, selector + ".", selector + "." + token[1:], selector + "." + token + "A", "." + token, strings.ToUpper(selector) + "." + token,
		selector + "." + strings.Repeat("A", 43) + "~" + hers, // one entry is looked up: the first
		hers[:20] + "\n" + hers[21:], strings.Repeat("~", 5000) + hers,
	} {
		h.wants(t, "ada", wrong, false)
	}
}

func FuzzCookie(f *testing.F) {
	clock := storetest.NewClock()
	h := open(f, storetest.OpenAt(f, clock.Now), clock, "ada")
	_, hers := h.trusted(f, "ada", "")
	f.Add(hers)
	f.Add("a~b.c~")
	f.Fuzz(func(t *testing.T, cookie string) {
		if _, ok, err := h.Recognise(t.Context(), "ada", 0, 0, cookie); err != nil || ok && !strings.Contains(cookie, hers) {
			t.Errorf("%q: %v, %v", cookie, ok, err)
		}
		_, next, err := h.Trust(t.Context(), "bob", 0, []mfa.Kind{"totp"}, "", "", cookie, day)
		if err != nil || len(next) >= 4096 {
			t.Errorf("%q became %q, %v", cookie, next, err)
		}
	})
}
