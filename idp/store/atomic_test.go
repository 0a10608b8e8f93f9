package store_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

func event(id string) idp.Event { return idp.Event{ID: id, At: time.UnixMilli(1)} }

// logged lists the ids in the log.
func logged(t testing.TB, db *store.DB) (ids string) {
	t.Helper()
	must(t, db.Log.Events(t.Context(), idp.EventQuery{}, func(e idp.Event) error {
		ids += e.ID
		return nil
	}))
	return ids
}

func TestAtomicIsAllOrNothing(t *testing.T) {
	boom := errors.New("boom")
	for _, c := range []struct {
		name string
		do   func(ctx context.Context, db *store.DB) error
		want error
	}{
		{"do fails", func(context.Context, *store.DB) error { return boom }, boom},
		{"guard hits nothing", func(ctx context.Context, db *store.DB) error { return db.Flows.End(ctx, "none") }, idp.ErrSpent},
		{"value is taken", func(ctx context.Context, db *store.DB) error {
			return db.Users.Add(ctx, idp.User{ID: "ann"}, nil)
		}, idp.ErrTaken},
		{"name is taken", func(ctx context.Context, db *store.DB) error {
			return db.Users.Add(ctx, idp.User{ID: "bob"}, ids("ann", "x"))
		}, idp.ErrTaken},
		{"parent is missing", func(ctx context.Context, db *store.DB) error {
			return db.Sessions.Open(ctx, idp.Session{ID: "s", User: "nobody"})
		}, idp.ErrNotFound},
		{"inner fails", func(ctx context.Context, db *store.DB) error {
			return db.Atomic(ctx, func(context.Context) error { return boom })
		}, boom},
		{"the first of two counts", func(ctx context.Context, db *store.DB) error {
			return errors.Join(db.Challenges.Spend(ctx, "none"), db.Flows.End(ctx, "none"))
		}, mfa.ErrExpired},
	} {
		t.Run(c.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				ctx := t.Context()
				person(t, db, "ann")
				wantErr(t, db.Atomic(ctx, func(ctx context.Context) error {
					must(t, db.Log.Append(ctx, event("before")))
					if err := c.do(ctx, db); err != nil {
						return err
					}
					return db.Log.Append(ctx, event("after"))
				}), c.want)
				if got := logged(t, db); got != "" {
					t.Errorf("%s stayed", got)
				}
				must(t, db.Log.Append(ctx, event("usable"))) // the connection is
			})
		})
	}
}

func TestAtomicPanicWritesNothing(t *testing.T) {
	db := storetest.Open(t)
	func() {
		defer func() { recover() }()
		db.Atomic(t.Context(), func(ctx context.Context) error {
			must(t, db.Log.Append(ctx, event("a")))
			panic("in the middle")
		})
	}()
	if got := logged(t, db); got != "" {
		t.Errorf("%s was written", got)
	}
}

func TestAtomicJoins(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var outer context.Context
		boom := errors.New("boom")
		must(t, db.Atomic(t.Context(), func(ctx context.Context) error {
			outer = ctx
			must(t, db.Atomic(ctx, func(ctx context.Context) error { return db.Log.Append(ctx, event("a")) }))
			if got := logged(t, db); got != "" {
				t.Errorf("%s was written before the outer one ended", got)
			}
			// An inner one that fails takes its own back, and nothing else.
			wantErr(t, db.Atomic(ctx, func(ctx context.Context) error {
				return errors.Join(db.Log.Append(ctx, event("lost")), boom)
			}), boom)
			return db.Log.Append(ctx, event("b"))
		}))
		if got := logged(t, db); got != "ab" {
			t.Errorf("log is %q", got)
		}
		if err := db.Log.Append(outer, event("late")); err == nil {
			t.Error("a write after the end was taken and lost")
		}
	})
}

// DESIGN §3: what one Atomic writes is one round trip and one commit.
func TestTripsAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		person(t, db, "ann")
		measure := func(name string, wantTrips, wantCommits int64, do func() error) {
			t.Helper()
			t0, c0 := db.Trips()
			must(t, do())
			if t1, c1 := db.Trips(); t1-t0 != wantTrips || c1-c0 != wantCommits {
				t.Errorf("%s: %d trips, %d commits; want %d, %d", name, t1-t0, c1-c0, wantTrips, wantCommits)
			}
		}
		later := time.Now().Add(time.Hour)
		measure("read", 1, 0, func() error { _, err := db.Users.ByID(ctx, "ann"); return err })
		measure("write", 1, 1, func() error { return db.Log.Append(ctx, event("1")) })
		measure("take", 1, 1, func() error {
			return db.Limiter.Take(ctx, mfa.Budget{Key: "a", Max: 9, Per: 1e9}, mfa.Budget{Key: "b", Max: 9, Per: 1e9})
		})
		measure("put", 1, 1, func() error {
			return db.Grants.Put(ctx, oidc.Grant{Kind: "code", Signature: "s", Expires: later})
		})
		measure("spend", 1, 1, func() error {
			return db.Grants.Spend(ctx, "code", "s", oidc.Grant{Kind: "access", Signature: "a", Expires: later},
				oidc.Grant{Kind: "refresh", Signature: "r", Expires: later})
		})
		measure("atomic", 1, 1, func() error {
			return db.Atomic(ctx, func(ctx context.Context) error {
				return errors.Join(db.Log.Append(ctx, event("2")), db.Log.Append(ctx, event("3")))
			})
		})
		measure("nothing", 0, 0, func() error { return db.Atomic(ctx, func(context.Context) error { return nil }) })
		_, err := db.Policies.All(ctx)
		must(t, err)
		measure("held in memory", 0, 0, func() error { _, err := db.Policies.InForce(ctx); return err })
	})
}

