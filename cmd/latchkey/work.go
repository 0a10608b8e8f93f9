package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"latchkey/idp/trace"
)

// work starts what goes on beside the requests. rest ends it and waits.
func (b *base) work(ctx context.Context, send bool) (rest func(), err error) {
	ctx, stop := context.WithCancel(b.traces.In(ctx))
	var all sync.WaitGroup
	all.Go(func() { b.db.Watch(ctx) })
	all.Go(func() { b.keep(ctx) })
	tell := b.protocol.farewells()
	all.Go(func() { tell.Run(ctx) })
	signOut := b.odoo.endings()
	all.Go(func() { signOut.Run(ctx) })
	all.Go(func() { b.odoo.follow(ctx) })
	all.Go(func() { b.examine(ctx) })
	all.Go(func() { b.remind(ctx) })
	count := b.records.counter(func(err error) { slog.WarnContext(ctx, "counting failed; it is tried again", "err", err) })
	all.Go(func() { count.Run(ctx) })
	all.Go(func() { b.word(ctx) })
	rest = func() { stop(); all.Wait() }
	if err := b.records.keep(ctx, &all); err != nil {
		rest()
		return nil, err
	}
	if !send {
		return rest, nil
	}
	senders, err := b.messages.senders()
	if err != nil {
		rest()
		return nil, err
	}
	for _, s := range senders {
		all.Go(func() { s.Run(ctx) })
	}
	return rest, nil
}

// remind writes to people before a policy begins to demand what they have not
// got. Every instance looks; each reminder goes out once.
func (b *base) remind(ctx context.Context) {
	r := b.rules.reminders(b.messages)
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		run, span := trace.Root(ctx, "remind of deadlines")
		err := r.Run(run)
		span.End(err)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "reminders of deadlines: some could not be written; they are tried again in an hour", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// examine looks at connected Odoos once a day and writes to administrators what is
// new. Every instance looks; one examines, and writes.
func (b *base) examine(ctx context.Context) {
	b.odoo.office().Watch.Run(ctx, func(connection string, err error) {
		slog.WarnContext(ctx, "the daily examination of Odoo failed; it is tried again in an hour", "connection", connection, "err", err)
	})
}

// keep does what must be done from time to time. Every instance may do it:
// deleting what is expired and moving keys are decided by guarded writes.
func (b *base) keep(ctx context.Context) {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := b.ring.Refresh(); err != nil { // one who has nothing to seal follows a rotation, too
				slog.WarnContext(ctx, "the keyring file cannot be taken up; this server goes on with the keys that it knows, and would not start again", "err", err)
			}
			run, span := trace.Root(ctx, "keep house")
			err := errors.Join(b.db.Sweep(run, b.now()), b.protocol.custodian().Maintain(run), b.protocol.lastUses.Flush(run))
			span.End(err)
			if err != nil && ctx.Err() == nil {
				slog.WarnContext(ctx, "housekeeping failed; it is tried again in a minute", "err", err)
			}
		}
	}
}

// word makes people findable whom an older version of the program has added:
// before this one came, or beside it.
func (b *base) word(ctx context.Context) {
	err := b.db.Reword(ctx)
	if err == nil {
		err = b.db.Reprotect(ctx)
	}
	if err != nil && ctx.Err() == nil {
		slog.WarnContext(ctx, "the words by which people are found are not all made; it is tried again at the next start", "err", err)
	}
}
