package otlp

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
)

// queue stands between spans that end and the collector. It is an
// sdk.SpanProcessor of our own because that of the library does not tell what it
// drops.
type queue struct {
	to     *collector
	spans  chan sdk.ReadOnlySpan
	batch  int
	every  time.Duration
	pause  time.Duration
	warn   func(int64, error)
	now    func() time.Time
	lost   atomic.Int64
	ending chan struct{} // closed when nobody waits any longer between tries
	end    sync.Once
	done   chan struct{} // closed when all is sent
	ctx    context.Context
	hangUp context.CancelFunc

	told   int64     // of lost, in warnings
	warned time.Time // the last warning
}

var _ sdk.SpanProcessor = (*queue)(nil)

func newQueue(c Config, to *collector) *queue {
	q := &queue{
		to: to, spans: make(chan sdk.ReadOnlySpan, cmp.Or(c.room, room)), batch: cmp.Or(c.batch, batch), every: cmp.Or(c.every, every), pause: cmp.Or(c.pause, pause),
		warn: c.Warn, now: c.Now, ending: make(chan struct{}), done: make(chan struct{}),
	}
	if q.now == nil {
		q.now = time.Now
	}
	q.ctx, q.hangUp = context.WithCancel(context.Background())
	return q
}

// OnStart is sdk.SpanProcessor's.
func (*queue) OnStart(context.Context, sdk.ReadWriteSpan) {}

// OnEnd takes a span if there is room, and never waits.
func (q *queue) OnEnd(s sdk.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	select {
	case q.spans <- s:
	default:
		q.lost.Add(1)
	}
}

// ForceFlush is sdk.SpanProcessor's; nobody here calls it.
func (*queue) ForceFlush(context.Context) error { return nil }

// Shutdown sends what waits.
func (q *queue) Shutdown(ctx context.Context) error {
	q.end.Do(func() { close(q.ending) })
	defer q.hangUp()
	select {
	case <-q.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run sends until the end: what has come together after a while, or sooner when
// there is much.
func (q *queue) run() {
	defer close(q.done)
	tick := time.NewTicker(q.every)
	defer tick.Stop()
	var waiting []sdk.ReadOnlySpan
	for {
		select {
		case s := <-q.spans:
			if waiting = append(waiting, s); len(waiting) < q.batch {
				continue
			}
		case <-tick.C:
		case <-q.ending:
			q.finish(waiting)
			return
		}
		q.send(waiting)
		waiting = nil
	}
}

// finish sends what is left. Nothing is added any more.
func (q *queue) finish(waiting []sdk.ReadOnlySpan) {
	for len(q.spans) > 0 {
		if waiting = append(waiting, <-q.spans); len(waiting) == q.batch {
			q.send(waiting)
			waiting = nil
		}
	}
	q.send(waiting)
}

// send sends spans, several times if need be, and counts those that are lost.
func (q *queue) send(spans []sdk.ReadOnlySpan) {
	var last error
	if len(spans) > 0 {
		a := q.deliver(spans)
		if last = a.err; last != nil {
			a.rejected = len(spans)
		}
		q.lost.Add(int64(min(max(a.rejected, 0), len(spans))))
		if a.says != "" {
			last = errors.New(a.says)
		}
	}
	lost, now := q.lost.Load(), q.now()
	if lost == q.told || q.warn == nil || !q.warned.IsZero() && now.Sub(q.warned) < warnEvery {
		return
	}
	q.warn(lost-q.told, last)
	q.told, q.warned = lost, now
}

func (q *queue) deliver(spans []sdk.ReadOnlySpan) answer {
	body, err := encode(spans)
	if err != nil {
		return answer{err: err}
	}
	wait := q.pause
	for try := 1; ; try++ {
		a := q.to.post(q.ctx, body)
		if a.err == nil || !a.again || try == tries || !q.rest(max(wait, min(a.after, maxPause))) {
			return a
		}
		wait *= 2
	}
}

// rest waits between tries. Once the program ends there is one more, at once.
func (q *queue) rest(d time.Duration) (goOn bool) {
	select {
	case <-q.ending:
		return false
	default:
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-q.ending:
	}
	return true
}
