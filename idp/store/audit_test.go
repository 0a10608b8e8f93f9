package store_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

// ledger is a database with what works on its log.
type ledger struct {
	t     testing.TB
	db    *store.DB
	clock *storetest.Clock
	keys  audit.Keys
	seq   *audit.Sequencer
	s     *audit.Service
}

func newLedger(t testing.TB, db *store.DB, clock *storetest.Clock) *ledger {
	t.Helper()
	keys, err := db.AuditKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{t: t, db: db, clock: clock, keys: keys}
	l.seq = l.sequencer("one")
	l.s = &audit.Service{
		Reader: db.AuditReader, Chain: db.Audit, Work: db.AuditWork, Sequencer: l.seq, Log: db.Log, Keys: keys, Now: clock.Now,
	}
	return l
}

func (l *ledger) sequencer(holder string) *audit.Sequencer {
	return &audit.Sequencer{Chain: l.db.Audit, Work: l.db.AuditWork, Keys: l.keys, Holder: holder, Now: l.clock.Now}
}

// eachLedger runs f on both databases, with a clock.
func eachLedger(t *testing.T, f func(t *testing.T, l *ledger)) {
	t.Helper()
	clock := storetest.NewClock()
	storetest.EachAt(t, clock.Now, func(t *testing.T, db *store.DB) { f(t, newLedger(t, db, clock)) })
}

func (l *ledger) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

// write appends n events, a second apart, and returns their ids.
func (l *ledger) write(n int) (ids []string) {
	l.t.Helper()
	for range n {
		l.clock.Pass(time.Second)
		ids = append(ids, l.event(idp.Event{What: "signin", User: "u1", Result: "ok", Detail: map[string]string{"a": "1", "b": "x\x00y"}}))
	}
	return ids
}

func (l *ledger) event(e idp.Event) string {
	l.t.Helper()
	if e.ID == "" {
		e.ID = rand.Text()
	}
	if e.At.IsZero() {
		e.At = l.clock.Now()
	}
	l.must(l.db.Log.Append(l.t.Context(), e))
	return e.ID
}

func (l *ledger) chain() {
	l.t.Helper()
	l.must(l.seq.Finish(l.t.Context()))
}

var host = idp.Actor{Host: true}

// check verifies everything and leaves no event.
func (l *ledger) check() audit.Report {
	l.t.Helper()
	r, err := l.s.Verify(l.t.Context(), host, audit.Extent{})
	l.must(err)
	return r
}

// tamper changes rows as somebody can who owns the database.
func (l *ledger) tamper(sqls ...string) {
	l.t.Helper()
	for _, q := range slices.Concat(store.WithoutTriggers(l.db), sqls) {
		if err := store.Exec(l.db, q); err != nil {
			l.t.Fatalf("%s: %v", q, err)
		}
	}
}

// D-09: rows get gapless places, tied to one another and signed, and all is well.
func TestChain(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		ids := l.write(5)
		l.clock.Pass(time.Second)
		if r := l.check(); !r.Well() || r.Rows != 0 || r.Waiting != 5 {
			t.Errorf("before the chain: %+v", r)
		}
		l.clock.Pass(time.Second)
		l.chain()
		rows, err := l.db.Audit.Entries(t.Context(), 0, 100)
		l.must(err)
		prev := audit.Genesis()
		for i, e := range rows {
			if e.Seq != int64(i+1) || !bytes.Equal(e.Hash, audit.Link(prev, e.Seq, e.Event)) || i < 5 && e.ID != ids[i] {
				t.Errorf("row %d: %+v", i, e)
			}
			prev = e.Hash
		}
		r := l.check()
		if !r.Well() || !r.Whole || r.Seq != 6 || r.Signed != 6 || r.Checkpoints != 1 || r.Old != 0 {
			t.Errorf("%+v %+v", r, r.Broken)
		}
	})
}

