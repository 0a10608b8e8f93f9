package store_test

import (
	"fmt"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// BenchmarkHotPath measures what the protocol does for each request
// (DESIGN §3), one at a time.
func BenchmarkHotPath(b *testing.B) {
	for _, kind := range []string{"sqlite", "postgres"} {
		b.Run(kind, func(b *testing.B) {
			url := "sqlite::memory:"
			if kind == "postgres" {
				url = storetest.Postgres(b)
			}
			db := storetest.With(b, store.Config{URL: url})
			ctx, later, n := b.Context(), time.Now().Add(time.Hour), 0
			person(b, db, "ann")
			must(b, db.Sessions.Open(ctx, idp.Session{ID: "s", Hash: "h", User: "ann", Seen: time.Now(), Expires: later, Idle: time.Hour}))
			grant := func(kind string) oidc.Grant {
				return oidc.Grant{Kind: kind, Signature: fmt.Sprint(kind, n), Family: "f", Client: "c", User: "ann", Session: "s", Payload: make([]byte, 600), Expires: later}
			}
			for _, op := range []struct {
				name string
				do   func() error
			}{
				{"session", func() error { _, _, err := db.Sessions.ByHash(ctx, "h"); return err }},
				{"put code", func() error { n++; return db.Grants.Put(ctx, grant("code")) }},
				{"get code", func() error { _, _, err := db.Grants.Get(ctx, "code", fmt.Sprint("code", n)); return err }},
				{"put and spend", func() error {
					n++
					if err := db.Grants.Put(ctx, grant("code")); err != nil {
						return err
					}
					return db.Grants.Spend(ctx, "code", fmt.Sprint("code", n), grant("access"), grant("refresh"))
				}},
				{"arm", func() error { return db.OdooTokens.Arm(ctx, grant("odoo"), 1e9, later) }},
				{"fire", func() error { _, err := db.OdooTokens.Fire(ctx, fmt.Sprint("odoo", n), "c"); return err }},
				{"take two", func() error {
					return db.Limiter.Take(ctx, mfa.Budget{Key: "a", Max: 1e9, Per: 1e9}, mfa.Budget{Key: "b", Max: 1e9, Per: 1e9})
				}},
			} {
				b.Run(op.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						must(b, op.do())
					}
				})
			}
		})
	}
}
