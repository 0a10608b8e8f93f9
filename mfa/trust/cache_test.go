package trust_test

import (
	"context"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store"
	"latchkey/idp/store/memory"
	"latchkey/idp/store/redis"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/trust"
)

// flaky is a cache that can be told to misbehave.
type flaky struct {
	memory.Cache
	mu   sync.Mutex
	deaf bool // misses every Delete
	dead bool
	keys map[string]string
}

func (c *flaky) Get(ctx context.Context, key string) (string, bool) {
	if c.dead {
		return "", false
	}
	return c.Cache.Get(ctx, key)
}

func (c *flaky) Set(ctx context.Context, key, value string, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.keys == nil {
		c.keys = map[string]string{}
	}
	c.keys[key] = value
	c.Cache.Set(ctx, key, value, ttl)
}

func (c *flaky) Delete(ctx context.Context, keys ...string) {
	if !c.deaf && !c.dead {
		c.Cache.Delete(ctx, keys...)
	}
}

func cached(t testing.TB, c store.Cache) house {
	clock := storetest.NewClock()
	return open(t, storetest.With(t, store.Config{URL: "sqlite::memory:", Now: clock.Now, Cache: c}), clock, "ada", "bob")
}

// trips counts round trips.
func (h house) trips(do func()) int64 {
	before, _ := h.db.Trips()
	do()
	after, _ := h.db.Trips()
	return after - before
}

// The budget: nothing for a browser without an entry, one round trip for one
// that the cache does not know, none for one that it does.
func TestCost(t *testing.T) {
	for name, c := range map[string]func(t *testing.T) store.Cache{
		"memory": func(*testing.T) store.Cache { return &memory.Cache{} },
		"redis": func(t *testing.T) store.Cache {
			c, err := redis.New(storetest.Redis(t))
			must(t, err)
			t.Cleanup(func() { must(t, c.Close()) })
			return c
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := cached(t, c(t))
			_, cookie := h.trusted(t, "ada", "")
			u, err := h.db.Users.ByID(t.Context(), "ada")
			must(t, err)
			ask := func(cookie string, want bool) func() {
				return func() {
					if _, ok, err := h.Recognise(t.Context(), "ada", u.Epoch, u.Trust, cookie); err != nil || ok != want {
						t.Errorf("%v, %v", ok, err)
					}
				}
			}
			for i, want := range []int64{1, 0, 0} {
				if n := h.trips(ask(cookie, true)); n != want {
					t.Errorf("look %d cost %d round trips, want %d", i, n, want)
				}
			}
			if n := h.trips(ask("junk~"+strings.Repeat("A", 12)+"."+strings.Repeat("A", 43), false)); n != 0 {
				t.Errorf("junk cost %d round trips", n)
			}
		})
	}
}

// Whatever the cache says, misses or forgets: the answer is the database's.
func TestCacheDecidesNothing(t *testing.T) {
	c := &flaky{deaf: true}
	h := cached(t, c)
	d, cookie := h.trusted(t, "ada", "")
	h.wants(t, "ada", cookie, true)
	c.Flush()
	h.wants(t, "ada", cookie, true)
	c.dead = true
	h.wants(t, "ada", cookie, true)
	c.dead = false
	// The entry stays where it is, and is not believed.
	must(t, h.Forget(t.Context(), "ada", d.ID))
	h.wants(t, "ada", cookie, false)
	// That it was unknown is not remembered: nothing of the past answers now.
	_, next := h.trusted(t, "ada", cookie)
	h.wants(t, "ada", cookie, false)
	h.wants(t, "ada", next, true)
	must(t, h.db.Users.RaiseEpoch(t.Context(), "ada"))
	h.wants(t, "ada", next, false)
}

// Whoever can write to the cache cannot make a browser trusted: not by an entry
// of their own, not by another person's or browser's.
func TestForgedEntry(t *testing.T) {
	c := &flaky{deaf: true}
	h := cached(t, c)
	_, hers := h.trusted(t, "ada", "")
	h.wants(t, "ada", hers, true)
	var key, value string
	for key, value = range c.keys {
		if strings.Contains(value, "ada") || strings.Contains(value, "Firefox") {
			t.Errorf("the cache shows whose device it is: %q", value)
		}
	}
	must(t, h.ForgetAll(t.Context(), "ada"))
	for _, forged := range []string{
		value, "", "{}", "\x00", `{"trust":1,"device":{"ID":"x","Subject":"ada","Expires":"2999-01-01T00:00:00Z"}}`,
	} {
		c.Set(t.Context(), key, forged, time.Hour)
		h.wants(t, "ada", hers, false)
	}
	_, his := h.trusted(t, "bob", "")
	h.wants(t, "bob", his, true)
	for k, v := range c.keys {
		if k != key {
			c.Set(t.Context(), key, v, time.Hour) // bob's device under ada's hash
		}
	}
	h.wants(t, "ada", hers, false)
}

// An entry under another device's key is none: the answer is about the device
// that was asked for.
func TestMovedEntry(t *testing.T) {
	c := &flaky{}
	h := cached(t, c)
	one, first := h.trusted(t, "ada", "")
	h.wants(t, "ada", first, true)
	two, second := h.trusted(t, "ada", "")
	h.wants(t, "ada", second, true)
	keys := slices.Collect(maps.Keys(c.keys))
	if len(keys) != 2 {
		t.Fatalf("%d entries", len(keys))
	}
	a, b := c.keys[keys[0]], c.keys[keys[1]]
	c.Set(t.Context(), keys[0], b, time.Hour)
	c.Set(t.Context(), keys[1], a, time.Hour)
	for cookie, want := range map[string]trust.Device{first: one, second: two} {
		if got, ok := h.knows(t, "ada", cookie); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v; want %v", got, ok, want)
		}
	}
}

// BenchmarkRecognise measures a look that the cache answers.
func BenchmarkRecognise(b *testing.B) {
	h := cached(b, &memory.Cache{})
	_, cookie := h.trusted(b, "ada", "")
	ask := func() {
		if _, ok, err := h.Recognise(b.Context(), "ada", 0, 0, cookie); err != nil || !ok {
			b.Fatal(ok, err)
		}
	}
	ask()
	b.ReportAllocs()
	b.ReportMetric(float64(h.trips(func() {
		for b.Loop() {
			ask()
		}
	})), "trips")
}
