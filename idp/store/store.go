// Package store keeps everything in PostgreSQL or SQLite. It is the only
// package that knows SQL: rows are unexported and turn into the types of idp,
// mfa and oidc before they leave.
//
// Three rules carry it. What may happen only once is decided by one guarded
// statement, never by reading first. Writes inside [DB.Atomic] are gathered
// and sent together: one round trip and one commit. What must stay secret is
// sealed for its very row (see package keyring).
//
// It decides nothing about people: it has no idea what a sign-in is, reads no
// clock of the database, and a [Cache] only ever lets it refuse faster.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"gorm.io/gorm"

	"latchkey/idp/keyring"
	"latchkey/idp/oidc"
	"latchkey/mfa/policy"
	"latchkey/migrations"
)

// How long one round trip may take, waiting for a connection included. Whoever
// cannot be served by then is told to come back. SQLite's writers stand in one
// queue, in front of one disk.
const (
	patiencePostgres = 2 * time.Second
	patienceSQLite   = 5 * time.Second
)

// Config says what to open.
type Config struct {
	URL      string           // sqlite:PATH, sqlite::memory: or postgres://…
	Keyring  *keyring.Ring    // opens and seals secrets
	Cache    Cache            // optional
	Now      func() time.Time // default time.Now
	MaxConns int              // PostgreSQL connections; default 16
	Migrate  bool             // bring an older database up to date instead of refusing it
}

// Cache remembers short strings for a while, maybe. It is never asked for the
// truth: forgetting everything at any moment is fine, and so is being slow to
// forget, up to the ttl.
type Cache interface {
	Get(ctx context.Context, key string) (string, bool)
	Set(ctx context.Context, key, value string, ttl time.Duration)
	Delete(ctx context.Context, keys ...string)
}

// ErrKeyring means that the keyring is not the one that sealed the database.
var ErrKeyring = errors.New("store: the keyring does not open this database's secrets; is this the right key file?")

// DB is an open database. Its methods hand out the stores that the other
// packages ask for; all of them are safe for concurrent use.
type DB struct {
	dialect string
	writer  *sql.DB
	reader  *sql.DB       // the same on PostgreSQL and in memory
	turn    chan struct{} // SQLite: whose turn it is to write
	orm     map[*sql.DB]*gorm.DB
	ring    *keyring.Ring
	cache   Cache
	now     func() time.Time

	rebound  sync.Map // SQL with ? → SQL with $n
	secrets  sync.Map // name → []byte
	clients  shelf[oidc.Client]
	policies shelf[policy.Policy]
	keys     shelf[oidc.Key]

	trips, commits atomic.Int64
}

// Open connects, migrates if it is told to, and checks that the keyring fits.
// It fails with [ErrKeyring], [migrations.ErrNewer] or
// [migrations.ErrPending], and with idp.ErrBusy when there is no database.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Keyring == nil {
		return nil, errors.New("store: no keyring")
	}
	d := &DB{ring: c.Keyring, cache: c.Cache, now: c.Now}
	if d.now == nil {
		d.now = time.Now
	}
	if d.cache == nil {
		d.cache = noCache{}
	}
	d.shelve()
	if err := d.connect(ctx, c); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, c); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// prepare makes sure of the schema and of the keyring.
func (d *DB) prepare(ctx context.Context, c Config) error {
	err := migrations.Check(ctx, d.writer, d.dialect)
	if errors.Is(err, migrations.ErrPending) && c.Migrate {
		err = d.migrate(ctx, c.URL)
	}
	if err != nil {
		return d.judge(err, stmt{})
	}
	// Sealed once and opened at each start: a wrong key file is refused here,
	// before it has sealed anything that the right one cannot open.
	if _, err := d.Secret(ctx, "canary"); errors.Is(err, keyring.ErrSealed) {
		return fmt.Errorf("%w (%w)", ErrKeyring, err)
	} else if err != nil {
		return err
	}
	return nil
}

// Close closes the connections.
func (d *DB) Close() error {
	err := d.writer.Close()
	if d.reader != d.writer {
		err = errors.Join(err, d.reader.Close())
	}
	return err
}

// Ready reports whether the database answers, as idp.ErrBusy if it does not.
func (d *DB) Ready(ctx context.Context) error {
	ctx, cancel := d.patiently(ctx)
	defer cancel()
	_, err := rows[struct{ N int }](ctx, d, `SELECT 1 AS n`)
	return err
}

func (d *DB) patiently(ctx context.Context) (context.Context, context.CancelFunc) {
	if d.dialect == migrations.SQLite {
		return context.WithTimeout(ctx, patienceSQLite)
	}
	return context.WithTimeout(ctx, patiencePostgres)
}

// Trips counts round trips and commits since opening.
func (d *DB) Trips() (roundTrips, commits int64) { return d.trips.Load(), d.commits.Load() }

// noCache remembers nothing.
type noCache struct{}

func (noCache) Get(context.Context, string) (string, bool)         { return "", false }
func (noCache) Set(context.Context, string, string, time.Duration) {}
func (noCache) Delete(context.Context, ...string)                  {}
