package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/memory"
	"latchkey/idp/store/redis"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
)

// noCache shows that nothing hangs on a cache.
type noCache struct{}

func (noCache) Get(context.Context, string) (string, bool)         { return "", false }
func (noCache) Set(context.Context, string, string, time.Duration) {}
func (noCache) Delete(context.Context, ...string)                  {}

// eachLimiter runs f on every database, with a cache, without one, and with
// one that forgets between any two tries.
func eachLimiter(t *testing.T, f func(t *testing.T, clock *storetest.Clock, db *store.DB)) {
	storetest.URLs(t, func(t *testing.T, url string) {
		clock := storetest.NewClock()
		f(t, clock, storetest.With(t, store.Config{URL: url, Now: clock.Now}))
	})
	t.Run("no cache", func(t *testing.T) {
		clock := storetest.NewClock()
		f(t, clock, storetest.With(t, store.Config{URL: "sqlite::memory:", Now: clock.Now, Cache: noCache{}}))
	})
}

// wantLock checks that the next try is refused until then.
func wantLock(t *testing.T, db *store.DB, key string, until time.Time, bs ...mfa.Budget) {
	t.Helper()
	err := db.Limiter.Take(t.Context(), bs...)
	var locked *mfa.LockedError
	if !errors.As(err, &locked) || !errors.Is(err, mfa.ErrLocked) {
		t.Fatalf("got %v, want a lock", err)
	}
	if locked.Key != key || !locked.Until.Equal(until) {
		t.Errorf("%s until %v, want %s until %v", locked.Key, locked.Until, key, until)
	}
}

func take(t *testing.T, db *store.DB, n int, bs ...mfa.Budget) {
	t.Helper()
	for i := range n {
		if err := db.Limiter.Take(t.Context(), bs...); err != nil {
			t.Fatalf("try %d: %v", i+1, err)
		}
	}
}

func TestLimiterWindow(t *testing.T) {
	eachLimiter(t, func(t *testing.T, clock *storetest.Clock, db *store.DB) {
		b := mfa.Budget{Key: "k", Max: 3, Per: 15 * time.Minute}
		start := clock.Now()
		take(t, db, 2, b)
		clock.Pass(10 * time.Minute)
		take(t, db, 1, b)
		// The lock lasts the whole time from the last counted try, and tries
		// that it refuses neither count nor prolong it.
		until := start.Add(25 * time.Minute)
		for range 5 {
			wantLock(t, db, "k", until, b)
			clock.Pass(time.Minute)
		}
		clock.Pass(until.Sub(clock.Now()) - time.Millisecond)
		wantLock(t, db, "k", until, b)
		clock.Pass(time.Millisecond)
		take(t, db, 1, b)
		// A window that is over starts anew, full or not.
		clock.Pass(15 * time.Minute)
		take(t, db, 3, b)
		wantLock(t, db, "k", clock.Now().Add(15*time.Minute), b)
	})
}

func TestLimiterOne(t *testing.T) {
	eachLimiter(t, func(t *testing.T, clock *storetest.Clock, db *store.DB) {
		b := mfa.Budget{Key: "k", Max: 1, Per: time.Minute}
		take(t, db, 1, b, b) // named twice, counted once
		wantLock(t, db, "k", clock.Now().Add(time.Minute), b)
		must(t, db.Limiter.Take(t.Context()))
		for _, bad := range []mfa.Budget{{Key: "", Max: 1, Per: 1e9}, {Key: "a", Per: 1e9}, {Key: "a", Max: 1}} {
			wantErr(t, db.Limiter.Take(t.Context(), bad), idp.ErrInvalid)
		}
	})
}

// B-02: a streak ends by a success alone.
func TestLimiterStreak(t *testing.T) {
	eachLimiter(t, func(t *testing.T, clock *storetest.Clock, db *store.DB) {
		b := mfa.Budget{Key: "k", Max: 10, Per: time.Minute, Streak: 7}
		for range 7 {
			take(t, db, 1, b)
			clock.Pass(time.Hour)
		}
		wantLock(t, db, "k", time.Time{}, b)
		clock.Pass(1000 * time.Hour)
		wantLock(t, db, "k", time.Time{}, b)
		must(t, db.Limiter.Forgive(t.Context(), b))
		take(t, db, 7, b)
		wantLock(t, db, "k", time.Time{}, b)
	})
}

// B-08, B-09: budgets are apart; a try that one of them refuses is counted by
// none, so a locked account does not eat up what its neighbours share.
func TestLimiterTogether(t *testing.T) {
	eachLimiter(t, func(t *testing.T, clock *storetest.Clock, db *store.DB) {
		own := mfa.Budget{Key: "own", Max: 2, Per: time.Minute, Streak: 50}
		net := mfa.Budget{Key: "net", Max: 4, Per: time.Hour, Shared: true}
		take(t, db, 2, own, net)
		for range 20 {
			wantLock(t, db, "own", clock.Now().Add(time.Minute), own, net)
		}
		take(t, db, 2, net)
		wantErr(t, db.Limiter.Take(t.Context(), own, net), mfa.ErrLocked)
		clock.Pass(10 * time.Second) // what the cache knows is over; with two locks the longer one is told
		wantLock(t, db, "net", clock.Now().Add(time.Hour-10*time.Second), own, net)
		clock.Pass(time.Minute)
		other := mfa.Budget{Key: "other", Max: 1, Per: time.Minute}
		for range 3 {
			if err := db.Limiter.Take(t.Context(), other, net); !errors.Is(err, mfa.ErrLocked) {
				t.Fatal(err)
			}
		}
		take(t, db, 1, other)
	})
}

