package store_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// When people were let into a client last: by a token or by the password that its
// Odoo vouched for, of this client, with success, and not before the moment asked
// for.
func TestEntered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, now, n := t.Context(), time.Date(2027, 2, 1, 9, 0, 0, 0, time.UTC), 0
		event := func(u idp.UserID, client idp.ClientID, what, result string, ago time.Duration) {
			n++
			must(t, db.Log.Append(ctx, idp.Event{ID: fmt.Sprint("e", n), At: now.Add(-ago), What: what, User: u, Client: client, Result: result}))
		}
		event("ada", "shop", "token.issue", "ok", time.Hour)
		event("ada", "shop", "token.issue", "ok", 3*time.Hour)
		event("bob", "shop", "password.trickle", "ok", time.Minute)
		event("cleo", "shop", "password.trickle", "wrong", time.Minute)
		event("cleo", "shop", "signin", "ok", time.Minute)
		event("dora", "wiki", "token.issue", "ok", time.Minute)
		event("eve", "shop", "token.issue", "ok", 48*time.Hour)
		event("finn", "shop", "token.issue", "ok", time.Minute)
		got, err := db.Journal.Entered(ctx, "shop", []idp.UserID{"ada", "bob", "cleo", "dora", "eve"}, now.Add(-24*time.Hour))
		must(t, err)
		if len(got) != 2 || !got["ada"].Equal(now.Add(-time.Hour)) || !got["bob"].Equal(now.Add(-time.Minute)) {
			t.Errorf("%v", got)
		}
		if got, err := db.Journal.Entered(ctx, "shop", nil, now); err != nil || len(got) != 0 {
			t.Errorf("of nobody: %v %v", got, err)
		}
	})
}
