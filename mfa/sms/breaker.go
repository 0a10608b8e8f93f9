package sms

import (
	"sync"
	"time"
)

const (
	failuresToOpen = 3
	rest           = 30 * time.Second
)

// breaker leaves a gateway alone that fails again and again, so that nobody
// waits for it. After a rest one message tries it.
type breaker struct {
	mu       sync.Mutex
	failures int       // in a row
	until    time.Time // it is left alone until then; zero: it is asked
	trying   bool      // one message is trying it after the rest
}

// enter reports whether the gateway may be asked. Each yes is followed by
// leave.
func (b *breaker) enter(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.until.IsZero():
		return true
	case b.trying || now.Before(b.until) && b.until.Sub(now) <= rest: // longer: the clock was set back
		return false
	}
	b.trying = true
	return true
}

func (b *breaker) leave(now time.Time, sick bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trying = false
	if !sick {
		b.failures, b.until = 0, time.Time{}
		return
	}
	if b.failures++; b.failures >= failuresToOpen {
		b.until = now.Add(rest)
	}
}
