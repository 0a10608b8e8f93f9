package figures_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/figures"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

var auditor = idp.Actor{User: "a", Role: idp.Auditor}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func event(n int, at time.Time, what string, k mfa.Kind, result string) idp.Event {
	return idp.Event{ID: what + string(k) + result + at.Format("150405") + string(rune('a'+n%26)) + string(rune('a'+n/26)), At: at, What: what, Method: k, Result: result}
}

// Each event is counted once, whoever counts and however often.
func TestCounting(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), clock.Now()
		yesterday := now.Add(-24 * time.Hour)
		for i := range 30 {
			must(t, db.Log.Append(ctx, event(i, now, "signin", "totp", "ok")))
			must(t, db.Log.Append(ctx, event(i, yesterday, "signin", "passkey", "ok")))
			must(t, db.Log.Append(ctx, event(i, now, "signin.password", "pwd", "wrong")))
		}
		must(t, db.Log.Append(ctx, event(0, now, "signin.password", "pwd", "locked")))
		must(t, db.Log.Append(ctx, event(0, now, "profile.change", "", "ok")))
		s := &figures.Service{Store: db.Figures, Now: clock.Now}
		storetest.Chain(t, db)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 20 {
					if _, err := db.Figures.CountEvents(ctx, 7); err != nil && !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		o, err := s.Overview(ctx, auditor, 7)
		must(t, err)
		today, before := o.SignIns[6], o.SignIns[5]
		if today.OK != 30 || today.Failed != 30 || today.Locked != 1 || before.OK != 30 || before.Failed != 0 || o.Methods["totp"] != 30 || o.Methods["passkey"] != 30 {
			t.Errorf("%+v %+v %v", today, before, o.Methods)
		}
		_, err = s.Overview(ctx, idp.Actor{User: "h", Role: idp.HelpDesk}, 7)
		if !errors.Is(err, idp.ErrDenied) { // D-01
			t.Errorf("the help desk reads it: %v", err)
		}
	})
}

// Coverage equals what the database has.
func TestCoverage(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), clock.Now()
		add := func(id string, kind idp.Kind, role idp.Role, held ...mfa.Kind) {
			u := idp.User{ID: idp.UserID(id), Login: id, Name: id, Kind: kind, Role: role, Created: now, Updated: now}
			must(t, db.Users.Add(ctx, u, []idp.Identifier{{Canonical: id, Skeleton: id}}))
			for _, k := range held {
				must(t, db.Credentials.Save(ctx, mfa.Credential{ID: mfa.CredentialID(id + string(k)), Subject: mfa.SubjectID(id), Kind: k, Created: now, Data: []byte("{}")}))
			}
		}
		add("bare", idp.Portal, "")
		add("app", idp.Portal, "", "totp", "backup")
		add("codes-alone", idp.Portal, "", "backup")
		add("key", idp.Internal, idp.Admin, "passkey", "totp")
		add("gone", idp.Internal, "", "totp")
		must(t, db.Users.SetDisabled(ctx, "gone", true))
		must(t, db.Groups.Put(ctx, "club"))
		must(t, db.Groups.Join(ctx, "club", "app"))
		must(t, db.Groups.Join(ctx, "club", "bare"))
		must(t, db.Groups.Join(ctx, "club", "gone"))
		c := &figures.Counter{Store: db.Figures, Now: clock.Now}
		must(t, c.Once(ctx))
		s := &figures.Service{Store: db.Figures, Now: clock.Now}
		all, err := s.Covered(ctx, auditor)
		must(t, err)
		for scope, want := range map[figures.Scope][3]int64{
			figures.All: {4, 2, 1}, figures.OfKind(idp.Portal): {3, 1, 0}, figures.OfKind(idp.Internal): {1, 1, 1},
			figures.OfRole(idp.Admin): {1, 1, 1}, figures.OfGroup("club"): {2, 1, 0}, figures.OfGroup("none"): {0, 0, 0},
		} {
			if got := figures.Find(all, scope); got.People != want[0] || got.Ready != want[1] || got.Resistant != want[2] {
				t.Errorf("%s: %+v, want %v", scope, got, want)
			}
		}
		if got := figures.Find(all, figures.All); got.Never != 4 || got.Stale != 0 {
			t.Errorf("%+v", got)
		}
		// Within the hour nobody measures again; after it somebody does.
		add("late", idp.Portal, "")
		must(t, c.Once(ctx))
		if all, _ = s.Covered(ctx, auditor); figures.Find(all, figures.All).People != 4 {
			t.Error("measured twice in an hour")
		}
		clock.Pass(time.Hour)
		must(t, c.Once(ctx))
		if all, _ = s.Covered(ctx, auditor); figures.Find(all, figures.All).People != 5 {
			t.Errorf("not measured again: %+v", all)
		}
		clock.Pass(24 * time.Hour)
		must(t, c.Once(ctx))
		o, err := s.Overview(ctx, auditor, 30)
		must(t, err)
		if len(o.Trend) != 2 || o.Trend[0].People != 5 {
			t.Errorf("%+v", o.Trend)
		}
	})
}

func TestPercent(t *testing.T) {
	for _, c := range []struct {
		part, of int64
		want     int
	}{{0, 0, 0}, {999, 1000, 99}, {1000, 1000, 100}, {1, 3, 33}} {
		if got := figures.Percent(c.part, c.of); got != c.want {
			t.Errorf("%d of %d: %d", c.part, c.of, got)
		}
	}
}
