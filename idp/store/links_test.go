package store_test

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

func linkOf(t *testing.T, db *store.DB, p idp.Purpose, id idp.UserID, now time.Time) idp.Link {
	t.Helper()
	u, err := db.Users.ByID(t.Context(), id)
	must(t, err)
	l, _ := idp.NewLink(p, u, now, p.Life())
	l.Data = map[string]string{"method": "totp"}
	must(t, db.Links.Put(t.Context(), l))
	return l
}

// M-11, E-04: a link is one person's, for one purpose, until it expires, and
// dies with the epoch.
func TestLinks(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, links := t.Context(), db.Links
		person(t, db, "ann")
		person(t, db, "bob")
		gone := func(p idp.Purpose, hash string) {
			t.Helper()
			_, _, err := links.Get(ctx, p, hash)
			wantErr(t, err, idp.ErrExpired)
		}
		l := linkOf(t, db, idp.LinkEnrol, "ann", clock.Now())
		got, u, err := links.Get(ctx, idp.LinkEnrol, l.Hash)
		must(t, err)
		if !reflect.DeepEqual(got, l) || u.ID != "ann" {
			t.Errorf("got %+v of %s\nwant %+v", got, u.ID, l)
		}
		gone(idp.LinkRecover, l.Hash)
		gone(idp.LinkEnrol, "")
		gone(idp.LinkEnrol, idp.HashLink(l.Hash))
		wantErr(t, links.Put(ctx, l), idp.ErrTaken)
		wantErr(t, links.Put(ctx, idp.Link{Hash: "x", User: "nobody"}), idp.ErrNotFound)

		short := linkOf(t, db, idp.LinkRecover, "ann", clock.Now())
		linkOf(t, db, idp.LinkRecover, "bob", clock.Now())
		clock.Pass(15*time.Minute - time.Millisecond)
		_, _, err = links.Get(ctx, idp.LinkRecover, short.Hash)
		must(t, err)
		clock.Pass(time.Millisecond)
		gone(idp.LinkRecover, short.Hash)
		wantErr(t, links.Spend(ctx, short.Hash), idp.ErrSpent)

		must(t, links.Void(ctx, idp.LinkRecover, "ann"))
		_, _, err = links.Get(ctx, idp.LinkEnrol, l.Hash) // another purpose
		must(t, err)
		his := linkOf(t, db, idp.LinkRecover, "bob", clock.Now())
		must(t, links.Void(ctx, idp.LinkRecover, "ann"))
		_, _, err = links.Get(ctx, idp.LinkRecover, his.Hash) // another person
		must(t, err)
		must(t, links.Void(ctx, idp.LinkEnrol, "ann"))
		gone(idp.LinkEnrol, l.Hash)
	})
}

// E-04, E-08: whatever raises the epoch kills the links from before; a disabled
// person's are good for nothing. One that tells of the change lives.
func TestLinksDieWithTheEpoch(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, links, users := t.Context(), db.Links, db.Users
		person(t, db, "ann")
		before := linkOf(t, db, idp.LinkNotMe, "ann", clock.Now())
		late, _ := idp.NewLink(idp.LinkRecover, idp.User{ID: "ann"}, clock.Now(), time.Hour)
		tells, _ := idp.NewLink(idp.LinkNotMe, idp.User{ID: "ann"}, clock.Now(), time.Hour)
		tells.Epoch = idp.EpochAtCommit
		must(t, db.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(users.RaiseEpoch(ctx, "ann"), links.Put(ctx, tells))
		}))
		must(t, links.Put(ctx, late)) // made before, written after
		for _, l := range []idp.Link{before, late} {
			_, _, err := links.Get(ctx, l.Purpose, l.Hash)
			wantErr(t, err, idp.ErrExpired)
		}
		got, _, err := links.Get(ctx, idp.LinkNotMe, tells.Hash)
		must(t, err)
		if got.Epoch != 1 {
			t.Errorf("epoch %d", got.Epoch)
		}
		must(t, users.SetDisabled(ctx, "ann", true))
		disabled := linkOf(t, db, idp.LinkRecover, "ann", clock.Now())
		_, _, err = links.Get(ctx, idp.LinkRecover, disabled.Hash)
		wantErr(t, err, idp.ErrExpired)
		wantErr(t, links.Spend(ctx, tells.Hash), idp.ErrSpent)
	})
}

// M-11, E-04: of twenty that use a link at once one wins, and what the others
// would have done with it is not done.
func TestLinkOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "ann")
		for range 5 {
			u, err := db.Users.ByID(ctx, "ann")
			must(t, err)
			l := linkOf(t, db, idp.LinkRecover, "ann", time.Now())
			var won atomic.Int64
			parallel(t, 20, func(int) error {
				err := db.Atomic(ctx, func(ctx context.Context) error {
					return errors.Join(db.Links.Spend(ctx, l.Hash), db.Users.RaiseEpoch(ctx, "ann"))
				})
				if err == nil {
					won.Add(1)
				} else if !errors.Is(err, idp.ErrSpent) {
					return err
				}
				return nil
			})
			after, err := db.Users.ByID(ctx, "ann")
			must(t, err)
			if won.Load() != 1 || after.Epoch != u.Epoch+1 {
				t.Fatalf("%d winners, epoch %d after %d", won.Load(), after.Epoch, u.Epoch)
			}
		}
	})
}

// M-11, C-03: what a link is about is sealed for its person and purpose: moved
// to another in the database it opens nothing.
func TestLinkIsSealed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "ann")
		person(t, db, "bob")
		l := linkOf(t, db, idp.LinkNotMe, "ann", time.Now())
		for purpose, edit := range map[idp.Purpose]string{
			idp.LinkNotMe:   `UPDATE links SET user_id = 'bob'`,
			idp.LinkRecover: `UPDATE links SET user_id = 'ann', purpose = 'recover'`,
		} {
			must(t, db.Forge(ctx, edit))
			_, _, err := db.Links.Get(ctx, purpose, l.Hash)
			wantErr(t, err, keyring.ErrSealed)
			must(t, db.Forge(ctx, `UPDATE links SET user_id = 'ann', purpose = 'not-me'`))
			_, _, err = db.Links.Get(ctx, idp.LinkNotMe, l.Hash)
			must(t, err)
		}
	})
}
