package connector_test

import (
	"runtime"
	"testing"

	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// Memory does not grow with the number of users, but for the names that were
// seen.
func BenchmarkImport(b *testing.B) {
	const users = 20_000
	o := odootest.NewDatabase(b, storetest.Postgres(b), 18)
	o.Crowd(users)
	for b.Loop() {
		b.StopTimer()
		db, clock := storetest.With(b, store.Config{URL: storetest.Postgres(b)}), storetest.NewClock()
		conn := connector.Connection{ID: "shop", Client: "c"}
		if err := db.Connections.Add(b.Context(), conn); err != nil {
			b.Fatal(err)
		}
		from, err := connector.OpenSQLAtHost(b.Context(), o.DSN, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		i := connector.Import{Accounts: accountsOf(db, clock), Directory: db.Directory, Ties: db.Ties, Connection: conn}
		r, err := i.Run(b.Context(), host, from)
		b.StopTimer()
		if err != nil || r.Added != users {
			b.Fatalf("%+v %v", r, err)
		}
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		b.ReportMetric(float64(m.HeapInuse)/(1<<20), "MiB-after")
		from.Close(b.Context())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.N)*users/b.Elapsed().Seconds(), "users/s")
}
