package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/migrations"
)

// How long one round trip may take, waiting for a connection included. Whoever
// cannot be served by then is told to come back. SQLite's writers stand in one
// queue, in front of one disk.
const (
	patiencePostgres = 2 * time.Second
	patienceSQLite   = 5 * time.Second
	patienceCounting = 10 * time.Second // what PostgreSQL gives one statement, see connectPostgres
)

type counting struct{}

// counts allows for statements that look at everybody: a million people take
// seconds. They belong to the background and to reports, never to a sign-in.
func counts(ctx context.Context) context.Context { return context.WithValue(ctx, counting{}, true) }

// engine sends statements and knows nothing of what they are about.
type engine struct {
	pools
	now func() time.Time

	rebound        sync.Map // SQL with ? → SQL with $n
	trips, commits atomic.Int64
}

// Ready reports whether the database answers, as idp.ErrBusy if it does not.
func (d *engine) Ready(ctx context.Context) error {
	ctx, cancel := d.patiently(ctx)
	defer cancel()
	_, err := rows[struct{ N int }](ctx, d, `SELECT 1 AS n`)
	return err
}

func (d *engine) patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	if ctx.Value(counting{}) != nil {
		return context.WithTimeout(ctx, patienceCounting)
	}
	if d.dialect == migrations.SQLite {
		return context.WithTimeout(ctx, patienceSQLite)
	}
	return context.WithTimeout(ctx, patiencePostgres)
}

// Trips counts round trips since opening, and the commits that waited for the
// disk.
func (d *engine) Trips() (roundTrips, commits int64) { return d.trips.Load(), d.commits.Load() }
