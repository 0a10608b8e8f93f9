package main

import (
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"testing"
)

var ports atomic.Int64

// freePorts is the first of n ports side by side on which nothing listens. They
// lie below those that the system gives away by itself, and each is named once:
// tests run beside one another.
func freePorts(t testing.TB, n int) int {
	t.Helper()
	const first, many = 20_000, 12_000
	for range many {
		end := ports.Add(int64(n)) + int64(os.Getpid())*97
		if port := first + int(end%many); unused(port, n) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func unused(port, n int) bool {
	for i := range n {
		ln, err := net.Listen("tcp", loopback(port+i))
		if err != nil {
			return false
		}
		_ = ln.Close()
	}
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
