package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"latchkey/idp/trace"
)

// background does what an answer must not wait for, because its time would tell
// something (SECURITY.md E-01, E-02). The zero value is ready.
type background struct {
	mu      sync.Mutex
	running sync.WaitGroup
	waiting int
	traces  *trace.Tracer
}

const (
	backgroundMost = 64               // beyond, a flood waits for itself
	backgroundTime = 10 * time.Second // for one task
)

// do starts a task, or reports that too many are under way.
func (b *background) do(task func(context.Context) error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting >= backgroundMost {
		return false
	}
	b.waiting++
	b.running.Go(func() {
		defer b.done()
		ctx, cancel := context.WithTimeout(b.traces.In(context.Background()), backgroundTime)
		defer cancel()
		ctx, span := trace.Root(ctx, "behind a page")
		err := task(ctx)
		span.End(err)
		if err != nil {
			slog.Error("a task behind a page failed", "err", err)
		}
	})
	return true
}

func (b *background) done() {
	if p := recover(); p != nil {
		slog.Error("a task behind a page failed", "err", fmt.Errorf("panic: %v", p))
	}
	b.mu.Lock()
	b.waiting--
	b.mu.Unlock()
}

// wait returns when everything under way is done.
func (b *background) wait() { b.running.Wait() }
