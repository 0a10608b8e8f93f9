package redis_test

import (
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"latchkey/idp"
	"latchkey/idp/store"
	"latchkey/idp/store/redis"
	"latchkey/idp/store/storetest"
)

func open(t *testing.T, address string) *redis.Cache {
	t.Helper()
	c, err := redis.New(address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestContract(t *testing.T) {
	t.Run("miniature", func(t *testing.T) {
		s := miniredis.RunT(t)
		storetest.Cache(t, func(t *testing.T) store.Cache {
			s.FlushAll()
			return open(t, "redis://"+s.Addr())
		}, s.FastForward)
	})
	t.Run("server", func(t *testing.T) {
		address := storetest.Redis(t)
		storetest.Cache(t, func(t *testing.T) store.Cache {
			c := open(t, address)
			c.Delete(t.Context(), "a", "b", "short", "long", "none", "past")
			return c
		}, time.Sleep)
	})
}

// Reliability: a Redis that hangs, refuses or cannot be written to costs at
// most 100 ms once, and after that nothing until it is tried again.
func TestBroken(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	refusing, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing.Close()
	failing := miniredis.RunT(t)
	failing.SetError("READONLY You can't write against a read only replica.")
	for name, address := range map[string]string{
		"hanging": hanging.Addr().String(), "refusing": refusing.Addr().String(), "failing": failing.Addr(),
	} {
		t.Run(name, func(t *testing.T) {
			c, ctx := open(t, "redis://"+address), t.Context()
			start := time.Now()
			c.Set(ctx, "a", "1", time.Minute)
			if took := time.Since(start); took > 200*time.Millisecond { // 80 ms on an idle machine
				t.Errorf("the first operation took %v", took)
			}
			start = time.Now()
			for range 100 {
				if _, ok := c.Get(ctx, "a"); ok {
					t.Fatal("a broken server answered")
				}
				c.Delete(ctx, "a")
			}
			if took := time.Since(start); took > 100*time.Millisecond {
				t.Errorf("200 operations with the breaker open took %v", took)
			}
		})
	}
}

// Reliability: a Redis that comes back is used again by itself.
func TestComesBack(t *testing.T) {
	s := miniredis.RunT(t)
	c := open(t, "redis://"+s.Addr())
	var told []bool // lost
	c.Report = func(err error) { told = append(told, err != nil) }
	c.Set(t.Context(), "a", "0", time.Minute)
	s.SetError("LOADING")
	for range 3 {
		c.Set(t.Context(), "a", "1", time.Minute)
	}
	s.SetError("")
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		c.Set(t.Context(), "a", "1", time.Minute)
		if _, ok := c.Get(t.Context(), "a"); ok {
			if !slices.Equal(told, []bool{true, false}) {
				t.Errorf("told %v; lost once and back once is expected", told)
			}
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Error("not used again within 10 s")
}

func TestAddress(t *testing.T) {
	for _, address := range []string{"", "localhost:6379", "http://x", "redis://", "redis://:pass@h:1/x/y"} {
		_, err := redis.New(address)
		if !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "pass@") {
			t.Errorf("the password is in %q", err)
		}
	}
	for _, address := range []string{"redis://h", "rediss://u:p@h:1/3", "redis://h1:1,h2:2", "redis://s1:1,s2:2/0?master=m", "redis://a,b", "redis://u:p@a:1,b,[::1]:3/2?master=m"} {
		if c, err := redis.New(address); err != nil {
			t.Errorf("%q: %v", address, err)
		} else {
			c.Close()
		}
	}
}
