package store_test

import (
	"testing"
	"time"

	"latchkey/idp/audit"
	"latchkey/idp/store"
)

// Retention cuts whole stretches behind a signed mark, and what is left verifies.
func TestRetention(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		l.write(7)
		l.chain()
		l.clock.Pass(300 * 24 * time.Hour)
		l.write(5)
		l.chain()
		l.clock.Pass(200 * 24 * time.Hour)
		r := audit.Retention{
			Chain: l.db.Audit, Work: l.db.AuditWork, Log: l.db.Log, Atomic: l.db.Atomic, Keys: l.keys, Holder: "one", Keep: 400 * 24 * time.Hour, Now: l.clock.Now,
		}
		for range 2 {
			l.must(r.Run(t.Context()))
		}
		l.chain()
		v := l.check()
		if !v.Well() || v.From != 7 || v.Rows != 6 { // five, and that it was cut
			t.Errorf("%+v %+v", v, v.Broken)
		}
		rows, err := l.db.Audit.Entries(t.Context(), 0, 100)
		l.must(err)
		if len(rows) != 6 || rows[0].Seq != 8 || rows[5].What != "audit.cut" {
			t.Errorf("%d rows, %+v", len(rows), rows)
		}
		l.tamper(`DELETE FROM events WHERE seq = 8`)
		if v := l.check(); v.Well() || v.Broken.Kind != audit.Missing || v.Broken.Seq != 8 {
			t.Errorf("%+v", v.Broken)
		}
	})
}

// Rows of before the chain go by their own time.
func TestRetentionOfOldRows(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		l.must(store.Exec(l.db, `INSERT INTO events (id, at, what, user_id, actor, client, session, method, ip, agent, result, detail)
			VALUES ('old', 1000, 'signin', 'u', 'u', '', '', '', '', '', 'ok', 'null')`))
		l.chain()
		l.write(2)
		l.chain()
		r := audit.Retention{
			Chain: l.db.Audit, Work: l.db.AuditWork, Log: l.db.Log, Atomic: l.db.Atomic, Keys: l.keys, Holder: "one", Keep: 400 * 24 * time.Hour, Now: l.clock.Now,
		}
		l.must(r.Run(t.Context()))
		l.chain()
		if v := l.check(); !v.Well() || v.From != 1 || v.Rows != 3 {
			t.Errorf("%+v %+v", v, v.Broken)
		}
	})
}
