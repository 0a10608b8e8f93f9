// Package memory is a cache inside the process, for a single server. It never
// grows beyond its bound and never is the only place that knows something.
package memory

import (
	"context"
	"sync"
	"time"
)

// Most is how many entries a cache holds.
const Most = 10_000

// Cache is a store.Cache. The zero Cache works.
type Cache struct {
	Now func() time.Time // default time.Now

	mu   sync.Mutex
	held map[string]entry
}

type entry struct {
	value string
	ends  time.Time
}

// Get returns a value that is neither forgotten nor over.
func (c *Cache) Get(_ context.Context, key string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.held[key]
	if ok && !c.now().Before(e.ends) {
		delete(c.held, key)
		return "", false
	}
	return e.value, ok
}

// Set remembers a value for up to ttl.
func (c *Cache) Set(_ context.Context, key, value string, ttl time.Duration) {
	if ttl <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = map[string]entry{}
	}
	if _, there := c.held[key]; !there && len(c.held) >= Most {
		c.makeRoom()
	}
	c.held[key] = entry{value, c.now().Add(ttl)}
}

// makeRoom drops what is over and then, if that was too little, whatever comes
// first: the order of a map cannot be chosen by somebody who fills it.
func (c *Cache) makeRoom() {
	now := c.now()
	for k, e := range c.held {
		if !now.Before(e.ends) {
			delete(c.held, k)
		}
	}
	for k := range c.held {
		if len(c.held) < Most-Most/10 {
			return
		}
		delete(c.held, k)
	}
}

// Delete forgets keys.
func (c *Cache) Delete(_ context.Context, keys ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, k := range keys {
		delete(c.held, k)
	}
}

// Flush forgets everything.
func (c *Cache) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.held)
}

func (c *Cache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}
