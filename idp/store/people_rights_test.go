package store_test

import (
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/company"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// D-02: nobody with a role comes to belong to a customer's company by a merge.
func TestMovesNoCompanyToStaff(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		portal := func(u *idp.User) { u.Kind = idp.Portal }
		named(t, db, "customer", "C", "", portal)
		named(t, db, "gone", "G", "", portal)
		named(t, db, "employee", "E", "")
		named(t, db, "helper", "H", "", portal, func(u *idp.User) { u.Role = idp.HelpDesk })
		must(t, db.Companies.Add(ctx, company.Company{ID: "ours", Name: "Ours"}))
		must(t, db.Companies.Put(ctx, company.Member{ID: "m", Company: "ours", User: idp.User{ID: "gone"}, Lead: true}))
		for _, to := range []idp.UserID{"employee", "helper", "customer"} {
			must(t, db.Moves.Memberships(ctx, "gone", to))
			cs, err := db.Companies.Of(ctx, to)
			must(t, err)
			if (len(cs) == 1) != (to == "customer") {
				t.Errorf("%s: %+v", to, cs)
			}
		}
	})
}

// D-07: an attack on ever so many names that nobody has hides nobody's lock.
func TestLocksBesideUnknownNames(t *testing.T) {
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		must(t, db.Limiter.Take(ctx, mfa.Budget{Key: "pw:?first", Max: 1, Per: time.Hour}))
		must(t, store.Exec(db, `INSERT INTO counters (name, tries, most, streak, ends, cap, per)
			WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
			SELECT substr(c.name, 1, 4)||i, c.tries, c.most, c.streak, c.ends, c.cap, c.per FROM n, counters c WHERE c.name LIKE 'pw:%first'`))
		must(t, db.Limiter.Take(ctx, mfa.Budget{Key: "pw:ada", Max: 1, Per: time.Hour}))
		locks, err := db.People.Locks(ctx)
		must(t, err)
		if len(locks) != 1 || locks[0].User != "ada" {
			t.Errorf("%d locks: %.200v", len(locks), locks)
		}
	})
}
