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
// lie below those that the system gives away by itself. Until the test is over
// their numbers are held as UDP ports, which nobody needs: other test programs run
// beside this one, and it takes seconds until a server listens.
func freePorts(t testing.TB, n int) int {
	t.Helper()
	const first, many = 20_000, 12_000
	for range many {
		end := ports.Add(int64(n)) + int64(os.Getpid())*97
		if port := first + int(end%many); held(t, port, n) {
			return port
		}
	}
	t.Fatal("no free port")
	return 0
}

func held(t testing.TB, port, n int) bool {
	var all []net.PacketConn
	give := func() {
		for _, c := range all {
			_ = c.Close()
		}
	}
	for i := range n {
		c, err := net.ListenPacket("udp", loopback(port+i))
		if err != nil {
			give()
			return false
		}
		all = append(all, c)
		ln, err := net.Listen("tcp", loopback(port+i))
		if err != nil {
			give()
			return false
		}
		_ = ln.Close()
	}
	t.Cleanup(give)
	return true
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
