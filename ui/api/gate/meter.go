package gate

import (
	"sync"
	"time"
)

// meter counts requests by caller, minute by minute. It knows only callers that
// were let in, so strangers cannot fill it.
type meter struct {
	mu      sync.Mutex
	windows map[string]window
}

type window struct {
	ends time.Time
	used int
}

// left is what a caller still has; fewer than no requests means that this one
// is too many.
type left struct{ requests, seconds int }

func (m *meter) take(name string, most int, now time.Time) left {
	m.mu.Lock()
	defer m.mu.Unlock()
	w := m.windows[name]
	if !now.Before(w.ends) {
		m.sweep(now)
		w = window{ends: now.Add(time.Minute)}
	}
	if w.used <= most {
		w.used++
	}
	m.windows[name] = w
	return left{requests: most - w.used, seconds: int((w.ends.Sub(now) + time.Second - 1) / time.Second)}
}

// sweep forgets whose minute is over.
func (m *meter) sweep(now time.Time) {
	if m.windows == nil {
		m.windows = map[string]window{}
	}
	for name, w := range m.windows {
		if !now.Before(w.ends) {
			delete(m.windows, name)
		}
	}
}
