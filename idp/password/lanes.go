package password

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"

	"latchkey/idp"
	"latchkey/idp/trace"
)

// lanes bound how many hashes run and wait. Hashes from elsewhere have fewer
// lanes: one of them takes as long as a dozen of ours, and the first morning
// after an import must not keep everybody else out.
type lanes struct {
	all     chan struct{}
	foreign chan struct{}
	inside  *atomic.Int64 // running or waiting
	most    int64
	after   func() // optional; done before a lane is free again
}

func newLanes(slots, queue int) lanes {
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	if queue <= 0 {
		queue = 32 * slots
	}
	return lanes{
		all:     make(chan struct{}, slots),
		foreign: make(chan struct{}, max(1, slots/2)),
		inside:  new(atomic.Int64),
		most:    int64(slots + queue),
	}
}

// run calls work when there is room, or fails with idp.ErrBusy when too many
// wait already or ctx ends first. Work that has begun is not broken off.
func (l lanes) run(ctx context.Context, foreign bool, work func()) error {
	defer l.inside.Add(-1)
	if l.inside.Add(1) > l.most {
		return fmt.Errorf("%w: password queue is full", idp.ErrBusy)
	}
	_, wait := trace.Start(ctx, "password wait")
	free, err := l.enter(ctx, foreign)
	wait.End(err)
	if err != nil {
		return err
	}
	defer free()
	_, hash := trace.Start(ctx, "password hash")
	work()
	hash.End(nil)
	if l.after != nil {
		l.after()
	}
	return nil
}

// enter waits for room, which free gives back.
func (l lanes) enter(ctx context.Context, foreign bool) (free func(), err error) {
	if foreign { // always before the other, so nobody waits in a circle
		if err := enter(ctx, l.foreign); err != nil {
			return nil, err
		}
	}
	leave := func() {
		if foreign {
			<-l.foreign
		}
	}
	if err := enter(ctx, l.all); err != nil {
		leave()
		return nil, err
	}
	return func() { <-l.all; leave() }, nil
}

func enter(ctx context.Context, lane chan struct{}) error {
	// Whoever has gone away is not worth a hash, even when there is room.
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", idp.ErrBusy, context.Cause(ctx))
	}
	select {
	case lane <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", idp.ErrBusy, context.Cause(ctx))
	}
}
