package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"latchkey/idp"
	"latchkey/idp/keyring"
)

// place names the one cell that a sealed value is good for, such as
// "credentials:data:<subject>:<id>". Parts that say whose a row is belong into
// it, so that changing the owner's column breaks the seal, too.
func place(table, column string, row ...string) []byte {
	return []byte(table + ":" + column + ":" + strings.Join(row, ":"))
}

// vault seals what must not be read from a copy of the database.
type vault struct {
	*engine
	ring *keyring.Ring
	kept sync.Map // name of a secret → []byte
}

// sealJSON seals v as JSON.
func (d *vault) sealJSON(v any, where []byte) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return d.ring.Seal(b, where)
}

func (d *vault) openJSON(sealed, where []byte, v any) error {
	b, err := d.ring.Open(sealed, where)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return json.Unmarshal(b, v)
}

// Secret returns the 32 random bytes of that name, made at first use, sealed
// at rest and the same for all instances. Keep it; do not change it.
func (d *vault) Secret(ctx context.Context, name string) ([]byte, error) {
	if b, ok := d.kept.Load(name); ok {
		return b.([]byte), nil
	}
	type row struct{ Value []byte }
	const query = `SELECT value FROM secrets WHERE name = ?`
	r, err := one[row](ctx, d.engine, idp.ErrNotFound, query, name)
	if err == idp.ErrNotFound {
		if err = d.makeSecret(ctx, name); err == nil {
			r, err = one[row](ctx, d.engine, idp.ErrNotFound, query, name)
		}
	}
	if err != nil {
		return nil, err
	}
	b, err := d.ring.Open(r.Value, place("secrets", "value", name))
	if err != nil {
		return nil, err
	}
	d.kept.Store(name, b)
	return b, nil
}

// makeSecret stores a secret unless somebody was faster; not in the caller's
// Atomic, because it is read right after.
func (d *vault) makeSecret(ctx context.Context, name string) error {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	sealed, err := d.ring.Seal(b, place("secrets", "value", name))
	if err != nil {
		return err
	}
	return d.send(ctx, []stmt{{
		sql:  `INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING`,
		args: []any{name, sealed},
	}})
}