// D-09: whoever owns the database can change everything, and is found out. The
// first broken row is named, and what is wrong with it.
func TestTamper(t *testing.T) {
	const swap = `UPDATE events SET seq = -1 WHERE seq = 4`
	for _, c := range []struct {
		name string
		do   []string
		kind audit.Kind
		seq  int64
	}{
		{"edited", []string{`UPDATE events SET result = 'ok', what = 'signout' WHERE seq = 4`}, audit.Edited, 4},
		{"detail edited", []string{`UPDATE events SET detail = '{"a":"2"}' WHERE seq = 4`}, audit.Edited, 4},
		{"detail broken", []string{`UPDATE events SET detail = 'x' WHERE seq = 4`}, audit.Edited, 4},
		{"time edited", []string{`UPDATE events SET at = at + 1 WHERE seq = 4`}, audit.Edited, 4},
		{"last edited", []string{`UPDATE events SET agent = 'x' WHERE seq = 10`}, audit.Edited, 10},
		{"hash edited", []string{`UPDATE events SET hash = (SELECT hash FROM events WHERE seq = 2) WHERE seq = 4`}, audit.Edited, 4},
		{"removed", []string{`DELETE FROM events WHERE seq = 4`}, audit.Missing, 4},
		{"several removed", []string{`DELETE FROM events WHERE seq IN (4, 5, 9)`}, audit.Missing, 4},
		{"first removed", []string{`DELETE FROM events WHERE seq = 1`}, audit.Missing, 1},
		{"removed and counted anew", []string{`DELETE FROM events WHERE seq = 4`, `UPDATE events SET seq = -seq WHERE seq > 4`, `UPDATE events SET seq = -seq - 1 WHERE seq < 0`}, audit.Reordered, 4},
		{"swapped", []string{swap, `UPDATE events SET seq = 4 WHERE seq = 7`, `UPDATE events SET seq = 7 WHERE seq = -1`}, audit.Reordered, 4},
		{"inserted, the rest counted anew", []string{
			`UPDATE events SET seq = -seq WHERE seq >= 4`, `UPDATE events SET seq = 1 - seq WHERE seq < 0`,
			`INSERT INTO events SELECT * FROM (SELECT 'forged', at, what, 'u2', actor, client, session, method, ip, agent, result, detail, request, mac, 4, hash FROM events WHERE seq = 3) f`,
		}, audit.Forged, 4},
		{"inserted without a seal", []string{
			`UPDATE events SET seq = -seq WHERE seq >= 4`, `UPDATE events SET seq = 1 - seq WHERE seq < 0`,
			`INSERT INTO events SELECT * FROM (SELECT 'forged', at + 200000000, what, 'u2', actor, client, session, method, ip, agent, result, detail, request, CAST(NULL AS BYTEA), 4, hash FROM events WHERE seq = 3) f`,
		}, audit.Forged, 4},
		{"end removed", []string{`DELETE FROM events WHERE seq > 8`}, audit.Short, 9},
		{"end removed and the head set back", []string{
			`DELETE FROM events WHERE seq > 8`, `UPDATE audit_chain SET seq = 8, mark = 8, hash = (SELECT hash FROM events WHERE seq = 8)`,
		}, audit.Short, 9},
		{"checkpoint changed", []string{`UPDATE audit_checkpoints SET at = at + 1`}, audit.Unsigned, 10},
		{"checkpoint removed and all hashed anew", []string{`UPDATE audit_checkpoints SET hash = (SELECT hash FROM events WHERE seq = 9)`}, audit.Unsigned, 10},
		{"last checkpoint removed", []string{`DELETE FROM audit_checkpoints`}, audit.Unsigned, 10},
		{"cut off without leave", []string{
			`INSERT INTO audit_cuts SELECT seq, hash, at, count, began, key, signature, '' FROM audit_checkpoints`, `DELETE FROM events WHERE seq < 10`,
		}, audit.Unsigned, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			eachLedger(t, func(t *testing.T, l *ledger) {
				l.write(10)
				l.chain()
				l.tamper(c.do...)
				r := l.check()
				if r.Broken == nil || r.Broken.Kind != c.kind || r.Broken.Seq != c.seq || r.Broken.Says == "" || audit.Sentences[r.Broken.Code] == "" {
					t.Errorf("%+v, want %s at %d", r.Broken, c.kind, c.seq)
				}
				if st, err := l.s.Status(t.Context(), host); err != nil || st.Verified == nil || st.Verified.Well() {
					t.Errorf("%+v %v: the finding is not remembered", st.Verified, err)
				}
			})
		})
	}
}

// D-09: what somebody adds or changes before it has its place is found by its
// seal, also when everything is chained and signed afterwards.
func TestForgedBeforeChain(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		l.write(3)
		l.chain()
		l.clock.Pass(48 * time.Hour)
		l.write(2)
		l.chain()
		id := l.write(1)[0]
		l.tamper(`UPDATE events SET user_id = 'u2' WHERE id = '` + id + `'`)
		if r := l.check(); r.Well() || r.Broken.Kind != audit.Forged || r.Broken.ID != id {
			t.Errorf("waiting: %+v", r.Broken)
		}
		var told []string
		l.seq.Forged = func(e audit.Entry) { told = append(told, e.ID) }
		l.chain()
		if r := l.check(); r.Well() || r.Broken.Kind != audit.Forged || r.Broken.ID != id {
			t.Errorf("chained: %+v", r.Broken)
		}
		if !slices.Contains(told, id) {
			t.Errorf("told of %v", told)
		}
	})
}

// A row without a seal is from before the chain, and none can come later: not even
// with an old time.
func TestRowsFromBefore(t *testing.T) {
	for _, late := range []bool{false, true} {
		eachLedger(t, func(t *testing.T, l *ledger) {
			if late {
				l.write(1)
				l.chain()
				l.clock.Pass(48 * time.Hour)
				l.write(1)
				l.chain()
			}
			l.must(store.Exec(l.db, `INSERT INTO events (id, at, what, user_id, actor, client, session, method, ip, agent, result, detail)
				VALUES ('old', 1000, 'signin', 'u', 'u', '', '', '', '', '', 'ok', 'null')`))
			l.chain()
			r := l.check()
			if late && (r.Well() || r.Broken.Kind != audit.Forged || r.Broken.ID != "old") || !late && (!r.Well() || r.Old != 1) {
				t.Errorf("late %v: %+v %+v", late, r, r.Broken)
			}
		})
	}
}

