package storetest

import (
	"strconv"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store"
	"latchkey/idp/store/memory"
)

// Cache is the contract of a store.Cache: open returns an empty one, pass lets
// that much time go by.
func Cache(t *testing.T, open func(t *testing.T) store.Cache, pass func(time.Duration)) {
	t.Run("remembers and forgets", func(t *testing.T) {
		c, ctx := open(t), t.Context()
		if v, ok := c.Get(ctx, "a"); ok || v != "" {
			t.Errorf("empty cache knows %q", v)
		}
		c.Set(ctx, "a", "1", time.Minute)
		c.Set(ctx, "b", "", time.Minute)
		c.Set(ctx, "a", "2", time.Minute)
		wantCached(t, c, "a", "2")
		wantCached(t, c, "b", "")
		c.Delete(ctx, "a", "never there")
		c.Delete(ctx)
		if _, ok := c.Get(ctx, "a"); ok {
			t.Error("a survived Delete")
		}
		wantCached(t, c, "b", "")
	})
	t.Run("forgets in time", func(t *testing.T) {
		c, ctx := open(t), t.Context()
		c.Set(ctx, "short", "x", 100*time.Millisecond)
		c.Set(ctx, "long", "x", time.Minute)
		c.Set(ctx, "none", "x", 0)
		c.Set(ctx, "past", "x", -time.Second)
		wantCached(t, c, "short", "x")
		pass(150 * time.Millisecond)
		for _, k := range []string{"short", "none", "past"} {
			if _, ok := c.Get(ctx, k); ok {
				t.Errorf("%s outlived its time", k)
			}
		}
		wantCached(t, c, "long", "x")
	})
	t.Run("parallel", func(t *testing.T) {
		c, ctx := open(t), t.Context()
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 100 {
					k := strconv.Itoa(i*100 + j)
					c.Set(ctx, k, k, time.Minute)
					if v, ok := c.Get(ctx, k); ok && v != k {
						t.Errorf("%s became %s", k, v)
					}
					c.Delete(ctx, k)
				}
			})
		}
		wg.Wait()
	})
}

func wantCached(t *testing.T, c store.Cache, key, want string) {
	t.Helper()
	if v, ok := c.Get(t.Context(), key); !ok || v != want {
		t.Errorf("%s = %q, %v; want %q", key, v, ok, want)
	}
}

// Clock is a clock that moves only when it is told to.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a fixed moment.
func NewClock() *Clock { return &Clock{now: time.Date(2026, 7, 14, 9, 0, 0, 0, time.UTC)} }

// Now is the time on the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Pass moves the clock on.
func (c *Clock) Pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

var _ store.Cache = (*memory.Cache)(nil)
