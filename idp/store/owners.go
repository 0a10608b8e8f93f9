package store

import (
	"context"
	"time"

	"latchkey/idp"
)

// owners watches over who owns the house.
type owners struct{ d *DB }

// Another takes a row that all such changes take before it looks: of two owners
// who put each other out at once, the second finds the first one gone.
func (s owners) Another(ctx context.Context, but idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE catalogue SET version = version + 1 WHERE name = 'owners'`, none: idp.ErrNotFound,
	}, stmt{
		sql:  `UPDATE users SET updated = updated WHERE id = (SELECT MIN(id) FROM users WHERE role = ? AND NOT disabled AND id <> ?)`,
		args: []any{string(idp.Owner), string(but)}, none: idp.ErrLastOwner,
	})
}

// Owned reports whether somebody who can sign in is an owner.
func (s owners) Owned(ctx context.Context) (bool, error) {
	type row struct{ N int }
	found, err := rows[row](ctx, s.d.engine, `SELECT COUNT(*) AS n FROM (SELECT 1 FROM users WHERE role = ? AND NOT disabled LIMIT 1) o`, string(idp.Owner))
	return err == nil && found[0].N > 0, err
}

// Offer also forgets what has expired.
func (s owners) Offer(ctx context.Context, hash string, until time.Time) error {
	return s.d.write(ctx, stmt{
		sql: `DELETE FROM foundings WHERE expires <= ?`, args: []any{ms(s.d.now())},
	}, stmt{
		sql: `INSERT INTO foundings (hash, expires) VALUES (?, ?)`, args: []any{hash, ms(until)}, taken: idp.ErrTaken,
	})
}

func (s owners) Offered(ctx context.Context, hash string) error {
	type row struct{ Expires int64 }
	_, err := one[row](ctx, s.d.engine, idp.ErrExpired, `SELECT expires FROM foundings WHERE hash = ? AND expires > ?
		AND NOT EXISTS (SELECT 1 FROM users WHERE role = ? AND NOT disabled)`, hash, ms(s.d.now()), string(idp.Owner))
	return err
}

// Take takes the row of all changes of owners first: of two first owners at
// once the second finds the first.
func (s owners) Take(ctx context.Context, hash string) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE catalogue SET version = version + 1 WHERE name = 'owners'`, none: idp.ErrNotFound,
	}, stmt{
		sql:  `DELETE FROM foundings WHERE hash = ? AND expires > ? AND NOT EXISTS (SELECT 1 FROM users WHERE role = ? AND NOT disabled)`,
		args: []any{hash, ms(s.d.now()), string(idp.Owner)}, none: idp.ErrSpent,
	}, stmt{sql: `DELETE FROM foundings`})
}
