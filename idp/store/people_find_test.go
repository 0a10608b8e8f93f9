package store_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/people"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

func tie(ctx context.Context, db *store.DB, connection string, odoo int64, id idp.UserID) error {
	return db.Ties.Put(ctx, connector.Tie{Connection: connection, Odoo: odoo, User: id, Linked: time.UnixMilli(5), Created: time.UnixMilli(5)})
}

func named(t testing.TB, db *store.DB, id, name, email string, change ...func(*idp.User)) {
	t.Helper()
	u := idp.User{ID: idp.UserID(id), Login: id, Name: name, Email: email, Kind: idp.Internal, Created: time.UnixMilli(1)}
	for _, f := range change {
		f(&u)
	}
	must(t, db.Users.Add(t.Context(), u, []idp.Identifier{{Canonical: id, Skeleton: id}}))
}

func found(t testing.TB, db *store.DB, q people.Query) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	all, err := db.People.Find(t.Context(), q)
	must(t, err)
	var ids []string
	for _, e := range all {
		ids = append(ids, string(e.User.ID))
	}
	n, err := db.People.Count(t.Context(), q.Filter, 1000)
	must(t, err)
	if q.After == (people.Cursor{}) && q.Limit >= 100 && n != len(all) {
		t.Errorf("%+v: counted %d of %d", q.Filter, n, len(all))
	}
	return strings.Join(ids, " ")
}

// Words are found by their beginnings, folded, and follow every change.
func TestFindWords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		named(t, db, "u1", "Zoë Ångström-Łukasz", "zoe@example.org")
		named(t, db, "u2", "Müller, Jürgen", "j.mueller@mail.example.com")
		named(t, db, "u3", "Иван Петров", "ivan@example.org")
		named(t, db, "u4", "O’Brien 50%_x", "")
		for text, want := range map[string]string{
			"zoe": "u1", "ANG": "u1", "lukasz zoë": "u1", "muller jur": "u2", "müll": "u2", "example": "u2 u1 u3", "j.mueller@mail": "u2", "иВА": "u3", "brien 50": "u4",
			"50%": "u4", "%": "", "_": "", "gström": "", "zoe jurgen": "", "u3": "u3", "": "u2 u4 u1 u3",
		} {
			if got := found(t, db, people.Query{Filter: people.Filter{Text: text}}); got != want {
				t.Errorf("%q: %q, want %q", text, got, want)
			}
		}
		u, err := db.Users.ByID(ctx, "u1")
		must(t, err)
		u.Name = "Anna"
		must(t, db.Users.SetProfile(ctx, u))
		if got := found(t, db, people.Query{Filter: people.Filter{Text: "angstrom"}}) + found(t, db, people.Query{Filter: people.Filter{Text: "anna"}}); got != "u1" {
			t.Errorf("after a new name: %q", got)
		}
		is := u
		is.Login, is.Email = "anna", "anna@elsewhere.net"
		must(t, db.Users.SetEmail(ctx, u, is, []idp.Identifier{{Canonical: "anna", Skeleton: "anna"}}))
		if got := found(t, db, people.Query{Filter: people.Filter{Text: "elsewhere"}}); got != "u1" {
			t.Errorf("after a new address: %q", got)
		}
		must(t, db.Users.Remove(ctx, "u1"))
		if got := found(t, db, people.Query{Filter: people.Filter{Text: "anna"}}); got != "" {
			t.Errorf("after the end: %q", got)
		}
	})
}

