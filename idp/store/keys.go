package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// keys stores signing keys, sealed, and holds them in memory. What it returns
// is shared: change a copy.
type keys struct{ d *DB }

func keyID(k oidc.Key) string { return k.ID }

type keyRow struct {
	ID, Alg, State   string
	Private          []byte
	Created, Changed int64
}

func keyPlace(id, alg string) []byte { return place("signing_keys", "private", id, alg) }

func (s keys) read(ctx context.Context) ([]oidc.Key, error) {
	all, err := rows[keyRow](ctx, s.d.engine, `SELECT id, alg, state, private, created, changed FROM signing_keys ORDER BY created, id`)
	if err != nil {
		return nil, err
	}
	out := make([]oidc.Key, len(all))
	for i, r := range all {
		out[i] = oidc.Key{ID: r.ID, Alg: r.Alg, State: oidc.KeyState(r.State), Created: at(r.Created), Changed: at(r.Changed)}
		if out[i].Private, err = s.d.ring.Open(r.Private, keyPlace(r.ID, r.Alg)); err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
	}
	return out, nil
}

// All returns the keys, oldest first.
func (s keys) All(ctx context.Context) ([]oidc.Key, error) {
	c, err := s.d.shelves.keys.get(ctx, s.d.engine)
	if err != nil {
		return nil, err
	}
	return slices.Clone(c.all), nil
}

func (s keys) Add(ctx context.Context, k oidc.Key) error {
	sealed, err := s.d.ring.Seal(k.Private, keyPlace(k.ID, k.Alg))
	if err != nil {
		return err
	}
	return change(ctx, s.d.engine, &s.d.shelves.keys, stmt{
		sql:   `INSERT INTO signing_keys (id, alg, state, private, created, changed) VALUES (?, ?, ?, ?, ?, ?)`,
		args:  []any{k.ID, k.Alg, string(k.State), sealed, ms(k.Created), ms(k.Changed)},
		taken: idp.ErrTaken,
	})
}

// Move fails with idp.ErrTaken, too, when another key is in the state to.
func (s keys) Move(ctx context.Context, id string, from, to oidc.KeyState, when time.Time) error {
	return change(ctx, s.d.engine, &s.d.shelves.keys, stmt{
		sql:   `UPDATE signing_keys SET state = ?, changed = ? WHERE id = ? AND state = ?`,
		args:  []any{string(to), ms(when), id, string(from)},
		none:  idp.ErrSpent,
		taken: idp.ErrTaken,
	})
}

// Remove is content when there is no such key.
func (s keys) Remove(ctx context.Context, id string) error {
	return change(ctx, s.d.engine, &s.d.shelves.keys, stmt{sql: `DELETE FROM signing_keys WHERE id = ?`, args: []any{id}})
}
