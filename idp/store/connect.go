package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"latchkey/idp"
	"latchkey/migrations"
)

const memory = ":memory:"

// dialect splits a database URL into its kind and, for SQLite, its path.
func dialect(raw string) (kind, path string, err error) {
	if p, ok := strings.CutPrefix(raw, "sqlite:"); ok && p != "" {
		return migrations.SQLite, strings.TrimPrefix(p, "//"), nil
	}
	if strings.HasPrefix(raw, "postgres://") || strings.HasPrefix(raw, "postgresql://") {
		return migrations.Postgres, "", nil
	}
	// The address is not repeated: it may hold a password.
	return "", "", fmt.Errorf("%w: database URL must be sqlite:PATH, sqlite::memory: or postgres://…", idp.ErrInvalid)
}

// pools are the open connections of one database.
type pools struct {
	dialect string
	writer  *sql.DB
	reader  *sql.DB       // the same on PostgreSQL and in memory
	turn    chan struct{} // SQLite: whose turn it is to write
	orm     map[*sql.DB]*gorm.DB
}

// Close closes the connections.
func (d *pools) Close() error {
	err := d.writer.Close()
	if d.reader != d.writer {
		err = errors.Join(err, d.reader.Close())
	}
	return err
}

func (d *pools) connect(ctx context.Context, c Config) error {
	kind, path, err := dialect(c.URL)
	if err != nil {
		return err
	}
	d.dialect = kind
	if kind == migrations.Postgres {
		return d.connectPostgres(ctx, c)
	}
	return d.connectSQLite(ctx, path)
}

func (d *pools) connectPostgres(ctx context.Context, c Config) error {
	cfg, err := postgresConfig(c.URL)
	if err != nil {
		return err
	}
	if cfg.RuntimeParams["statement_timeout"] == "" {
		cfg.RuntimeParams["statement_timeout"] = "10000" // ms
	}
	d.writer = stdlib.OpenDB(*cfg)
	n := c.MaxConns
	if n <= 0 {
		n = 16
	}
	// Fewer idle ones than open ones would open a connection per request.
	d.writer.SetMaxOpenConns(n)
	d.writer.SetMaxIdleConns(n)
	d.writer.SetConnMaxIdleTime(10 * time.Minute)
	if err := d.writer.PingContext(ctx); err != nil {
		return errors.Join(judge(err, stmt{}), d.writer.Close())
	}
	d.reader = d.writer
	return d.wrap(d.writer, postgres.New(postgres.Config{Conn: d.writer}))
}

// postgresConfig reads the URL. A server on another machine must prove who it
// is unless the URL says otherwise: libpq's default would fall back to plain
// text without a word (SECURITY.md C-07).
func postgresConfig(raw string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(raw)
	if err == nil && remote(cfg) && !strings.Contains(raw, "sslmode=") {
		sep := "?"
		if strings.Contains(raw, "?") {
			sep = "&"
		}
		cfg, err = pgx.ParseConfig(raw + sep + "sslmode=verify-full")
	}
	if err != nil {
		return nil, fmt.Errorf("%w: database URL: %w", idp.ErrInvalid, err) // pgx masks the password
	}
	cfg.ConnectTimeout = 5 * time.Second
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "latchkey"
	}
	if cfg.RuntimeParams["jit"] == "" {
		cfg.RuntimeParams["jit"] = "off" // compiling takes longer than any query of ours
	}
	return cfg, nil
}

// remote reports whether any of the hosts is another machine.
func remote(cfg *pgx.ConnConfig) bool {
	hosts := []string{cfg.Host}
	for _, f := range cfg.Fallbacks {
		hosts = append(hosts, f.Host)
	}
	return slices.ContainsFunc(hosts, func(h string) bool {
		ip := net.ParseIP(h)
		return h != "localhost" && !strings.HasPrefix(h, "/") && (ip == nil || !ip.IsLoopback())
	})
}

