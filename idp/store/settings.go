package store

import (
	"context"

	"latchkey/idp"
)

// settingsStore stores documents that administrators change; they are held in
// memory.
type settingsStore struct{ d *DB }

// document is a row, opened.
type document struct {
	name    string
	version int64
	body    []byte
}

func documentName(o document) string { return o.name }

func documentPlace(name string) []byte { return place("settings", "body", name) }

func (s settingsStore) read(ctx context.Context) ([]document, error) {
	type row struct {
		Name    string
		Version int64
		Body    []byte
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT name, version, body FROM settings ORDER BY name`)
	if err != nil {
		return nil, err
	}
	out := make([]document, len(all))
	for i, r := range all {
		body, err := s.d.ring.Open(r.Body, documentPlace(r.Name))
		if err != nil {
			return nil, err
		}
		out[i] = document{r.Name, r.Version, body}
	}
	return out, nil
}

func (s settingsStore) Load(ctx context.Context, name string) ([]byte, int64, error) {
	c, err := s.d.shelves.settings.get(ctx, s.d.engine)
	if err != nil {
		return nil, 0, err
	}
	o := c.byID[name]
	return o.body, o.version, nil
}

func (s settingsStore) Save(ctx context.Context, name string, body []byte, was int64) error {
	sealed, err := s.d.ring.Seal(body, documentPlace(name))
	if err != nil {
		return err
	}
	put := stmt{
		sql:  `INSERT INTO settings (name, version, body) VALUES (?, 1, ?)`,
		args: []any{name, sealed}, taken: idp.ErrSpent,
	}
	if was > 0 {
		put = stmt{
			sql:  `UPDATE settings SET version = version + 1, body = ? WHERE name = ? AND version = ?`,
			args: []any{sealed, name, was}, none: idp.ErrSpent,
		}
	}
	return change(ctx, s.d.engine, &s.d.shelves.settings, put)
}
