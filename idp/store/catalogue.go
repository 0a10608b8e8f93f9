package store

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/texts"
	"latchkey/mfa/policy"
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
func (s *shelf[T]) get(ctx context.Context, d *engine) (*contents[T], error) {
	if c := s.held.Load(); c != nil {
		return c, nil
	}
	return s.reload(ctx, d)
}

// reload reads the version first: if the table changes in between, what is
// held is too new for its version, and the next look reads it again.
func (s *shelf[T]) reload(ctx context.Context, d *engine) (*contents[T], error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, err := one[versionRow](ctx, d, idp.ErrNotFound, `SELECT name, version FROM catalogue WHERE name = ?`, s.table)
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
func (s *shelf[T]) renew(ctx context.Context, d *engine) {
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
func change[T any](ctx context.Context, d *engine, s *shelf[T], stmts ...stmt) error {
	err := d.write(ctx, append(stmts, raise(s.table))...)
	d.settled(ctx, err, func(error) { s.renew(ctx, d) })
	return err
}

// raise tells the other instances that a table has changed.
func raise(table string) stmt {
	return stmt{sql: `UPDATE catalogue SET version = version + 1 WHERE name = ?`, args: []any{table}, none: idp.ErrNotFound}
}

// catalogue is the small tables that are held in memory.
type catalogue struct {
	clients  shelf[oidc.Client]
	policies shelf[policy.Policy]
	keys     shelf[oidc.Key]
	brands   shelf[branded]
	settings shelf[document]
	texts    shelf[texts.Own]
}

// shelve says how the tables that are held are read.
func (d *DB) shelve() {
	c := &d.shelves
	c.clients.table, c.clients.id, c.clients.load = "clients", clientID, clients{d}.read
	c.policies.table, c.policies.id, c.policies.load = "policies", policyID, d.Policies.read
	c.keys.table, c.keys.id, c.keys.load = "signing_keys", keyID, keys{d}.read
	c.brands.table, c.brands.id, c.brands.load = "brands", brandID, brands{d}.read
	c.settings.table, c.settings.id, c.settings.load = "settings", documentName, settingsStore{d}.read
	c.texts.table, c.texts.id, c.texts.load = "texts", textsID, ownTexts{d}.read
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
			_ = d.shelves.look(ctx, d.engine) // what is held stays until the database answers again
		}
	}
}

// look reloads what has changed; an error leaves the old and the next look
// tries again.
func (c *catalogue) look(ctx context.Context, d *engine) error {
	all, err := rows[versionRow](ctx, d, `SELECT name, version FROM catalogue`)
	if err != nil {
		return err
	}
	versions := map[string]int64{}
	for _, v := range all {
		versions[v.Name] = v.Version
	}
	if c.clients.changed(versions) {
		_, err = c.clients.reload(ctx, d)
	}
	if err == nil && c.policies.changed(versions) {
		_, err = c.policies.reload(ctx, d)
	}
	if err == nil && c.keys.changed(versions) {
		_, err = c.keys.reload(ctx, d)
	}
	if err == nil && c.brands.changed(versions) {
		_, err = c.brands.reload(ctx, d)
	}
	if err == nil && c.settings.changed(versions) {
		_, err = c.settings.reload(ctx, d)
	}
	if err == nil && c.texts.changed(versions) {
		_, err = c.texts.reload(ctx, d)
	}
	return err
}
