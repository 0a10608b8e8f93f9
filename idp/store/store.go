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
	"time"

	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/migrations"
)

// Config says what to open.
type Config struct {
	URL      string           // sqlite:PATH, sqlite::memory: or postgres://…
	Keyring  *keyring.Ring    // opens and seals secrets
	Cache    Cache            // optional
	Now      func() time.Time // default time.Now
	MaxConns int              // PostgreSQL connections; default 16
	Migrate  bool             // bring an older database up to date instead of refusing it
	Migrated func()           // optional; told after an older database was brought up to date
	Noted    func(idp.Event)  // optional; told of each event once it is in the log, so it must be quick

	// Before is optional and is given the database before anything was read
	// from it. Tests lay a finished schema there.
	Before func(context.Context, *sql.DB) error
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

// DB is an open database: the stores that the other packages ask for, grouped
// by subject. All of them are safe for concurrent use; none is to be replaced.
type DB struct {
	*engine
	vault
	shelves catalogue
	cache   Cache
	seal    []byte // of events, see prepareLog
	noted   func(idp.Event)

	Accounts
	Proofs
	Protocol
	Rules
	Office
	Odoos
	Programs
	Records
	House
}

// Open connects, migrates if it is told to, and checks that the keyring fits.
// It fails with [ErrKeyring], [migrations.ErrNewer] or
// [migrations.ErrPending], and with idp.ErrBusy when there is no database.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Keyring == nil {
		return nil, errors.New("store: no keyring")
	}
	e := &engine{now: c.Now}
	if e.now == nil {
		e.now = time.Now
	}
	d := &DB{engine: e, vault: vault{engine: e, ring: c.Keyring}, cache: c.Cache, noted: c.Noted}
	if d.cache == nil {
		d.cache = noCache{}
	}
	d.stock()
	d.shelve()
	if err := e.connect(ctx, c); err != nil {
		return nil, err
	}
	if err := d.prepare(ctx, c); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// prepare makes sure of the schema and of the keyring.
func (d *DB) prepare(ctx context.Context, c Config) error {
	if c.Before != nil {
		if err := c.Before(ctx, d.writer); err != nil {
			return judge(err, stmt{})
		}
	}
	err := migrations.Check(ctx, d.writer, d.dialect)
	if errors.Is(err, migrations.ErrPending) && c.Migrate {
		if err = d.migrate(ctx, c.URL); err == nil && c.Migrated != nil {
			c.Migrated()
		}
	}
	if err != nil {
		return judge(err, stmt{})
	}
	// Sealed once and opened at each start: a wrong key file is refused here,
	// before it has sealed anything that the right one cannot open.
	if _, err := d.Secret(ctx, "canary"); errors.Is(err, keyring.ErrSealed) {
		return fmt.Errorf("%w (%w)", ErrKeyring, err)
	} else if err != nil {
		return err
	}
	return d.prepareLog(ctx)
}

// noCache remembers nothing.
type noCache struct{}

func (noCache) Get(context.Context, string) (string, bool)         { return "", false }
func (noCache) Set(context.Context, string, string, time.Duration) {}
func (noCache) Delete(context.Context, ...string)                  {}
