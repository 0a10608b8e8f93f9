package store_test

import (
	"errors"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/people"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// E-04, E-08: a request is good once and for its time, also beside a later one of
// the same address, and ends with that; of many who use it at once one wins, and is
// known as somebody who registered.
func TestRequested(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "ann")
		person(t, db, "bob")
		ask := func(address string) idp.Link {
			l, _ := idp.NewLink(idp.LinkRegister, idp.User{ID: idp.UserID(address)}, clock.Now(), time.Hour)
			l.Data = map[string]string{"email": "x@example.org"}
			must(t, db.Requested.Put(ctx, l))
			return l
		}
		first, other := ask("x"), ask("y")
		second := ask("x")
		if got, err := db.Requested.Get(ctx, first.Hash); err != nil || !reflect.DeepEqual(got, first) {
			t.Errorf("%+v, %v, want %+v", got, err, first)
		}
		got, err := db.Requested.Get(ctx, second.Hash)
		must(t, err)
		if !reflect.DeepEqual(got, second) {
			t.Errorf("%+v, want %+v", got, second)
		}
		var won atomic.Int32
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if err := db.Requested.Spend(ctx, second.Hash, "ann"); err == nil {
					won.Add(1)
				} else if !errors.Is(err, idp.ErrSpent) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		_, err = db.Requested.Get(ctx, first.Hash)
		wantErr(t, err, idp.ErrExpired)
		wantErr(t, db.Requested.Spend(ctx, first.Hash, "bob"), idp.ErrSpent)
		all, err := db.People.Find(ctx, people.Query{Filter: people.Filter{Registered: true}, Limit: 10})
		must(t, err)
		if won.Load() != 1 || len(all) != 1 || all[0].User.ID != "ann" || !all[0].Registered.Equal(clock.Now()) {
			t.Errorf("%d won; %+v", won.Load(), all)
		}
		if e, err := db.People.Entry(ctx, "bob"); err != nil || !e.Registered.IsZero() {
			t.Errorf("%+v, %v", e, err)
		}
		clock.Pass(time.Hour)
		_, err = db.Requested.Get(ctx, other.Hash)
		wantErr(t, err, idp.ErrExpired)
		wantErr(t, db.Requested.Spend(ctx, other.Hash, "bob"), idp.ErrSpent)
		must(t, db.Sweep(ctx, clock.Now()))
		must(t, db.Requested.Put(ctx, other)) // its row is gone
	})
}
