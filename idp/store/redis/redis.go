// Package redis is a cache that several instances share. A Redis that is dead,
// slow or empty costs a moment and changes no decision: every error is a miss,
// and after one the server is left alone for a while.
package redis

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"latchkey/idp"
)

const (
	// budget is the most that one operation may take, dialling included. A
	// request that meets a hanging server pays it once: then the breaker is open.
	budget = 80 * time.Millisecond
	// rest is how long the server is left alone after an error. Then one
	// operation tries again while the others still miss.
	rest = time.Second
)

// Cache is a store.Cache.
type Cache struct {
	client redis.UniversalClient
	prefix string
	now    func() time.Time
	// Report is called once when the server is lost, with why, and once with
	// nil when it is back. It is set before first use; nil: nobody is told.
	Report func(err error)
	lost   atomic.Bool
	// shut is the moment (Unix nanoseconds) until which nobody asks.
	shut atomic.Int64
}

// New reads a redis:// or rediss:// address. Several hosts, parted by commas,
// are a cluster, or with ?master=NAME the sentinels of that master. It does not
// connect: the program starts without Redis, too. It fails with idp.ErrInvalid.
func New(address string) (*Cache, error) {
	o, err := options(address)
	if err != nil {
		return nil, err
	}
	return &Cache{client: redis.NewUniversalClient(o), prefix: "latchkey:", now: time.Now}, nil
}

func options(address string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		// The address is not repeated: it may hold a password.
		return nil, fmt.Errorf("%w: Redis address must be redis://HOST:PORT/DB or rediss://…", idp.ErrInvalid)
	}
	hosts := strings.Split(u.Host, ",")
	q := u.Query()
	master := q.Get("master")
	q.Del("master")
	u.Host, u.RawQuery = hosts[0], q.Encode()
	one, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("%w: Redis address: %w", idp.ErrInvalid, err)
	}
	hosts[0] = one.Addr
	return &redis.UniversalOptions{
		Addrs: hosts, MasterName: master, DB: one.DB, TLSConfig: one.TLSConfig,
		Username: one.Username, Password: one.Password,
		DialTimeout: 200 * time.Millisecond, ReadTimeout: 50 * time.Millisecond, WriteTimeout: 50 * time.Millisecond,
		PoolTimeout: 50 * time.Millisecond, ContextTimeoutEnabled: true,
		MaxRetries: -1, MaxRedirects: 2, DialerRetries: 1,
		DisableIdentity:          true, // one trip less for each new connection
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}, nil
}

// Get asks the server, unless it rests.
func (c *Cache) Get(ctx context.Context, key string) (value string, ok bool) {
	c.try(ctx, func(ctx context.Context) error {
		v, err := c.client.Get(ctx, c.prefix+key).Result()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		value, ok = v, err == nil
		return err
	})
	return value, ok
}

// Set remembers a value for up to ttl.
func (c *Cache) Set(ctx context.Context, key, value string, ttl time.Duration) {
	if ttl < time.Millisecond {
		return // Redis counts in milliseconds, and takes 0 for ever
	}
	c.try(ctx, func(ctx context.Context) error {
		return c.client.Set(ctx, c.prefix+key, value, ttl).Err()
	})
}

// Delete forgets keys, one by one: a cluster keeps them in different places.
func (c *Cache) Delete(ctx context.Context, keys ...string) {
	if len(keys) == 0 {
		return
	}
	c.try(ctx, func(ctx context.Context) error {
		_, err := c.client.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, k := range keys {
				p.Del(ctx, c.prefix+k)
			}
			return nil
		})
		return err
	})
}

// Close closes the connections.
func (c *Cache) Close() error { return c.client.Close() }

// try runs one operation within the budget. Whoever comes first after a rest
// starts the next one and probes alone.
func (c *Cache) try(ctx context.Context, do func(context.Context) error) {
	now := c.now()
	shut := c.shut.Load()
	if now.UnixNano() < shut {
		return
	}
	if shut != 0 && !c.shut.CompareAndSwap(shut, now.Add(rest).UnixNano()) {
		return
	}
	bounded, cancel := context.WithTimeout(ctx, budget)
	defer cancel()
	switch err := do(bounded); {
	case err == nil:
		c.shut.Store(0)
		c.report(nil)
	case ctx.Err() != nil: // the caller went away; that says nothing about the server
	default:
		c.shut.Store(c.now().Add(rest).UnixNano())
		c.report(err)
	}
}

// report tells of a change, and of nothing that was so before.
func (c *Cache) report(err error) {
	if c.lost.CompareAndSwap(err == nil, err != nil) && c.Report != nil {
		c.Report(err)
	}
}
