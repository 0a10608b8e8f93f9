package store

import (
	"context"
	"time"

	"latchkey/idp"
)

// pictures stores the pictures that people choose for themselves.
type pictures struct{ d *DB }

type pictureRow struct{ Image []byte }

func (s pictures) Put(ctx context.Context, u idp.UserID, name string, png []byte, when time.Time) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO pictures (user_id, name, image, created) VALUES (?, ?, ?, ?)
			ON CONFLICT (user_id) DO UPDATE SET name = excluded.name, image = excluded.image, created = excluded.created`,
		args:  []any{string(u), name, png, ms(when)},
		taken: idp.ErrTaken,
	})
}

func (s pictures) Drop(ctx context.Context, u idp.UserID) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM pictures WHERE user_id = ?`, args: []any{string(u)}})
}

func (s pictures) Of(ctx context.Context, u idp.UserID) ([]byte, error) {
	r, err := one[pictureRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT image FROM pictures WHERE user_id = ?`, string(u))
	return r.Image, err
}

// ByName shows nothing of somebody who is disabled.
func (s pictures) ByName(ctx context.Context, name string) ([]byte, error) {
	r, err := one[pictureRow](ctx, s.d.engine, idp.ErrNotFound,
		`SELECT p.image FROM pictures p JOIN users u ON u.id = p.user_id WHERE p.name = ? AND NOT u.disabled`, name)
	return r.Image, err
}
