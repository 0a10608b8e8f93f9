package store

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

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
	dialect string
	writer  *sql.DB
	reader  *sql.DB       // the same on PostgreSQL and in memory
	turn    chan struct{} // SQLite: whose turn it is to write
	orm     map[*sql.DB]*gorm.DB
	now     func() time.Time

	rebound        sync.Map // SQL with ? → SQL with $n
	trips, commits atomic.Int64
}

// Close closes the connections.
func (d *engine) Close() error {
	err := d.writer.Close()
	if d.reader != d.writer {
		err = errors.Join(err, d.reader.Close())
	}
	return err
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