// The counters of Trips are ours; this looks at the wire and at the rows.
func TestBatchIsOneTripAndOneTransaction(t *testing.T) {
	address := storetest.Postgres(t)
	wire := listen(t, address)
	db := storetest.With(t, store.Config{URL: wire.url, MaxConns: 1})
	ctx := t.Context()
	person(t, db, "ann")
	write := func(n string) error {
		return db.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(
				db.Log.Append(ctx, event(n)),
				db.Users.RaiseEpoch(ctx, "ann"), // guarded
				db.Sessions.Open(ctx, idp.Session{ID: idp.SessionID(n), Hash: n, User: "ann"}))
		})
	}
	must(t, write("a")) // teaches the connection its statements
	before := wire.turns.Load()
	must(t, write("b"))
	if n := wire.turns.Load() - before; n != 1 {
		t.Errorf("%d round trips on the wire, want 1", n)
	}
	conn, err := pgx.Connect(ctx, address)
	must(t, err)
	defer conn.Close(ctx)
	var same bool
	must(t, conn.QueryRow(ctx, `SELECT e.xmin::text = s.xmin::text AND e.xmin::text = u.xmin::text
		FROM events e, sessions s, users u WHERE e.id = 'b' AND s.id = 'b'`).Scan(&same))
	if !same {
		t.Error("the rows come from different transactions")
	}
}

// wire lies between the store and PostgreSQL and counts how often the client
// spoke after the server had.
type wire struct {
	url    string
	turns  atomic.Int64
	frozen atomic.Bool // lets nothing through any more
	mu     sync.Mutex
	conns  []net.Conn
}

func listen(t testing.TB, address string) *wire {
	u, err := url.Parse(address)
	must(t, err)
	server := u.Host
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{}
	u.Host = l.Addr().String()
	w.url = u.String()
	t.Cleanup(func() { l.Close(); w.cut() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", server)
			if err != nil {
				c.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, c, s)
			w.mu.Unlock()
			var answered atomic.Bool
			go w.pass(c, s, func() {
				if answered.Swap(false) {
					w.turns.Add(1)
				}
			})
			go w.pass(s, c, func() { answered.Store(true) })
		}
	}()
	return w
}

func (w *wire) pass(from, to net.Conn, seen func()) {
	defer from.Close()
	defer to.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		for w.frozen.Load() {
			time.Sleep(10 * time.Millisecond)
		}
		seen()
		if _, werr := to.Write(b[:n]); err != nil || werr != nil {
			return
		}
	}
}

// cut breaks all connections.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
	w.conns = nil
}

// Reliability: connections that the server or the network broke are replaced;
// while nothing gets through the answer is "busy" and comes soon.
func TestPostgresGoesAway(t *testing.T) {
	w := listen(t, storetest.Postgres(t))
	db := storetest.With(t, store.Config{URL: w.url, MaxConns: 4})
	ctx := t.Context()
	person(t, db, "ann")
	use := func(n string) error {
		return db.Atomic(ctx, func(ctx context.Context) error {
			if _, err := db.Users.ByID(ctx, "ann"); err != nil {
				return err
			}
			return errors.Join(db.Log.Append(ctx, event(n)), db.Users.RaiseEpoch(ctx, "ann"))
		})
	}
	parallel(t, 4, func(i int) error { return use(fmt.Sprint("warm", i)) })
	w.cut()
	failed := 0
	for i := range 20 {
		err := use(fmt.Sprint("cut", i))
		if err != nil {
			failed++
			wantErr(t, err, idp.ErrBusy)
		}
	}
	if failed > 4 {
		t.Errorf("%d of 20 failed after the connections broke, at most one for each was to", failed)
	}

	w.frozen.Store(true)
	start := time.Now()
	for _, err := range []error{use("frozen"), db.Ready(ctx)} {
		wantErr(t, err, idp.ErrBusy)
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("two answers took %v", took)
	}
	w.frozen.Store(false)
	deadline := time.Now().Add(10 * time.Second)
	for err := use("again0"); err != nil; err = use(fmt.Sprint("again", time.Now().UnixNano())) {
		if time.Now().After(deadline) {
			t.Fatal("not back after 10 s: ", err)
		}
	}
	must(t, db.Ready(ctx))
}
