// Package ristretto stands in for github.com/dgraph-io/ristretto, the cache of
// fosite's fetcher of clients' keys, which the engine here never has: nothing
// is fetched.
package ristretto

import (
	"errors"
	"time"
)

// ErrAbsent says that there is no cache in the program.
var ErrAbsent = errors.New("ristretto: not in this program")

// Config has the fields that fosite sets.
type Config[K, V any] struct {
	NumCounters, MaxCost, BufferItems int64
	Metrics                           bool
	Cost                              func(V) int64
}

// Cache holds nothing.
type Cache[K, V any] struct{}

// NewCache returns [ErrAbsent].
func NewCache[K, V any](*Config[K, V]) (*Cache[K, V], error) { return nil, ErrAbsent }

// Get finds nothing.
func (*Cache[K, V]) Get(K) (v V, ok bool) { return v, false }

// SetWithTTL keeps nothing.
func (*Cache[K, V]) SetWithTTL(K, V, int64, time.Duration) bool { return false }

// Wait has nothing to wait for.
func (*Cache[K, V]) Wait() {}
