package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/account"
)

type owners struct{ d *DB }

// Owners watches over who owns the house.
func (d *DB) Owners() account.Owners { return owners{d} }

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