// Filters mean what they say, and all of them together.
func TestFindFilters(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), clock.Now()
		named(t, db, "a", "A", "")
		named(t, db, "b", "B", "", func(u *idp.User) { u.Kind, u.Role = idp.Portal, idp.Admin })
		named(t, db, "c", "C", "", func(u *idp.User) { u.Disabled, u.Created = true, now })
		named(t, db, "d", "D", "", func(u *idp.User) { u.Password = "hash" })
		must(t, db.Groups.Put(ctx, "g"))
		must(t, db.Groups.Join(ctx, "g", "a"))
		must(t, db.Groups.Join(ctx, "g", "c"))
		must(t, db.Credentials.Save(ctx, mfa.Credential{ID: "x", Subject: "a", Kind: "totp", Created: now}))
		must(t, db.Credentials.Save(ctx, mfa.Credential{ID: "y", Subject: "b", Kind: "temporary", Created: now}))
		for id, ago := range map[idp.UserID]time.Duration{"a": time.Hour, "b": 100 * 24 * time.Hour} {
			must(t, db.Sessions.Open(ctx, idp.Session{ID: idp.SessionID("s" + id), Hash: "h" + string(id), User: id, Created: now.Add(-ago), Seen: now, Expires: now.Add(time.Hour), Idle: time.Hour}))
		}
		l, _ := idp.NewLink(idp.LinkInvite, idp.User{ID: "a"}, now, time.Hour)
		must(t, db.Links.Put(ctx, l))
		l, _ = idp.NewLink(idp.LinkInvite, idp.User{ID: "d"}, now, time.Hour)
		must(t, db.Links.Put(ctx, l))
		for range 3 {
			must(t, db.Limiter.Take(ctx, mfa.Budget{Key: "mfa:d:totp", Max: 3, Per: time.Hour}))
			must(t, db.Limiter.Take(ctx, mfa.Budget{Key: "pw:?77", Max: 3, Per: time.Hour}))
		}
		for want, f := range map[string]people.Filter{
			"a b c d": {}, "b": {Kind: idp.Portal}, "a c": {Group: "g"}, "b ": {Role: "admin"}, " b": {Role: people.AnyRole}, "b c d": {NoFactor: true}, "a b d": {Active: true},
			"c": {Disabled: true}, "d": {Locked: true}, "c d": {Never: true}, "a": {Invited: true}, "b d": {Stale: 90}, " c": {Group: "g", NoFactor: true, Never: true}, "": {Locked: true, Disabled: true},
		} {
			if got := found(t, db, people.Query{Filter: f}); got != strings.TrimSpace(want) {
				t.Errorf("%+v: %q, want %q", f, got, want)
			}
		}
		if got := found(t, db, people.Query{Sort: people.BySignIn}); got != "a b d c" {
			t.Errorf("by sign-in: %q", got)
		}
		must(t, db.Credentials.DropAll(ctx, "a"))
		if got := found(t, db, people.Query{Filter: people.Filter{NoFactor: true}}); got != "a b c d" {
			t.Errorf("after the last factor: %q", got)
		}
		locks, err := db.People.Locks(ctx, "a", "d")
		must(t, err)
		if len(locks) != 1 || locks[0].User != "d" || locks[0].What != "factor" || locks[0].Method != "totp" || locks[0].Until.IsZero() {
			t.Errorf("%+v", locks)
		}
		letters, err := db.People.Letters(ctx, "a")
		must(t, err)
		if len(letters) != 1 || letters[0].Purpose != idp.LinkInvite {
			t.Errorf("%+v", letters)
		}
	})
}

// Pages follow one another without a gap or a double, in both orders, though
// many have the same name and have never signed in.
func TestFindPages(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for i := range 23 {
			named(t, db, fmt.Sprintf("u%02d", i), []string{"Same", "Other", "Émile"}[i%3], "")
		}
		for _, sort := range []people.Sort{people.ByName, people.BySignIn} {
			var ids []string
			for q := (people.Query{Sort: sort, Limit: 5}); ; {
				all, err := db.People.Find(t.Context(), q)
				must(t, err)
				for _, e := range all {
					ids = append(ids, string(e.User.ID))
				}
				if len(all) < q.Limit {
					break
				}
				q.After = people.ParseCursor(all[len(all)-1].Place.String())
			}
			slices.Sort(ids)
			if len(ids) != 23 || len(slices.Compact(ids)) != 23 {
				t.Errorf("%s: %d: %v", sort, len(ids), ids)
			}
		}
	})
}

// People whom an older version added are found after Reword, which changes
// nothing the second time.
func TestReword(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		named(t, db, "a", "Ada", "")
		named(t, db, "b", "Bob", "")
		must(t, store.Unword(db, ctx))
		if got := found(t, db, people.Query{Filter: people.Filter{Text: "ada"}}); got != "" {
			t.Fatalf("%q", got)
		}
		for range 2 {
			must(t, db.Reword(ctx))
			must(t, db.Reprotect(ctx))
			if got := found(t, db, people.Query{Filter: people.Filter{Text: "ada", Never: true}}); got != "a" {
				t.Errorf("%q", got)
			}
		}
	})
}

