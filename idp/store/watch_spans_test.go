package store_test

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/idp/trace/tracetest"
)

// C-09: a round trip is one span, with the verb and the table and no value; what a
// guard refuses is no failure. Trips are as many as without.
func TestSpansOfTrips(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, spans := tracetest.Record(t)
		t0, _ := db.Trips()
		person(t, db, "ann")
		t1, _ := db.Trips()
		_, err := db.Users.ByID(ctx, "ann")
		must(t, err)
		must(t, db.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(db.Log.Append(ctx, event("hush")), db.Grants.Put(ctx, oidc.Grant{Kind: "code", Signature: "hush", Expires: time.Now().Add(time.Hour)}))
		}))
		must(t, db.Grants.Spend(ctx, "code", "hush"))
		wantErr(t, db.Grants.Spend(ctx, "code", "hush"), idp.ErrSpent)
		t2, _ := db.Trips()
		got := spans()
		if int64(len(got)) != t2-t1 || t1 == t0 {
			t.Errorf("%d spans of %d trips", len(got), t2-t1)
		}
		for i, want := range []string{
			`^client SELECT users db.collection.name=users db.operation.name=SELECT db.system.name=(sqlite|postgresql)$`,
			`^client BATCH INSERT events db.operation.batch.size=\d+ db.query.summary=INSERT events; .*INSERT grants db.system.name=\w+$`,
			`^client UPDATE grants .*\w$`, `^client UPDATE grants .*\w$`,
		} {
			if i >= len(got) || !regexp.MustCompile(want).MatchString(got[i]) {
				t.Errorf("span %d of %q, want %s", i, got, want)
			}
		}
		if all := strings.Join(got, " "); strings.Contains(all, "ann") || strings.Contains(all, "hush") {
			t.Errorf("values are in %s", all)
		}
	})
}
