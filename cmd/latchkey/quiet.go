package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// few is how many requests in a minute leave a server idle: health checks and a
// person or two.
const few = 300

// quiet counts requests, and gives memory back to the system when there are
// few. The runtime alone keeps what the last burst needed, and lets the heap of
// an idle server grow to twice its size before it looks.
type quiet struct {
	http.Handler
	requests atomic.Int64
	release  func()
}

func newQuiet(h http.Handler) *quiet { return &quiet{Handler: h, release: release} }

// release is a full collection, of some milliseconds for an idle server's heap,
// and then the program's own pages, which the collection reads.
func release() {
	debug.FreeOSMemory()
	if err := leavePages(); err != nil { // costs memory, nothing else
		slog.Debug("the pages of the program stay counted", "error", err)
	}
}

func (q *quiet) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q.requests.Add(1)
	q.Handler.ServeHTTP(w, r)
}

// minute ends a minute.
func (q *quiet) minute() {
	if q.requests.Swap(0) <= few {
		q.release()
	}
}

// run looks once a minute until ctx ends.
func (q *quiet) run(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			q.minute()
		}
	}
}
