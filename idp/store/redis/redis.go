// Package redis is a cache that several instances share. A Redis that is dead,
// slow or empty costs a moment and changes no decision: every error is a miss,
// and after one the server is left alone for a while.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"latchkey/idp"
	"latchkey/idp/trace"
)

const (
	// budget is the most that one operation may take, dialling included. A
	// request that meets a hanging server pays it once: then the breaker is open.
	budget = 80 * time.Millisecond
	// rest is how long the server is left alone after an error. Then one
	// operation tries again while the others still miss.
	rest = time.Second
	// patience is the most that one step of Ping may take.
	patience = 2 * time.Second
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
// are a cluster, or with ?master=NAME the sentinels of that master; a user and a
// password are for Redis itself, and sentinels are asked without. It does not
// connect: the program starts without Redis, too. It fails with idp.ErrInvalid.
func New(address string) (*Cache, error) {
	o, err := options(address)
	if err != nil {
		return nil, err
	}
	return &Cache{client: connect(o), prefix: "latchkey:", now: time.Now}, nil
}

// Ping asks the server of an address whether it is there, once, and leaves
// nothing open. With sentinels it is the master that is asked.
func Ping(ctx context.Context, address string) error {
	o, err := options(address)
	if err != nil {
		return err
	}
	// The moment that a request would wait is too short to tell a slow server
	// from none: ctx says how long is waited.
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout, o.PoolTimeout = patience, patience, patience, patience
	client := connect(o)
	return errors.Join(client.Ping(ctx).Err(), client.Close())
}

// connect makes a client. What the library would write to standard error, in a
// form of its own, goes to the program's log and only when all of it is wanted:
// errors say the same.
func connect(o *redis.UniversalOptions) redis.UniversalClient {
	hush.Do(func() { redis.SetLogger(libraryLog{}) })
	return redis.NewUniversalClient(o)
}

var hush sync.Once

type libraryLog struct{}

func (libraryLog) Printf(ctx context.Context, format string, args ...any) {
	slog.DebugContext(ctx, "redis: "+fmt.Sprintf(format, args...))
}

func options(address string) (*redis.UniversalOptions, error) {
	first, others := apart(address)
	u, err := url.Parse(first)
	if err != nil || u.Host == "" || u.Scheme != "redis" && u.Scheme != "rediss" {
		// The address is not repeated: it may hold a password.
		return nil, fmt.Errorf("%w: Redis address must be redis://HOST:PORT/DB or rediss://…", idp.ErrInvalid)
	}
	q := u.Query()
	master := q.Get("master")
	if q.Del("master"); master != "" && u.Port() == "" {
		u.Host += ":" + sentinelPort
	}
	u.RawQuery = q.Encode()
	one, err := redis.ParseURL(u.String())
	if err != nil {
		return nil, fmt.Errorf("%w: Redis address: %w", idp.ErrInvalid, err)
	}
	hosts := []string{one.Addr}
	for _, h := range others {
		hosts = append(hosts, withPort(h, master != ""))
	}
	if one.TLSConfig != nil && (len(hosts) > 1 || master != "") {
		one.TLSConfig.ServerName = "" // each proves its own name, not that of the first
	}
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

// apart takes all hosts but the first out of an address. What is left is a URL.
func apart(address string) (first string, others []string) {
	scheme, rest, _ := strings.Cut(address, "://")
	end := strings.IndexAny(rest+"/", "/?#")
	start := strings.LastIndex(rest[:end], "@") + 1
	hosts := strings.Split(rest[start:end], ",")
	return scheme + "://" + rest[:start] + hosts[0] + rest[end:], hosts[1:]
}

// sentinelPort is where sentinels listen unless they are told otherwise.
const sentinelPort = "26379"

func withPort(host string, sentinel bool) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	port := "6379"
	if sentinel {
		port = sentinelPort
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), port)
}

// Get asks the server, unless it rests.
func (c *Cache) Get(ctx context.Context, key string) (value string, ok bool) {
	c.try(ctx, "GET", func(ctx context.Context) error {
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
	c.try(ctx, "SET", func(ctx context.Context) error {
		return c.client.Set(ctx, c.prefix+key, value, ttl).Err()
	})
}

// Delete forgets keys, one by one: a cluster keeps them in different places.
func (c *Cache) Delete(ctx context.Context, keys ...string) {
	if len(keys) == 0 {
		return
	}
	c.try(ctx, "DEL", func(ctx context.Context) error {
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
// starts the next one and probes alone. name is that of the command.
func (c *Cache) try(ctx context.Context, name string, do func(context.Context) error) {
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
	bounded, span := trace.Call(bounded, name, trace.Text("db.system.name", "redis"), trace.Text("db.operation.name", name))
	err := do(bounded)
	span.End(err)
	switch {
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