// D-09: the database itself refuses what is no new row, whoever asks.
func TestAppendOnly(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		l.write(3)
		l.chain()
		l.write(1)
		for _, q := range []string{
			`UPDATE events SET result = 'x' WHERE seq = 1`, `UPDATE events SET seq = NULL, hash = NULL WHERE seq = 1`, `UPDATE events SET mac = NULL WHERE seq IS NULL`,
			`UPDATE events SET seq = 9, hash = mac, what = 'x' WHERE seq IS NULL`, `UPDATE events SET seq = seq`, `DELETE FROM events WHERE seq = 1`, `DELETE FROM events WHERE seq IS NULL`,
			`INSERT INTO events (id, at, what, user_id, actor, client, session, method, ip, agent, result, detail, seq) VALUES ('i', 1, '', '', '', '', '', '', '', '', '', '', 9)`,
			`UPDATE audit_checkpoints SET at = 1`, `DELETE FROM audit_checkpoints`,
			`INSERT INTO audit_cuts SELECT 0, hash, at, count, began, key, signature, '' FROM audit_checkpoints; DELETE FROM audit_cuts`,
		} {
			for part := range strings.SplitSeq(q, "; ") {
				if err := store.Exec(l.db, part); (err == nil) != strings.HasPrefix(part, "INSERT INTO audit_cuts") {
					t.Errorf("%s: %v", part, err)
				}
			}
		}
		if store.IsPostgres(l.db) {
			for _, table := range []string{"events", "audit_checkpoints", "audit_cuts"} {
				if err := store.Exec(l.db, `TRUNCATE `+table); err == nil {
					t.Errorf("%s was emptied", table)
				}
			}
		}
		rows, err := l.db.Audit.Entries(t.Context(), 0, 10)
		l.must(err)
		if len(rows) != 3 {
			t.Errorf("%d rows", len(rows))
		}
	})
}

// D-10: a change whose event cannot be written is not made.
func TestNoEventNoChange(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		id := l.write(1)[0]
		err := l.db.Atomic(t.Context(), func(ctx context.Context) error {
			return errors.Join(l.db.Groups.Put(ctx, "staff"), l.db.Log.Append(ctx, idp.Event{ID: id, At: l.clock.Now(), What: "group.add"}))
		})
		if !errors.Is(err, idp.ErrTaken) {
			t.Errorf("%v", err)
		}
		l.must(store.Exec(l.db, `ALTER TABLE events RENAME TO gone`))
		err = l.db.Atomic(t.Context(), func(ctx context.Context) error {
			return errors.Join(l.db.Groups.Put(ctx, "staff"), l.db.Log.Append(ctx, idp.Event{ID: "x", At: l.clock.Now(), What: "group.add"}))
		})
		if err == nil {
			t.Error("a change without its event")
		}
		if all, err := l.db.Groups.All(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("%v %v", all, err)
		}
	})
}

// Eight write, two chain, one of them is killed half-way: no gap, no row twice.
func TestChainAtOnce(t *testing.T) {
	clock := storetest.NewClock()
	storetest.URLs(t, func(t *testing.T, url string) {
		if url == "sqlite::memory:" {
			t.Skip("is gone with its one connection, which killing closes")
		}
		l := newLedger(t, storetest.With(t, store.Config{URL: url, Now: clock.Now}), clock)
		const writers, each = 8, 60
		var writing, chaining sync.WaitGroup
		done := make(chan struct{})
		for i := range writers {
			writing.Go(func() {
				for j := range each {
					l.clock.Pass(time.Millisecond)
					l.event(idp.Event{ID: fmt.Sprintf("%d-%d", i, j), What: "signin", Result: "ok"})
				}
			})
		}
		for _, name := range []string{"one", "two"} {
			s := l.sequencer(name)
			chaining.Go(func() {
				for n := 0; ; n++ {
					select {
					case <-done:
						return
					default:
					}
					ctx, cancel := context.WithCancel(t.Context())
					if name == "two" { // killed over and over
						cancel()
						ctx, cancel = context.WithTimeout(t.Context(), time.Duration(n%5)*time.Millisecond)
					}
					_, err := s.Step(ctx)
					if err != nil && name == "one" {
						t.Error(err)
					}
					cancel()
					l.clock.Pass(20 * time.Second) // the lease of the killed one is over
				}
			})
		}
		writing.Wait()
		close(done)
		chaining.Wait()
		l.chain()
		r := l.check()
		if !r.Well() || r.Rows != writers*each {
			t.Errorf("%+v %+v", r, r.Broken)
		}
	})
}
