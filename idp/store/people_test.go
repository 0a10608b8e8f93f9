package store_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got %v, want %v", err, want)
	}
}

// ids makes identifiers of pairs: canonical form, skeleton.
func ids(pairs ...string) (out []idp.Identifier) {
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, idp.Identifier{Canonical: pairs[i], Skeleton: pairs[i+1]})
	}
	return out
}

// person adds a user who is found by their id.
func person(t testing.TB, db *store.DB, id idp.UserID) idp.User {
	t.Helper()
	u := idp.User{ID: id, Login: string(id), Kind: idp.Internal, Password: "hash"}
	must(t, db.Users.Add(t.Context(), u, ids(string(id), string(id))))
	return u
}

func TestUserComesBackWhole(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		u := idp.User{
			ID: "u1", Login: "Ann", Email: "ann@example.com", EmailVerified: true, Name: "Ann Ärger", Phone: "+32470000000",
			PhoneVerified: true, Kind: idp.Portal, Role: idp.Admin, Locale: "fr-BE", Password: "$argon2id$…", Disabled: true, Epoch: 7,
			Profile: idp.Profile{GivenName: "Ann", Address: &idp.Address{Country: "BE"}},
			Created: time.UnixMilli(1_700_000_000_123).UTC(), Updated: time.UnixMilli(1_700_000_000_456).UTC(),
		}
		must(t, db.Users.Add(ctx, u, ids("ann", "arın", "ann@example.com", "arın@exarnple")))
		for _, g := range []string{"staff", "admins", "others"} {
			must(t, db.Groups.Put(ctx, g))
		}
		must(t, db.Groups.Join(ctx, "staff", "u1"))
		must(t, db.Groups.Join(ctx, "admins", "u1"))
		must(t, db.Groups.Join(ctx, "admins", "u1"))
		for _, c := range []mfa.Credential{{ID: "1", Kind: "totp"}, {ID: "2", Kind: "totp"}, {ID: "3", Kind: "backup"}} {
			c.Subject = "u1"
			must(t, db.Credentials.Save(ctx, c))
		}
		u.Groups, u.Factors = []string{"admins", "staff"}, []mfa.Kind{"backup", "totp"}
		for _, name := range []string{"ann", "ann@example.com"} {
			got, err := db.Users.ByIdentifier(ctx, name)
			must(t, err)
			if !reflect.DeepEqual(got, u) {
				t.Errorf("by %s:\n got %+v\nwant %+v", name, got, u)
			}
		}
		if got, err := db.Users.ByID(ctx, "u1"); err != nil || !reflect.DeepEqual(got, u) {
			t.Errorf("by id: %+v, %v", got, err)
		}
		_, err := db.Users.ByIdentifier(ctx, "nobody")
		wantErr(t, err, idp.ErrNotFound)
		_, err = db.Users.ByID(ctx, "")
		wantErr(t, err, idp.ErrNotFound)
	})
}

// one name has one owner over logins and e-mails, and so has one look.
func TestNamesHaveOneOwner(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, users := t.Context(), db.Users
		ann := idp.User{ID: "ann", Login: "ann", Name: "Ann"}
		must(t, users.Add(ctx, ann, ids("ann", "ann", "ann@x", "ann@x", "änn", "ann")))
		taken := [][]idp.Identifier{ids("ann", "other"), ids("ann@x", "o"), ids("аnn", "ann"), ids("bob", "bob", "аnn@х", "ann@x")}
		for _, want := range taken {
			wantErr(t, users.Add(ctx, idp.User{ID: "bob", Login: "bob"}, want), idp.ErrTaken)
		}
		_, err := users.ByID(ctx, "bob")
		wantErr(t, err, idp.ErrNotFound) // nothing of him stayed
		must(t, users.Add(ctx, idp.User{ID: "bob", Login: "bob"}, ids("bob", "bob")))
		wantErr(t, users.Add(ctx, idp.User{ID: "bob"}, nil), idp.ErrTaken)

		bob := idp.User{ID: "bob", Login: "bob", Name: "New"}
		wantErr(t, users.Update(ctx, bob, bob, ids("bob", "bob", "ann", "ann")), idp.ErrTaken)
		if got, _ := users.ByID(ctx, "bob"); got.Name == "New" {
			t.Error("half of a refused update stayed")
		}
		// What somebody gives up is free again, and only that.
		must(t, users.Update(ctx, ann, ann, ids("ann@x", "ann@x", "ann2", "ann2")))
		must(t, users.Update(ctx, bob, bob, ids("ann", "ann")))
		wantErr(t, users.Update(ctx, bob, bob, ids("ann@x", "z")), idp.ErrTaken)
		if got, err := users.ByIdentifier(ctx, "ann"); err != nil || got.ID != "bob" {
			t.Errorf("ann is %v, %v", got.ID, err)
		}
		_, err = users.ByIdentifier(ctx, "bob")
		wantErr(t, err, idp.ErrNotFound)
		wantErr(t, users.Update(ctx, idp.User{ID: "nobody"}, idp.User{ID: "nobody"}, nil), idp.ErrSpent)
	})
}