func TestForgive(t *testing.T) {
	eachLimiter(t, func(t *testing.T, clock *storetest.Clock, db *store.DB) {
		ctx, l := t.Context(), db.Limiter
		own := mfa.Budget{Key: "own", Max: 3, Per: time.Minute}
		net := mfa.Budget{Key: "net", Max: 5, Per: time.Minute, Shared: true}
		take(t, db, 3, own, net)
		wantLock(t, db, "own", clock.Now().Add(time.Minute), own, net)
		// It joins the caller's transaction: what that takes back stays.
		boom := errors.New("boom")
		wantErr(t, db.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(l.Forgive(ctx, own, net), boom)
		}), boom)
		wantLock(t, db, "own", clock.Now().Add(time.Minute), own, net)
		must(t, db.Atomic(ctx, func(ctx context.Context) error { return l.Forgive(ctx, own, net) }))
		take(t, db, 3, own, net) // own anew; net had 3, got 1 back, is full at 5
		wantLock(t, db, "net", clock.Now().Add(time.Minute), net)
		for range 20 {
			must(t, l.Forgive(ctx, net)) // never below zero
		}
		take(t, db, 5, net)
		wantLock(t, db, "net", clock.Now().Add(time.Minute), net)
		must(t, l.Forgive(ctx, mfa.Budget{Key: "unknown", Max: 1, Per: time.Second, Shared: true}))
	})
}

// B-04: k parallel tries count k, and never more than Max pass.
func TestLimiterCountsParallelTries(t *testing.T) {
	eachLimiter(t, func(t *testing.T, clock *storetest.Clock, db *store.DB) {
		for round := range 5 {
			own := mfa.Budget{Key: fmt.Sprint("own", round), Max: 7, Per: time.Minute, Streak: 100}
			net := mfa.Budget{Key: fmt.Sprint("net", round), Max: 1000, Per: time.Minute, Shared: true}
			if round%2 == 1 {
				take(t, db, 1, net) // the row is there already
			}
			var passed atomic.Int64
			parallel(t, 12, func(int) error {
				err := db.Limiter.Take(t.Context(), net, own)
				if err == nil {
					passed.Add(1)
				} else if !errors.Is(err, mfa.ErrLocked) {
					return err
				}
				return nil
			})
			if passed.Load() != 7 {
				t.Fatalf("%d of 12 passed, want 7", passed.Load())
			}
			// The refused five are not in the shared count.
			net.Max = 7 + round%2
			if err := db.Limiter.Take(t.Context(), net); !errors.Is(err, mfa.ErrLocked) {
				t.Error("some tries were not counted:", err)
			}
			net.Max++
			clock.Pass(10 * time.Second) // the cache still knows the smaller budget
			take(t, db, 1, net)
		}
	})
}

// parallel starts n calls at once and fails the test when one of them does.
func parallel(t *testing.T, n int, f func(i int) error) {
	t.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			if err := f(i); err != nil {
				t.Error(err)
			}
		})
	}
	close(start)
	wg.Wait()
}

// B-05: a lock survives the failure of what it was part of and a restart; in
// an Atomic, which could take it back, nothing may be counted.
func TestLocksCommitAlone(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := mfa.Budget{Key: "k", Max: 1, Per: time.Minute}
		err := db.Atomic(t.Context(), func(ctx context.Context) error {
			if err := db.Limiter.Take(ctx, b); err == nil {
				t.Error("a try was counted inside Atomic")
			}
			if err := db.Challenges.Try(ctx, "c", 1); err == nil || errors.Is(err, mfa.ErrExpired) {
				t.Error("a try at a challenge was counted inside Atomic:", err)
			}
			return nil
		})
		must(t, err)
		take(t, db, 1, b)
	})
}

// B-05, B-06: flushing the cache between tries gives nobody another try, and
// filling it with other names does not either.
func TestCacheDecidesNothing(t *testing.T) {
	b := mfa.Budget{Key: "k", Max: 3, Per: time.Minute}
	try := func(t *testing.T, db *store.DB, flush func()) {
		passed := 0
		for range 20 {
			err := db.Limiter.Take(t.Context(), b)
			if err == nil {
				passed++
			} else if !errors.Is(err, mfa.ErrLocked) {
				t.Fatal(err)
			}
			flush()
		}
		if passed != 3 {
			t.Errorf("%d tries passed, want 3", passed)
		}
	}
	t.Run("memory", func(t *testing.T) {
		c := &memory.Cache{}
		try(t, storetest.With(t, store.Config{URL: "sqlite::memory:", Cache: c}), c.Flush)
	})
	t.Run("redis", func(t *testing.T) {
		address := storetest.Redis(t)
		o, err := goredis.ParseURL(address)
		must(t, err)
		o.DB = 9 // emptied here, so not the one that others use
		raw := goredis.NewClient(o)
		defer raw.Close()
		c, err := redis.New(fmt.Sprintf("redis://%s/9", o.Addr))
		must(t, err)
		defer c.Close()
		try(t, storetest.With(t, store.Config{URL: "sqlite::memory:", Cache: c}), func() { must(t, raw.FlushDB(t.Context()).Err()) })
	})
}

// A flood against a locked account does not reach the database.
func TestCacheShieldsDatabase(t *testing.T) {
	clock := storetest.NewClock()
	db := storetest.OpenAt(t, clock.Now)
	b := mfa.Budget{Key: "k", Max: 1, Per: time.Minute}
	take(t, db, 1, b)
	until := clock.Now().Add(time.Minute)
	wantLock(t, db, "k", until, b)
	before, _ := db.Trips()
	for range 100 {
		wantLock(t, db, "k", until, b)
	}
	if after, _ := db.Trips(); after != before {
		t.Errorf("%d trips for refusals", after-before)
	}
	// An administrator's unlocking counts at once.
	must(t, db.Limiter.Forgive(t.Context(), b))
	take(t, db, 1, b)
}
