// Package migrations holds the database schema as numbered SQL files and
// brings a database from one version to another.
//
// NNNN_name.sql runs on PostgreSQL and on SQLite. Where the two must differ,
// NNNN_name.postgres.sql and NNNN_name.sqlite.sql take its place. Files only
// ever add what the next release needs or remove what the last one stopped
// using, so that an old and a new binary can run side by side.
//
// It never touches data beyond what the files say, and never guesses: a
// database that is newer than the binary is left alone.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed *.sql
var files embed.FS

// Files are the migrations of all dialects, as they were written.
func Files() fs.FS { return files }

// What Check finds.
var (
	ErrNewer   = errors.New("migrations: the database was made by a newer version of this program; upgrade the program")
	ErrPending = errors.New("migrations: the database is older than this program; migrate it first")
	ErrNothing = errors.New("migrations: nothing to take back")
)

// Dialects.
const (
	Postgres = "postgres"
	SQLite   = "sqlite"
)

const table = "migrations"

// Database is what to migrate.
type Database struct {
	DB      *sql.DB // without a limit on how long a statement may take
	Dialect string
	Lock    string // SQLite: a file that keeps two programs apart; empty: nobody else can know the database
}

// Step is one migration.
type Step struct {
	Version int64
	Name    string
	Applied time.Time // zero: not yet
}

// Check compares the database with the binary in one cheap query. It fails
// with [ErrNewer] or [ErrPending].
func Check(ctx context.Context, db *sql.DB, dialect string) error {
	have, err := Version(ctx, db, dialect)
	switch want := latest(dialect); {
	case err != nil:
		return err
	case have > want:
		return fmt.Errorf("%w (it has %d, the program knows %d)", ErrNewer, have, want)
	case have < want:
		return fmt.Errorf("%w (it has %d, the program wants %d)", ErrPending, have, want)
	}
	return nil
}

// Up applies what is missing, each file in its own transaction, so that what
// was killed half-way goes on where it stopped. Of several at once one works
// and the others wait. It fails with [ErrNewer].
func (d Database) Up(ctx context.Context) error {
	if err := Check(ctx, d.DB, d.Dialect); !errors.Is(err, ErrPending) {
		return err
	}
	return d.locked(ctx, func(p *goose.Provider) error {
		_, err := p.Up(ctx)
		return err
	})
}

// Down takes the last migration back, with the data that it held, and returns
// its name. It fails with [ErrNothing] or [ErrNewer].
func (d Database) Down(ctx context.Context) (name string, err error) {
	if err := Check(ctx, d.DB, d.Dialect); err != nil && !errors.Is(err, ErrPending) {
		return "", err
	}
	err = d.locked(ctx, func(p *goose.Provider) error {
		r, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return ErrNothing
		}
		if err == nil {
			name = title(r.Source.Path)
		}
		return err
	})
	return name, err
}

// Status lists all migrations, oldest first.
func (d Database) Status(ctx context.Context) ([]Step, error) {
	p, err := d.provider()
	if err != nil {
		return nil, err
	}
	all, err := p.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Step, len(all))
	for i, s := range all {
		out[i] = Step{Version: s.Source.Version, Name: title(s.Source.Path), Applied: s.AppliedAt}
	}
	return out, nil
}

func (d Database) locked(ctx context.Context, do func(*goose.Provider) error) error {
	var opts []goose.ProviderOption
	switch {
	case d.Dialect == Postgres:
		l, err := d.sessionLock(ctx)
		if err != nil {
			return err
		}
		opts = append(opts, goose.WithSessionLocker(l))
	case d.Lock != "":
		unlock, err := lockFile(ctx, d.Lock)
		if err != nil {
			return fmt.Errorf("migrations: %w", err)
		}
		defer unlock()
	}
	p, err := d.provider(opts...)
	if err != nil {
		return err
	}
	return do(p)
}

// sessionLock is an advisory lock of its own for each schema: two
// installations in one server do not wait for each other.
func (d Database) sessionLock(ctx context.Context) (lock.SessionLocker, error) {
	var schema string
	if err := d.DB.QueryRowContext(ctx, `SELECT current_database() || '.' || current_schema()`).Scan(&schema); err != nil {
		return nil, err
	}
	h := fnv.New64a()
	h.Write([]byte("latchkey migrations " + schema))
	return lock.NewPostgresSessionLocker(lock.WithLockID(int64(h.Sum64())), lock.WithLockTimeout(1, 300))
}

func (d Database) provider(opts ...goose.ProviderOption) (*goose.Provider, error) {
	dialect := goose.DialectPostgres
	if d.Dialect == SQLite {
		dialect = goose.DialectSQLite3
	}
	opts = append(opts, goose.WithTableName(table), goose.WithDisableGlobalRegistry(true),
		goose.WithLogger(goose.NopLogger()), goose.WithExcludeNames(others(d.Dialect)))
	return goose.NewProvider(dialect, d.DB, files, opts...)
}

// Version is the database's: 0 before the first migration.
func Version(ctx context.Context, db *sql.DB, dialect string) (int64, error) {
	there := `SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = '` + table + `'`
	if dialect == Postgres {
		there = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = '` + table + `'`
	}
	var n, v int64
	if err := db.QueryRowContext(ctx, there).Scan(&n); err != nil || n == 0 {
		return 0, err
	}
	err := db.QueryRowContext(ctx, `SELECT coalesce(max(version_id), 0) FROM `+table).Scan(&v)
	return v, err
}

func latest(dialect string) (v int64) {
	skip := others(dialect)
	for _, name := range names() {
		number, _, _ := strings.Cut(name, "_")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && !slices.Contains(skip, name) {
			v = max(v, n)
		}
	}
	return v
}

// others lists the files that are not for this dialect.
func others(dialect string) (out []string) {
	all := names()
	for _, name := range all {
		base, variant, special := strings.Cut(strings.TrimSuffix(name, ".sql"), ".")
		if special && variant != dialect || !special && slices.Contains(all, base+"."+dialect+".sql") {
			out = append(out, name)
		}
	}
	return out
}

func names() []string {
	all, err := fs.Glob(files, "*.sql")
	if err != nil {
		panic(err) // the pattern is constant
	}
	return all
}

// title is a file's name without its endings.
func title(file string) string {
	base, _, _ := strings.Cut(file, ".")
	return base
}
