package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/idp"
)

// stale is how often instances look for changes that others made.
const stale = 500 * time.Millisecond

// shelf holds a small table in memory, parsed once. Readers never wait; every
// write to the table raises its version in the same transaction.
type shelf[T any] struct {
	table string
	id    func(T) string
	load  func(context.Context) ([]T, error)

	mu   sync.Mutex // one load at a time, so that an older one cannot end last
	held atomic.Pointer[contents[T]]
}

type contents[T any] struct {
	version int64
	all     []T
	byID    map[string]T
}

// get returns what is held, or loads it.
func (s *shelf[T]) get(ctx context.Context, d *DB) (*contents[T], error) {
	if c := s.held.Load(); c != nil {
		return c, nil
	}
	return s.reload(ctx, d)
}

// reload reads the version first: if the table changes in between, what is
// held is too new for its version, and the next look reads it again.
func (s *shelf[T]) reload(ctx context.Context, d *DB) (*contents[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := one[versionRow](ctx, d.engine, idp.ErrNotFound, `SELECT name, version FROM catalogue WHERE name = ?`, s.table)
	if err != nil {
		return nil, err
	}
	all, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	c := &contents[T]{version: v.Version, all: all, byID: make(map[string]T, len(all))}
	for _, e := range all {
		c.byID[s.id(e)] = e
	}
	s.held.Store(c)
	return c, nil
}

// renew follows a write of ours. Losing a race (a key that is there already)
// means that what we hold is old, so a failed write looks again, too. What
// cannot be read now is forgotten, never served old.
func (s *shelf[T]) renew(ctx context.Context, d *DB) {
	if _, err := s.reload(context.WithoutCancel(ctx), d); err != nil {
		s.held.Store(nil)
	}
}

// changed reports whether another instance wrote.
func (s *shelf[T]) changed(versions map[string]int64) bool {
	c := s.held.Load()
	return c != nil && c.version != versions[s.table]
}

type versionRow struct {
	Name    string
	Version int64
}

// change writes to a table that is held in memory.
func change[T any](ctx context.Context, d *DB, s *shelf[T], stmts ...stmt) error {
	err := d.write(ctx, append(stmts, raise(s.table))...)
	d.settled(ctx, err, func(error) { s.renew(ctx, d) })
	return err
}

// raise tells the other instances that a table has changed.
func raise(table string) stmt {
	return stmt{sql: `UPDATE catalogue SET version = version + 1 WHERE name = ?`, args: []any{table}, none: idp.ErrNotFound}
}

// Watch keeps clients, policies, keys and brands as other instances leave them, until
// ctx ends; their changes count here within half a second. While the database
// does not answer, what is held stays.
func (d *DB) Watch(ctx context.Context) {
	t := time.NewTicker(stale)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_ = d.look(ctx) // what is held stays until the database answers again
		}
	}
}

// look reloads what has changed; an error leaves the old and the next look
// tries again.
func (d *DB) look(ctx context.Context) error {
	all, err := rows[versionRow](ctx, d.engine, `SELECT name, version FROM catalogue`)
	if err != nil {
		return err
	}
	versions := map[string]int64{}
	for _, v := range all {
		versions[v.Name] = v.Version
	}
	if d.clients.changed(versions) {
		_, err = d.clients.reload(ctx, d)
	}
	if err == nil && d.policies.changed(versions) {
		_, err = d.policies.reload(ctx, d)
	}
	if err == nil && d.keys.changed(versions) {
		_, err = d.keys.reload(ctx, d)
	}
	if err == nil && d.brands.changed(versions) {
		_, err = d.brands.reload(ctx, d)
	}
	if err == nil && d.settings.changed(versions) {
		_, err = d.settings.reload(ctx, d)
	}
	if err == nil && d.texts.changed(versions) {
		_, err = d.texts.reload(ctx, d)
	}
	return err
}

// shelve says how the tables that are held are read.
func (d *DB) shelve() {
	d.clients.table, d.clients.id, d.clients.load = "clients", clientID, clients{d}.read
	d.policies.table, d.policies.id, d.policies.load = "policies", policyID, d.Policies().read
	d.keys.table, d.keys.id, d.keys.load = "signing_keys", keyID, keys{d}.read
	d.brands.table, d.brands.id, d.brands.load = "brands", brandID, brands{d}.read
	d.settings.table, d.settings.id, d.settings.load = "settings", documentName, settingsStore{d}.read
	d.texts.table, d.texts.id, d.texts.load = "texts", textsID, ownTexts{d}.read
}
