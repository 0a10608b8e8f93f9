package store_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// Who is who is decided by the database: of many at once one wins, and what it
// decided is not written over.
func TestTies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, ties, now := t.Context(), db.Ties, time.Now().Truncate(time.Millisecond)
		person(t, db, "ann")
		person(t, db, "bob")
		tie := func(odoo int64, u idp.UserID) connector.Tie {
			return connector.Tie{Connection: "shop", Odoo: odoo, User: u, Login: "l", Seen: connector.Seen{"name": "x"}, Created: now}
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for n := range 8 {
			wg.Go(func() {
				err := ties.Put(ctx, tie(7, []idp.UserID{"ann", "bob"}[n%2]))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, idp.ErrTaken) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		all, err := ties.ByOdoo(ctx, "shop", []int64{7, 8})
		if won != 1 || err != nil || len(all) != 1 {
			t.Fatalf("%d won: %+v %v", won, all, err)
		}
		first := all[7].User
		other := map[idp.UserID]idp.UserID{"ann": "bob", "bob": "ann"}[first]
		if err := ties.Put(ctx, tie(8, first)); !errors.Is(err, idp.ErrTaken) {
			t.Errorf("a second user of the same Odoo for one person: %v", err)
		}
		must(t, ties.Note(ctx, tie(7, other)))
		must(t, ties.Note(ctx, tie(8, first)))
		must(t, ties.Put(ctx, connector.Tie{Connection: "other", Odoo: 7, User: first, Created: now}))
		if got, err := ties.OfUser(ctx, first); err != nil || len(got) != 2 {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := ties.ByUser(ctx, "shop", other); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("%v", err)
		}
		must(t, ties.Put(ctx, tie(9, other)))
		changed := tie(9, other)
		changed.Linked, changed.Closed = now, connector.ClosedHere
		must(t, ties.Save(ctx, changed))
		if err := ties.Save(ctx, tie(10, other)); !errors.Is(err, idp.ErrNotFound) {
			t.Errorf("%v", err)
		}

		page := func(q connector.TieQuery) (out []int64) {
			q.Connection = "shop"
			found, err := ties.Page(ctx, q)
			must(t, err)
			for _, h := range found {
				out = append(out, h.Odoo)
			}
			return out
		}
		same(t, "all", page(connector.TieQuery{}), []int64{7, 9})
		same(t, "after", page(connector.TieQuery{After: 7}), []int64{9})
		same(t, "closed here, enabled here", page(connector.TieQuery{Apart: true}), []int64{9})
		must(t, db.Users.SetDisabled(ctx, other, true))
		must(t, db.Users.SetDisabled(ctx, first, true))
		same(t, "open there, disabled here", page(connector.TieQuery{Apart: true}), []int64{7})
		if n, err := ties.Count(ctx, "shop"); err != nil || n != 1 {
			t.Errorf("%d open, %v", n, err)
		}

		// Of a removed person nothing is left but that they do not come back.
		must(t, db.Users.Remove(ctx, first))
		all, err = ties.ByOdoo(ctx, "shop", []int64{7})
		if h := all[7]; err != nil || !h.Gone || h.Login != "" || len(h.Seen) != 0 {
			t.Errorf("%+v %v", h, err)
		}
		must(t, ties.Put(ctx, tie(7, "carl")))
	})
}

func same(t *testing.T, what string, got, want []int64) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}
