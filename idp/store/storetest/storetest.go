// Package storetest opens real databases for tests: SQLite in memory always,
// PostgreSQL and Redis where LATCHKEY_TEST_POSTGRES and LATCHKEY_TEST_REDIS
// name a server. With LATCHKEY_TEST_ALL set a missing server fails the test
// instead of skipping it.
package storetest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp/keyring"
	"latchkey/idp/store"
	"latchkey/idp/store/memory"
)

// Open returns an empty, migrated SQLite database in memory.
func Open(t testing.TB) *store.DB {
	t.Helper()
	return OpenAt(t, nil)
}

// OpenAt is Open with a clock.
func OpenAt(t testing.TB, now func() time.Time) *store.DB {
	t.Helper()
	return With(t, store.Config{URL: "sqlite::memory:", Now: now})
}

// With opens what c says, with a keyring and a cache in memory unless it names
// others, and closes it after the test. Where there is no SQLite database yet
// it finds a migrated one.
func With(t testing.TB, c store.Config) *store.DB {
	t.Helper()
	c.Migrate = true
	if path, ok := strings.CutPrefix(c.URL, "sqlite:"); ok && path == ":memory:" {
		c.Before = layMemory
	} else if ok {
		layFile(t, path)
	}
	if c.Keyring == nil {
		c.Keyring = keyring.New()
	}
	if c.Cache == nil {
		c.Cache = &memory.Cache{Now: c.Now}
	}
	db, err := store.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// Each runs f on every kind of database there is.
func Each(t *testing.T, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachAt(t, nil, f)
}

// EachAt is Each with a clock.
func EachAt(t *testing.T, now func() time.Time, f func(t *testing.T, db *store.DB)) {
	t.Helper()
	kinds(t, FinishedPostgres, func(t *testing.T, url string) { f(t, With(t, store.Config{URL: url, Now: now})) })
}

// URLs runs f with the address of an empty database of every kind: one in
// memory, one in a file, and a schema of its own on PostgreSQL.
func URLs(t *testing.T, f func(t *testing.T, url string)) {
	t.Helper()
	kinds(t, Postgres, f)
}

func kinds(t *testing.T, postgres func(testing.TB) string, f func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, "sqlite::memory:") })
	t.Run("file", func(t *testing.T) { f(t, "sqlite:"+t.TempDir()+"/latchkey.db") })
	t.Run("postgres", func(t *testing.T) { f(t, postgres(t)) })
}

// Postgres makes a schema for this test alone and returns its address.
func Postgres(t testing.TB) string {
	t.Helper()
	server := service(t, "LATCHKEY_TEST_POSTGRES")
	name := unique()
	exec(t, server, "CREATE SCHEMA "+name)
	t.Cleanup(func() { exec(t, server, "DROP SCHEMA "+name+" CASCADE") })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", name)
	u.RawQuery = q.Encode()
	return u.String()
}

// Redis returns the address of a Redis server.
func Redis(t testing.TB) string {
	t.Helper()
	return service(t, "LATCHKEY_TEST_REDIS")
}

func unique() string { return "test_" + strings.ToLower(rand.Text()) }

func service(t testing.TB, name string) string {
	t.Helper()
	v := os.Getenv(name)
	if v == "" && os.Getenv("LATCHKEY_TEST_ALL") != "" {
		t.Fatal(name + " is not set")
	}
	if v == "" {
		t.Skip(name + " is not set")
	}
	return v
}

func exec(t testing.TB, url, sql string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second) // the test's own is over when it cleans up
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatal(err)
	}
}
