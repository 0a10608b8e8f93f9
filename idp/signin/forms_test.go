package signin_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// What was typed comes back once, to whom it belongs, in their browser, on its
// page, within 15 minutes; it lies sealed, and there is one of a person.
func TestKeptForms(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		forms := signin.Forms{In: &signin.Service{Users: db.Users, Links: db.Links, Atomic: db.Atomic, Limiter: db.Limiter, Now: clock.Now}}
		for _, id := range []idp.UserID{"ada", "bob"} {
			if err := db.Users.Add(ctx, idp.User{ID: id, Login: string(id), Created: clock.Now(), Updated: clock.Now()}, nil); err != nil {
				t.Fatal(err)
			}
		}
		keep := func(f signin.Form) string {
			t.Helper()
			token, err := forms.Keep(ctx, f)
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		form := signin.Form{User: "ada", Browser: "b1", Page: "/admin/settings", Action: "/admin/settings/mail", Typed: "name=typed", Whole: true}
		refused := func(token string, who idp.UserID, browser, page string) {
			t.Helper()
			if f, err := forms.Take(ctx, token, who, browser, page); !errors.Is(err, idp.ErrExpired) || f.Typed != "" {
				t.Errorf("%s %s %s: %v, %v", who, browser, page, f, err)
			}
		}
		token := keep(form)
		refused(token, "bob", "b1", "/admin/settings")
		refused(token, "ada", "b2", "/admin/settings")
		refused(token, "ada", "b1", "/admin/branding")
		refused(token+"x", "ada", "b1", "/admin/settings")
		var wins, losses int
		var mu sync.Mutex
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				f, err := forms.Take(ctx, token, "ada", "b1", "/admin/settings")
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && f == form:
					wins++
				case errors.Is(err, idp.ErrSpent), errors.Is(err, idp.ErrExpired):
					losses++
				default:
					t.Errorf("%v, %v", f, err)
				}
			})
		}
		if all.Wait(); wins != 1 || losses != 7 {
			t.Errorf("%d got it", wins)
		}
		// The newer replaces the older, of the same person alone.
		first, other := keep(form), keep(signin.Form{User: "bob", Browser: "b1", Page: "/x", Typed: "a=b"})
		second := keep(form)
		refused(first, "ada", "b1", "/admin/settings")
		if _, err := forms.Take(ctx, other, "bob", "b1", "/x"); err != nil {
			t.Error(err)
		}
		clock.Pass(15*time.Minute + time.Second)
		refused(second, "ada", "b1", "/admin/settings")
		// C-11: this is the bound of the use case, whoever calls it.
		for n, want := range map[int]error{64 << 10: nil, 64<<10 + 1: idp.ErrInvalid} {
			if _, err := forms.Keep(ctx, signin.Form{User: "ada", Typed: strings.Repeat("a", n)}); !errors.Is(err, want) {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		for _, who := range []idp.UserID{"", "nobody"} {
			if _, err := forms.Keep(ctx, signin.Form{User: who}); !errors.Is(err, idp.ErrNotFound) {
				t.Errorf("%q: %v", who, err)
			}
		}
	})
}
