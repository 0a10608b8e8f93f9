package connector

import (
	"context"
	"sync"
	"time"

	"latchkey/idp/odoo/rpc"
)

// lines are clients of Odoos that are kept open for a while.
type lines struct {
	book *Book

	mu   sync.Mutex
	open map[string]opened
}

func newLines(b *Book) *lines { return &lines{book: b, open: map[string]opened{}} }

// opened is a client that is kept for a while: a new one costs a sign-in, and
// half of a company may be disabled at once.
type opened struct {
	of    Connection
	r     *rpc.Client
	until time.Time
}

// keepOpen is how long a client is kept.
const keepOpen = time.Minute

// client is the one that is open, or a new one.
func (l *lines) client(ctx context.Context, c Connection) (*rpc.Client, error) {
	l.mu.Lock()
	o, ok := l.open[c.ID]
	l.mu.Unlock()
	if ok && o.of.Key == c.Key && o.of.URL == c.URL && o.of.Login == c.Login && o.of.Database == c.Database && l.book.now().Before(o.until) {
		return o.r, nil
	}
	r, err := l.book.dial(ctx, c)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c.ID] = opened{of: c, r: r, until: l.book.now().Add(keepOpen)}
	return r, nil
}

// hangUp closes a line on which something went wrong.
func (l *lines) hangUp(c Connection) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.open, c.ID)
}