// connectSQLite opens one connection that writes and a few that read. In
// write-ahead logging these do not block each other, and writers queue here
// instead of colliding there. A database in memory has one connection for
// both, or it would be two databases.
func (d *pools) connectSQLite(ctx context.Context, path string) (err error) {
	if path != memory {
		if err := createPrivate(path); err != nil {
			return err
		}
	}
	d.turn = make(chan struct{}, 1)
	if d.writer, err = openSQLite(path, 1, "synchronous(FULL)"); err != nil {
		return err
	}
	if err := d.writer.PingContext(ctx); err != nil {
		return errors.Join(judge(err, stmt{}), d.writer.Close())
	}
	d.reader = d.writer
	if path != memory {
		if d.reader, err = openSQLite(path, 4, "query_only(1)"); err != nil {
			return errors.Join(err, d.writer.Close())
		}
	}
	return errors.Join(d.wrap(d.writer, &sqlite.Dialector{Conn: d.writer}), d.wrap(d.reader, &sqlite.Dialector{Conn: d.reader}))
}

// createPrivate makes sure that a new database, which holds password hashes,
// is readable by its owner alone; SQLite gives its side files the same mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrPermission) {
		f, err = os.Open(path) // read-only: reads go on
	}
	if err != nil {
		return err
	}
	return f.Close()
}

func openSQLite(path string, conns int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {"immediate"}}
	q["_pragma"] = append([]string{"busy_timeout(5000)", "foreign_keys(1)"}, pragmas...)
	dsn := "file::memory:?" + q.Encode()
	if path != memory {
		abs, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		q["_pragma"] = append(q["_pragma"], "journal_mode(WAL)")
		dsn = (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: q.Encode()}).String()
	}
	db, err := sql.Open(sqlite.DriverName, dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(conns)
	db.SetMaxIdleConns(conns)
	return db, nil
}

// wrap puts gorm over connections. It prepares nothing: pgx caches statements
// per connection itself, and the driver of SQLite gains nothing by it.
func (d *pools) wrap(db *sql.DB, dialect gorm.Dialector) error {
	g, err := gorm.Open(dialect, &gorm.Config{
		Logger:                 logger.Discard,
		SkipDefaultTransaction: true,
		DisableAutomaticPing:   true,
	})
	if err != nil {
		return judge(err, stmt{})
	}
	if d.orm == nil {
		d.orm = map[*sql.DB]*gorm.DB{}
	}
	d.orm[db] = g
	return nil
}

// Migrations opens a database only to migrate it; close it afterwards.
func Migrations(raw string) (m migrations.Database, closeDB func() error, err error) {
	kind, path, err := dialect(raw)
	if err != nil {
		return m, nil, err
	}
	m.Dialect = kind
	if kind == migrations.Postgres {
		cfg, err := postgresConfig(raw)
		if err != nil {
			return m, nil, err
		}
		m.DB = stdlib.OpenDB(*cfg)
		return m, m.DB.Close, nil
	}
	if path != memory {
		m.Lock = path + ".lock"
		if err := createPrivate(path); err != nil {
			return m, nil, err
		}
	}
	m.DB, err = openSQLite(path, 1, "synchronous(FULL)")
	if err != nil {
		return m, nil, err
	}
	return m, m.DB.Close, nil
}

// queue waits for the turn to write on SQLite, first come first served. The
// pool of one connection would choose among the waiting at random, and some
// would starve.
func (d *pools) queue(ctx context.Context) (done func(), err error) {
	if d.turn == nil {
		return func() {}, nil
	}
	select {
	case d.turn <- struct{}{}:
		return func() { <-d.turn }, nil
	case <-ctx.Done():
		return nil, judge(ctx.Err(), stmt{})
	}
}

// migrate uses connections of its own, without the limit on how long a
// statement may take; only a database in memory has no other.
func (d *pools) migrate(ctx context.Context, raw string) (err error) {
	if _, path, _ := dialect(raw); path == memory {
		return migrations.Database{DB: d.writer, Dialect: d.dialect}.Up(ctx)
	}
	m, closeDB, err := Migrations(raw)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeDB()) }()
	return m.Up(ctx)
}