// A batch is sealed, its owner's alone, and of two that change it one wins.
func TestBatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now := t.Context(), time.Now()
		b := people.Batch{ID: "b", Kind: "bulk", Owner: "ann", Body: []byte(`{"secret":"body"}`), Created: now, Expires: now.Add(time.Hour)}
		var items []people.Item
		for i := range 1200 {
			items = append(items, people.Item{Place: i, Body: []byte(fmt.Sprintf(`"%d"`, i))})
		}
		must(t, db.Batches.Add(ctx, b, 10, []byte("a file"), items))
		items[3].Result, items[4].Result, items[5].Result = "ok", "skip.role", "denied"
		must(t, db.Batches.Note(ctx, "b", items[3:6]))
		tally, err := db.Batches.Tally(ctx, "b")
		must(t, err)
		if tally[""] != 1197 || tally["ok"] != 1 || tally["skip.role"] != 1 {
			t.Errorf("%v", tally)
		}
		for want, q := range map[string]people.ItemQuery{
			`"0""1""2""6"`: {Exact: true, Limit: 4}, `"4"`: {Result: "skip", Limit: 9}, `"5"`: {Refused: true, Limit: 9}, `"1198""1199"`: {From: 1198, Limit: 9},
		} {
			got := ""
			some, err := db.Batches.Items(ctx, "b", q)
			must(t, err)
			for _, i := range some {
				got += string(i.Body)
			}
			if got != want {
				t.Errorf("%+v: %s, want %s", q, got, want)
			}
		}
		one, err := db.Batches.ByID(ctx, "b")
		must(t, err)
		two := one
		must(t, db.Batches.Save(ctx, one))
		if err := db.Batches.Save(ctx, two); err != idp.ErrSpent {
			t.Errorf("the second: %v", err)
		}
		if file, err := db.Batches.File(ctx, "b"); err != nil || string(file) != "a file" {
			t.Errorf("%s %v", file, err)
		}
		must(t, db.Sweep(ctx, now.Add(2*time.Hour)))
		if _, err := db.Batches.File(ctx, "b"); err != idp.ErrExpired {
			t.Errorf("after its end: %v", err)
		}
	})
}

// What moves in a merge, and what stays where it is.
func TestMoves(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "keep")
		person(t, db, "gone")
		for _, g := range []string{"both", "new"} {
			must(t, db.Groups.Put(ctx, g))
			must(t, db.Groups.Join(ctx, g, "gone"))
		}
		must(t, db.Groups.Join(ctx, "both", "keep"))
		must(t, db.Consents.Give(ctx, "keep", "c1", []string{"kept"}, time.Now()))
		must(t, db.Consents.Give(ctx, "gone", "c1", []string{"moved"}, time.Now()))
		must(t, db.Consents.Give(ctx, "gone", "c2", []string{"moved"}, time.Now()))
		must(t, tie(ctx, db, "one", 1, "keep"))
		must(t, tie(ctx, db, "one", 2, "gone"))
		must(t, tie(ctx, db, "two", 3, "gone"))
		must(t, db.Atomic(ctx, func(ctx context.Context) error {
			for _, move := range []func(context.Context, idp.UserID, idp.UserID) error{db.Moves.Memberships, db.Moves.Consents, db.Moves.Ties} {
				if err := move(ctx, "gone", "keep"); err != nil {
					return err
				}
			}
			return nil
		}))
		u, err := db.Users.ByID(ctx, "keep")
		must(t, err)
		if strings.Join(u.Groups, " ") != "both new" {
			t.Errorf("%v", u.Groups)
		}
		if scopes, _ := db.Consents.Of(ctx, "keep", "c1"); strings.Join(scopes, " ") != "kept" {
			t.Errorf("%v", scopes)
		}
		if scopes, _ := db.Consents.Of(ctx, "keep", "c2"); strings.Join(scopes, " ") != "moved" {
			t.Errorf("%v", scopes)
		}
		mine, err := db.Ties.OfUser(ctx, "keep")
		must(t, err)
		left, err := db.Ties.OfUser(ctx, "gone")
		must(t, err)
		if len(mine) != 2 || !mine[1].Linked.IsZero() || len(left) != 1 || left[0].Odoo != 2 {
			t.Errorf("%+v %+v", mine, left)
		}
	})
}