func TestUserChanges(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, users := t.Context(), db.Users
		u := person(t, db, "ann")
		must(t, users.SetPassword(ctx, "ann", "hash", "better"))
		wantErr(t, users.SetPassword(ctx, "ann", "hash", "stale rehash"), idp.ErrSpent)
		must(t, users.SetDisabled(ctx, "ann", true))
		must(t, users.RaiseEpoch(ctx, "ann"))
		// Somebody who edits the name from a page drawn before brings nothing back.
		u.Name = "Ann"
		must(t, users.Update(ctx, u, u, ids("ann", "ann")))
		got, err := users.ByID(ctx, "ann")
		must(t, err)
		if got.Password != "better" || !got.Disabled || got.Epoch != 2 || got.Name != "Ann" {
			t.Errorf("%+v", got)
		}
		must(t, users.SetDisabled(ctx, "ann", false))
		if got, _ := users.ByID(ctx, "ann"); got.Disabled || got.Epoch != 2 {
			t.Errorf("enabled again: %+v", got)
		}
		wantErr(t, users.SetDisabled(ctx, "x", true), idp.ErrNotFound)
		wantErr(t, users.RaiseEpoch(ctx, "x"), idp.ErrNotFound)
	})
}

func TestUserList(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, users := t.Context(), db.Users
		for i := range 5 {
			u := idp.User{ID: idp.UserID(fmt.Sprintf("u%d", i)), Login: fmt.Sprintf("Login%d", i), Kind: idp.Internal}
			if i == 3 {
				u.Name, u.Kind = "Éva 100%_sure!", idp.Portal
			}
			must(t, users.Add(ctx, u, nil))
		}
		must(t, db.Groups.Put(ctx, "g"))
		must(t, db.Groups.Join(ctx, "g", "u2"))
		for _, c := range []struct {
			q    idp.UserQuery
			want []idp.UserID
		}{
			{idp.UserQuery{}, []idp.UserID{"u0", "u1", "u2", "u3", "u4"}},
			{idp.UserQuery{Limit: 2}, []idp.UserID{"u0", "u1"}},
			{idp.UserQuery{After: "u1", Limit: 2}, []idp.UserID{"u2", "u3"}},
			{idp.UserQuery{Group: "g"}, []idp.UserID{"u2"}},
			{idp.UserQuery{Kind: idp.Portal}, []idp.UserID{"u3"}},
			{idp.UserQuery{Text: "LOGIN4"}, []idp.UserID{"u4"}},
			{idp.UserQuery{Text: "Éva"}, []idp.UserID{"u3"}},
			{idp.UserQuery{Text: "100%_sure!"}, []idp.UserID{"u3"}},
			{idp.UserQuery{Text: "%"}, []idp.UserID{"u3"}},
			{idp.UserQuery{Text: "' OR '1'='1"}, nil},
		} {
			all, err := users.List(ctx, c.q)
			must(t, err)
			var got []idp.UserID
			for _, u := range all {
				got = append(got, u.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%+v: %v, want %v", c.q, got, c.want)
			}
		}
	})
}

// S-05: whoever is removed leaves nothing that works.
func TestUserRemove(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "ann")
		person(t, db, "bob")
		for _, id := range []idp.UserID{"ann", "bob"} {
			seed(t, db, id)
		}
		must(t, db.Users.Remove(ctx, "ann"))
		wantErr(t, db.Users.Remove(ctx, "ann"), idp.ErrNotFound)
		for id, want := range map[idp.UserID]bool{"ann": false, "bob": true} {
			if got := traces(t, db, id); got != want {
				t.Errorf("%s has something left: %v, want %v", id, got, want)
			}
		}
		must(t, db.Users.Add(ctx, idp.User{ID: "new"}, ids("ann", "ann")))
	})
}

func TestGroups(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, groups := t.Context(), db.Groups
		person(t, db, "ann")
		must(t, groups.Put(ctx, "b"))
		must(t, groups.Put(ctx, "a"))
		must(t, groups.Put(ctx, "a"))
		must(t, groups.Join(ctx, "a", "ann"))
		wantErr(t, groups.Join(ctx, "none", "ann"), idp.ErrNotFound)
		wantErr(t, groups.Join(ctx, "a", "nobody"), idp.ErrNotFound)
		for _, name := range []string{"", " a", "a\x1fb", "a\n"} {
			wantErr(t, groups.Put(ctx, name), idp.ErrInvalid)
		}
		all, err := groups.All(ctx)
		must(t, err)
		if want := []idp.Group{{Name: "a", Members: 1}, {Name: "b"}}; !slices.Equal(all, want) {
			t.Errorf("%v, want %v", all, want)
		}
		must(t, groups.Leave(ctx, "a", "ann"))
		must(t, groups.Join(ctx, "b", "ann"))
		must(t, groups.Remove(ctx, "b"))
		wantErr(t, groups.Remove(ctx, "b"), idp.ErrNotFound)
		if u, err := db.Users.ByID(ctx, "ann"); err != nil || len(u.Groups) != 0 {
			t.Errorf("%v, %v", u.Groups, err)
		}
	})
}
