package storetest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/idp/store"
	"latchkey/migrations"
)

// Tests open a thousand databases. Migrating each one takes most of their
// time, so one is migrated and the others are copies. The migrations' own
// tests go the whole way, and so do those that run the real program.

// finished is a migrated SQLite database: the file, and what it would take to
// write it by hand.
var finished = sync.OnceValues(func() (f struct {
	file   []byte
	script string
}, err error,
) {
	dir, err := os.MkdirTemp("", "latchkey-test-")
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	path := filepath.Join(dir, "finished.db")
	m, closeDB, err := store.Migrations("sqlite:" + path)
	if err != nil {
		return f, err
	}
	if err = m.Up(context.Background()); err == nil {
		f.script, err = script(m.DB)
	}
	if err = errors.Join(err, closeDB()); err != nil {
		return f, err
	}
	f.file, err = os.ReadFile(path)
	return f, err
})

// layFile copies the finished database to a path where there is none.
func layFile(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return
	}
	f, err := finished()
	if err == nil {
		err = os.WriteFile(path, f.file, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// FinishedFile makes a migrated SQLite database of a path where there is none and
// returns its address.
func FinishedFile(t testing.TB, path string) string {
	t.Helper()
	layFile(t, path)
	return "sqlite:" + path
}

// layMemory writes the finished database into an empty one.
func layMemory(ctx context.Context, db *sql.DB) error {
	f, err := finished()
	if err == nil {
		_, err = db.ExecContext(ctx, f.script)
	}
	return err
}

// script is SQL that makes the same tables with the same rows; triggers and
// indexes come after the rows.
func script(db *sql.DB) (string, error) {
	var b strings.Builder
	tables, err := column(db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid`)
	if err != nil {
		return "", err
	}
	add := func(query string, args ...any) {
		var all []string
		if all, err = column(db, query, args...); err == nil {
			for _, s := range all {
				b.WriteString(s + ";\n")
			}
		}
	}
	b.WriteString("PRAGMA foreign_keys = 0;\nBEGIN;\n")
	add(`SELECT sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY rowid`)
	for _, t := range tables {
		cols, cerr := column(db, `SELECT name FROM pragma_table_info(?)`, t)
		if err = errors.Join(err, cerr); err != nil {
			return "", err
		}
		add(fmt.Sprintf(`SELECT 'INSERT INTO %q VALUES (' || quote("%s") || ')' FROM %q`, t, strings.Join(cols, `") || ', ' || quote("`), t))
	}
	add(`SELECT sql FROM sqlite_master WHERE type IN ('index', 'view') AND sql IS NOT NULL ORDER BY rowid`)
	add(`SELECT sql FROM sqlite_master WHERE type = 'trigger' ORDER BY rowid`)
	b.WriteString("COMMIT;\nPRAGMA foreign_keys = 1;\n")
	return b.String(), err
}

func column(db *sql.DB, query string, args ...any) (out []string, err error) {
	rows, err := db.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close(), rows.Err()) }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// FinishedPostgres makes a migrated database for this test alone and returns
// its address.
func FinishedPostgres(t testing.TB) string {
	t.Helper()
	server := service(t, "LATCHKEY_TEST_POSTGRES")
	from, err := template(server)
	if err != nil {
		t.Fatal(err)
	}
	name := unique()
	exec(t, server, "CREATE DATABASE "+name+" TEMPLATE "+from)
	t.Cleanup(func() { exec(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	return inDatabase(server, name)
}

var templates struct {
	sync.Mutex
	name string
}

// template is the name of the migrated database that others are copies of.
// The test programs share it: the first one that needs it makes it, and
// removes those of other migrations.
func template(server string) (string, error) {
	templates.Lock()
	defer templates.Unlock()
	if templates.name != "" {
		return templates.name, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }()
	name, err := templateName()
	if err != nil {
		return "", err
	}
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(hashtext('latchkey test template'))"); err != nil {
		return "", err
	}
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
		return "", err
	}
	if !there {
		err = makeTemplate(ctx, conn, server, name)
	}
	if err == nil {
		templates.name = name
	}
	return name, err
}

func makeTemplate(ctx context.Context, conn *pgx.Conn, server, name string) error {
	rows, _ := conn.Query(ctx, `SELECT datname FROM pg_database WHERE datname LIKE 'latchkey\_template\_%'`)
	old, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, o := range old {
		if _, err := conn.Exec(ctx, "DROP DATABASE "+o+" WITH (FORCE)"); err != nil {
			return err
		}
	}
	making := unique()
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+making); err != nil {
		return err
	}
	m, closeDB, err := store.Migrations(inDatabase(server, making))
	if err != nil {
		return err
	}
	if err := errors.Join(m.Up(ctx), closeDB()); err != nil {
		return err
	}
	// Renamed only now: a half-made one is never taken for finished.
	for range 50 {
		_, err = conn.Exec(ctx, "ALTER DATABASE "+making+" RENAME TO "+name)
		if e := (*pgconn.PgError)(nil); !errors.As(err, &e) || e.Code != "55006" { // the server has not seen the last connection go
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// templateName tells migrations apart that were edited.
func templateName() (string, error) {
	h := sha256.New()
	err := fs.WalkDir(migrations.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations.Files(), path)
		fmt.Fprintf(h, "%s %d\n%s", path, len(text), text)
		return err
	})
	return "latchkey_template_" + hex.EncodeToString(h.Sum(nil)[:6]), err
}

func inDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		panic(err) // the connection before used it
	}
	u.Path = "/" + name
	return u.String()
}
