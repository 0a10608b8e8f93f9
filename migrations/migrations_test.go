package migrations_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/migrations"
)

// each runs f on an empty database of every kind that several programs can
// open; open is a further program.
func each(t *testing.T, f func(t *testing.T, open func() migrations.Database)) {
	storetest.URLs(t, func(t *testing.T, url string) {
		if url == "sqlite::memory:" {
			t.Skip("nobody else can open it")
		}
		f(t, func() migrations.Database {
			t.Helper()
			m, closeDB, err := store.Migrations(url)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closeDB() })
			return m
		})
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestUpDownUp(t *testing.T) {
	each(t, func(t *testing.T, open func() migrations.Database) {
		ctx, m := t.Context(), open()
		if err := migrations.Check(ctx, m.DB, m.Dialect); !errors.Is(err, migrations.ErrPending) {
			t.Errorf("empty database: %v", err)
		}
		must(t, m.Up(ctx))
		must(t, m.Up(ctx))
		must(t, migrations.Check(ctx, m.DB, m.Dialect))
		all, err := m.Status(ctx)
		must(t, err)
		if len(all) == 0 || all[0].Version != 1 || all[0].Name != "0001_init" {
			t.Fatalf("%+v", all)
		}
		for _, s := range all {
			if s.Applied.IsZero() {
				t.Errorf("%s is not applied", s.Name)
			}
		}
		_, err = m.DB.ExecContext(ctx, `INSERT INTO user_groups (name) VALUES ('g')`)
		must(t, err)
		for i := range all {
			name, err := m.Down(ctx)
			must(t, err)
			if want := all[len(all)-1-i].Name; name != want {
				t.Errorf("took back %s, want %s", name, want)
			}
		}
		if _, err := m.Down(ctx); !errors.Is(err, migrations.ErrNothing) {
			t.Errorf("down on empty: %v", err)
		}
		if left := tables(t, m); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		must(t, m.Up(ctx))
		must(t, migrations.Check(ctx, m.DB, m.Dialect))
	})
}

// tables lists what the migrations made.
func tables(t *testing.T, m migrations.Database) (out []string) {
	query := `SELECT name FROM sqlite_master WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite_%' AND name <> 'migrations'`
	if m.Dialect == migrations.Postgres {
		query = `SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE n.nspname = current_schema() AND relkind IN ('r', 'i') AND relname NOT LIKE 'migrations%'`
	}
	rows, err := m.DB.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var name string
		must(t, rows.Scan(&name))
		out = append(out, name)
	}
	must(t, rows.Err())
	return out
}

// Reliability: several instances that start at once migrate once.
func TestFourAtOnce(t *testing.T) {
	each(t, func(t *testing.T, open func() migrations.Database) {
		var all []migrations.Database
		for range 4 {
			all = append(all, open())
		}
		var wg sync.WaitGroup
		for _, m := range all {
			wg.Go(func() {
				if err := m.Up(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var n int
		must(t, all[0].DB.QueryRow(`SELECT count(*) FROM migrations WHERE version_id = 1`).Scan(&n))
		if n != 1 {
			t.Errorf("migration 1 is recorded %d times", n)
		}
		must(t, migrations.Check(t.Context(), all[0].DB, all[0].Dialect))
	})
}

// Reliability: an old binary leaves a newer database alone and says why.
func TestNewerDatabase(t *testing.T) {
	each(t, func(t *testing.T, open func() migrations.Database) {
		ctx, m := t.Context(), open()
		must(t, m.Up(ctx))
		_, err := m.DB.ExecContext(ctx, `INSERT INTO migrations (version_id, is_applied) VALUES (9999, TRUE)`)
		must(t, err)
		before := len(tables(t, m))
		for name, err := range map[string]error{
			"check": migrations.Check(ctx, m.DB, m.Dialect),
			"up":    m.Up(ctx),
			"down":  func() error { _, err := m.Down(ctx); return err }(),
		} {
			if !errors.Is(err, migrations.ErrNewer) || !strings.Contains(err.Error(), "9999") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if after := len(tables(t, m)); after != before {
			t.Errorf("%d tables, were %d", after, before)
		}
	})
}

// Reliability: a migration that is stopped half-way leaves nothing and can be
// started again.
func TestStoppedHalfWay(t *testing.T) {
	each(t, func(t *testing.T, open func() migrations.Database) {
		m := open()
		// The table that comes near the end is in the way.
		_, err := m.DB.Exec(`CREATE TABLE secrets (x INT)`)
		must(t, err)
		if err := m.Up(t.Context()); err == nil {
			t.Fatal("migrated over a table that is in the way")
		}
		if left := tables(t, m); len(left) != 1 {
			t.Errorf("left behind: %v", left)
		}
		_, err = m.DB.Exec(`DROP TABLE secrets`)
		must(t, err)
		must(t, m.Up(t.Context()))
	})
}

// A lock that somebody holds is waited for as long as the caller likes.
func TestWaitsForLock(t *testing.T) {
	path := t.TempDir() + "/x.db"
	m, closeDB, err := store.Migrations("sqlite:" + path)
	must(t, err)
	defer closeDB()
	unlock, err := migrations.LockFile(t.Context(), m.Lock)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := m.Up(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while another migrates: %v", err)
	}
	unlock()
	must(t, m.Up(t.Context()))
}
