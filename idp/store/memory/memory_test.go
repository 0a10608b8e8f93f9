package memory_test

import (
	"strconv"
	"testing"
	"time"

	"latchkey/idp/store"
	"latchkey/idp/store/memory"
	"latchkey/idp/store/storetest"
)

func TestContract(t *testing.T) {
	clock := storetest.NewClock()
	storetest.Cache(t, func(*testing.T) store.Cache { return &memory.Cache{Now: clock.Now} }, clock.Pass)
}

// B-06: whoever fills the cache with other names makes it forget, never grow;
// that forgetting decides nothing is shown by the limiter's tests.
func TestBounded(t *testing.T) {
	var c memory.Cache
	for i := range 3 * memory.Most {
		c.Set(t.Context(), strconv.Itoa(i), "x", time.Minute)
	}
	kept := 0
	for i := range 3 * memory.Most {
		if _, ok := c.Get(t.Context(), strconv.Itoa(i)); ok {
			kept++
		}
	}
	if kept > memory.Most || kept < memory.Most/2 {
		t.Errorf("%d entries kept, bound is %d", kept, memory.Most)
	}
	c.Flush()
	if _, ok := c.Get(t.Context(), strconv.Itoa(3*memory.Most-1)); ok {
		t.Error("something survived Flush")
	}
}
