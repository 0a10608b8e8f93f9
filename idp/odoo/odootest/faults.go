package odootest

import (
	"net/http"
	"sync"
	"time"
)

// Fault is a way to fail.
type Fault int

// The ways to fail.
const (
	None    Fault = iota
	Error         // 500 with Odoo's HTML page
	Gateway       // 502 of a proxy
	HTML          // 200 with a page
	CutOff        // the answer ends in the middle
	Slow          // no answer for a while
)

// SlowFor is how long a slow answer takes.
const SlowFor = 2 * time.Second

// faults make a server fail as it was told to, and its clock wrong.
type faults struct {
	*Options
	mu    sync.Mutex
	ways  []Fault // of the next calls
	ahead time.Duration
}

func (f *faults) plan(ways []Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ways = ways
}

func (f *faults) skew(ahead time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ahead = ahead
}

// before fails in front of a handler.
func (f *faults) before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		way, ahead := None, f.ahead
		if len(f.ways) > 0 {
			way, f.ways = f.ways[0], f.ways[1:]
		}
		f.mu.Unlock()
		w.Header().Set("Date", f.Now().Add(ahead).UTC().Format(http.TimeFormat))
		const page = "<!DOCTYPE html><html><body>Internal Server Error</body></html>"
		switch way {
		case Error, Gateway, HTML:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(map[Fault]int{Error: 500, Gateway: 502, HTML: 200}[way])
			_, _ = w.Write([]byte(page))
		case CutOff:
			w.Header().Set("Content-Type", "text/xml")
			w.Header().Set("Content-Length", "4096")
			_, _ = w.Write([]byte("<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>"))
			panic(http.ErrAbortHandler)
		case Slow:
			select {
			case <-r.Context().Done():
				return
			case <-time.After(SlowFor):
			}
			next.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}
