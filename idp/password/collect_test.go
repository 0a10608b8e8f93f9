package password_test

import (
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"latchkey/idp/password"
)

// C-11: many at once need the memory of those that run, not of those that wait:
// what a hash has used is there for the next one.
func TestMemoryOfMany(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(100)) // whatever the environment says
	const slots, many, hash = 2, 24, 19 << 20
	h := password.New(password.Default, slots, many)
	heap := func() uint64 {
		s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(s)
		return s[0].Value.Uint64()
	}
	if _, err := h.Hash(t.Context(), "correct horse battery"); err != nil { // leaves a heap that was just collected
		t.Fatal(err)
	}
	began, most := heap(), uint64(0)
	over := make(chan struct{})
	var all, watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(time.Millisecond):
				most = max(most, heap())
			}
		}
	})
	for range many {
		all.Go(func() {
			if _, err := h.Hash(t.Context(), "correct horse battery"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	close(over)
	watch.Wait()
	// Both lanes, and what one has just left.
	if limit := began + (slots+1)*hash + hash/2; most > limit {
		t.Errorf("%d MiB for %d hashes at once, want at most %d", most>>20, slots, limit>>20)
	}
}
