package redis_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"latchkey/idp/store/redis"
)

// The doctor's question goes the way that the cache goes: to one server, to the
// master that sentinels name, to a cluster.
func TestPing(t *testing.T) {
	s := miniredis.RunT(t)
	s.RequireUserAuth("latchkey", "hush")
	sentinel := sentinelOf(t, "house", s.Addr())
	for name, c := range map[string]struct {
		address string
		ok      bool
	}{
		"a server":            {"redis://latchkey:hush@" + s.Addr(), true},
		"a wrong password":    {"redis://latchkey:no@" + s.Addr(), false},
		"a sentinel":          {"redis://latchkey:hush@" + sentinel + "?master=house", true},
		"the second sentinel": {"redis://latchkey:hush@127.0.0.1:1," + sentinel + "?master=house", true},
		"another master":      {"redis://latchkey:hush@" + sentinel + "?master=other", false},
		"a cluster":           {"redis://latchkey:hush@" + s.Addr() + "," + s.Addr(), true},
		"nobody":              {"redis://127.0.0.1:1", false},
		"nobody of two":       {"redis://127.0.0.1:1,127.0.0.1:2", false},
		"what is no address":  {"redis://", false},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := redis.Ping(ctx, c.address)
			if (err == nil) != c.ok {
				t.Errorf("%v", err)
			}
			if err != nil && strings.Contains(err.Error(), "hush") {
				t.Errorf("the password shows: %v", err)
			}
		})
	}
}

// Reliability: a server that says nothing holds up the doctor no longer than
// it is willing to wait.
func TestPingHanging(t *testing.T) {
	hanging, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hanging.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := redis.Ping(ctx, "redis://"+hanging.Addr().String()); err == nil {
		t.Error("a server that says nothing is there")
	}
	if took := time.Since(start); took > time.Second {
		t.Errorf("it took %v", took)
	}
}

// sentinelOf is as much of a sentinel as a client asks for: it knows where one
// master is.
func sentinelOf(t *testing.T, master, at string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	host, port, _ := net.SplitHostPort(at)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go answer(c, master, host, port)
		}
	}()
	return ln.Addr().String()
}

func answer(c net.Conn, master, host, port string) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		words, err := command(r)
		if err != nil {
			return
		}
		switch said := strings.ToLower(strings.Join(words, " ")); {
		case said == "sentinel get-master-addr-by-name "+master:
			fmt.Fprintf(c, "*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(host), host, len(port), port)
		case strings.HasPrefix(said, "sentinel get-master-addr-by-name"):
			fmt.Fprint(c, "*-1\r\n")
		case strings.HasPrefix(said, "sentinel sentinels"), strings.HasPrefix(said, "sentinel replicas"):
			fmt.Fprint(c, "*0\r\n")
		case said == "ping":
			fmt.Fprint(c, "+PONG\r\n")
		default: // such as HELLO 3: an old one knows it not
			fmt.Fprintf(c, "-ERR unknown command '%s'\r\n", words[0])
		}
	}
}

// command reads one command (RESP arrays of bulk strings).
func command(r *bufio.Reader) ([]string, error) {
	var n int
	if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
		return nil, err
	}
	out := make([]string, n)
	for i := range out {
		var size int
		if _, err := fmt.Fscanf(r, "$%d\r\n", &size); err != nil {
			return nil, err
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		out[i] = string(b[:size])
	}
	return out, nil
}
