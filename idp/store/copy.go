package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"latchkey/idp"
	"latchkey/migrations"
)

// ErrInUse means that a server or another command has an embedded database open.
var ErrInUse = errors.New("store: the database is in use; stop the server first")

// ErrUnsound means that a file is no whole database.
var ErrUnsound = errors.New("store: the database is damaged")

// Copy writes an embedded database, as it is at one moment, into a new file that
// only its owner may read. Servers may run and write: SQLite reads one state of
// it, also from the write-ahead log. It returns the version of the schema, and
// does not ask whether this program knows it.
func Copy(ctx context.Context, raw, to string) (version int64, err error) {
	db, err := embedded(raw)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	// SQLite would make a file that others can read; an empty one it takes over.
	f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	if err := f.Close(); err != nil {
		return 0, err
	}
	if _, err := db.ExecContext(ctx, `VACUUM INTO ?`, to); err != nil {
		return 0, judge(err, stmt{})
	}
	made, err := embedded("sqlite:" + to)
	if err != nil {
		return 0, err
	}
	version, err = migrations.Version(ctx, made, migrations.SQLite)
	return version, errors.Join(err, made.Close())
}

func embedded(raw string) (*sql.DB, error) {
	kind, path, err := dialect(raw)
	if err != nil {
		return nil, err
	}
	if kind != migrations.SQLite || path == memory {
		return nil, fmt.Errorf("%w: only an embedded database in a file can be copied", idp.ErrInvalid)
	}
	return openSQLite(path, 1)
}

// Sound checks an embedded database page by page, and that its schema is not
// newer than this program. It fails with [ErrUnsound], [migrations.ErrNewer] or
// [migrations.ErrPending].
func Sound(ctx context.Context, raw string) (err error) {
	db, err := embedded(raw)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var says string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check(1)`).Scan(&says); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsound, err)
	}
	if says != "ok" {
		return fmt.Errorf("%w: %s", ErrUnsound, says)
	}
	var astray int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM pragma_foreign_key_check`).Scan(&astray); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsound, err)
	}
	if astray > 0 {
		return fmt.Errorf("%w: %d rows refer to others that are not there", ErrUnsound, astray)
	}
	return migrations.Check(ctx, db, migrations.SQLite)
}

// Alone takes an embedded database for itself until release, with everything
// in its one file. It fails with [ErrInUse] while anybody else has it open:
// leaving the write-ahead log takes a lock that every open connection denies,
// idle ones too.
func Alone(ctx context.Context, raw string) (release func() error, err error) {
	db, err := embedded(raw)
	if err != nil {
		return nil, err
	}
	inUse := func(err error) error {
		if errors.Is(judge(err, stmt{}), idp.ErrBusy) {
			return fmt.Errorf("%w (%w)", ErrInUse, err)
		}
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(inUse(err), db.Close())
	}
	for _, query := range []string{`PRAGMA busy_timeout = 300`, `PRAGMA journal_mode = DELETE`, `BEGIN EXCLUSIVE`} {
		if _, err := conn.ExecContext(ctx, query); err != nil {
			return nil, errors.Join(inUse(err), conn.Close(), db.Close())
		}
	}
	return func() error {
		_, err := conn.ExecContext(context.WithoutCancel(ctx), `ROLLBACK`)
		return errors.Join(err, conn.Close(), db.Close())
	}, nil
}
