package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/store"
)

// D-01, D-08: every filter finds what it says, pages follow one another without a
// gap, and only who may see the log sees it.
func TestSearch(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		start := l.clock.Now()
		for i := range 30 {
			l.clock.Pass(time.Second)
			e := idp.Event{ID: fmt.Sprintf("e%02d", i), What: "signin.password", User: "u1", Actor: "u1", Client: "web", Result: "ok", Origin: idp.Origin{Address: "192.0.2.1", Request: fmt.Sprint("r", i/2)}}
			switch i % 10 {
			case 3:
				e.What, e.User, e.Actor, e.Client = "factor.reset", "u2", "u1", ""
			case 4:
				e.Result, e.Origin.Address = "locked", "192.0.2.2"
			case 5:
				e.What, e.Result = "factor.add", "denied"
			}
			l.event(e)
		}
		for _, c := range []struct {
			q    audit.Query
			want string
		}{
			{audit.Query{User: "u2"}, "[e23 e13 e03]"},
			{audit.Query{Actor: "u1", What: "factor."}, "[e25 e23 e15 e13 e05 e03]"},
			{audit.Query{What: "factor.reset"}, "[e23 e13 e03]"},
			{audit.Query{What: "factor", Result: "denied"}, "[e25 e15 e05]"},
			{audit.Query{Result: "failed"}, "[e25 e24 e15 e14 e05 e04]"},
			{audit.Query{Result: "locked", User: "u1", Client: "web"}, "[e24 e14 e04]"},
			{audit.Query{Address: "192.0.2.2"}, "[e24 e14 e04]"},
			{audit.Query{Request: "r2"}, "[e05 e04]"},
			{audit.Query{Client: "web", What: "signin", Result: "ok", Until: start.Add(5 * time.Second)}, "[e02 e01 e00]"},
			{audit.Query{Since: start.Add(28 * time.Second), Until: start.Add(30 * time.Second)}, "[e28 e27]"},
			{audit.Query{What: "nothing"}, "[]"},
			{audit.Query{User: "u2", Result: "failed"}, "[]"},
		} {
			got := []string{}
			q := c.q
			q.Limit = 2
			for pages := 0; ; pages++ {
				p, err := l.s.Search(t.Context(), idp.Actor{User: "a", Role: idp.Auditor}, q)
				l.must(err)
				for _, e := range p.Entries {
					got = append(got, e.ID)
				}
				if p.Next == (idp.Cursor{}) || pages > 20 {
					break
				}
				q.Before = p.Next
			}
			if fmt.Sprint(got) != c.want {
				t.Errorf("%+v: %v, want %s", c.q, got, c.want)
			}
			var out []string
			l.must(l.s.Each(t.Context(), host, c.q, func(e audit.Entry) error { out = append(out, e.ID); return nil }))
			slices.Reverse(out)
			if fmt.Sprint(out) != c.want {
				t.Errorf("export of %+v: %v, want %s", c.q, out, c.want)
			}
		}
		if _, err := l.s.Search(t.Context(), idp.Actor{User: "h", Role: idp.HelpDesk}, audit.Query{}); err == nil {
			t.Error("the help desk sees the log")
		}
	})
}

// A search that no index serves looks through so much and then says how far it got.
func TestSearchIsBounded(t *testing.T) {
	eachLedger(t, func(t *testing.T, l *ledger) {
		l.event(idp.Event{ID: "deep", What: "signin", User: "u", Client: "web", Result: "ok", Origin: idp.Origin{Agent: "x"}})
		n := `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) `
		l.must(store.Exec(l.db, n+fmt.Sprintf(`INSERT INTO events (id, at, what, user_id, actor, client, session, method, ip, agent, result, detail)
			SELECT 'x' || i, %d + i, 'signin', 'u', 'u', 'other', '', '', '', '', 'ok', '{}' FROM n`, l.clock.Now().UnixMilli())))
		q := audit.Query{User: "u", Client: "web"}
		p, err := l.s.Search(t.Context(), host, q)
		l.must(err)
		if len(p.Entries) != 0 || p.Looked.IsZero() || p.Next == (idp.Cursor{}) {
			t.Fatalf("%+v", p)
		}
		q.Before = p.Next
		if p, err = l.s.Search(t.Context(), host, q); err != nil || len(p.Entries) != 1 || p.Entries[0].ID != "deep" || !p.Looked.IsZero() {
			t.Errorf("%+v %v", p, err)
		}
	})
}
