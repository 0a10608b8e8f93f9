package store_test

import (
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// P-21, P-29: who has had to do with somebody is told by any trace of it; what a
// client did by itself is none. P-32: what everybody allowed one is taken back.
func TestKnownClients(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(db.Users.Add(ctx, idp.User{ID: "ada", Login: "ada"}, nil))
		must(db.Users.Add(ctx, idp.User{ID: "bob", Login: "bob"}, nil))
		for _, id := range []oidc.ClientID{"consented", "granted", "logged", "machine", "refused", "unused"} {
			must(db.Clients.Add(ctx, oidc.Client{ID: id}))
		}
		grant := func(c oidc.ClientID, u idp.UserID) {
			must(db.Grants.Put(ctx, oidc.Grant{Kind: oidc.KindAccess, Signature: string(c), Client: c, User: u, Expires: clock.Now().Add(time.Hour)}))
		}
		grant("granted", "ada")
		grant("machine", "")
		for c, result := range map[oidc.ClientID]string{"logged": "ok", "refused": "denied"} {
			must(db.Log.Append(ctx, idp.Event{ID: string(c), At: clock.Now(), What: "authorize", User: "ada", Client: c, Result: result}))
		}
		must(db.Log.Append(ctx, idp.Event{ID: "add", At: clock.Now(), What: "client.add", Client: "unused", Result: "ok"}))
		for _, u := range []idp.UserID{"ada", "bob"} {
			must(db.Consents.Give(ctx, u, "consented", []string{"openid"}, clock.Now()))
			must(db.Consents.Give(ctx, u, "granted", []string{"openid"}, clock.Now()))
		}
		known := func(c oidc.ClientID, want ...oidc.ClientID) {
			t.Helper()
			got, err := db.ClientUses.Known(ctx, c)
			must(err)
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%q: %q, want %q", c, got, want)
			}
		}
		known("", "consented", "granted", "logged")
		known("logged", "logged")
		known("unused")
		known("gone")
		must(db.Consents.Forget(ctx, "consented"))
		known("", "granted", "logged")
		if all, err := db.Consents.All(ctx, "bob"); err != nil || len(all) != 1 || all[0].Client != "granted" {
			t.Errorf("%+v %v", all, err)
		}
	})
}
