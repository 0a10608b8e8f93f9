package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/people"
)

type moves struct{ d *DB }

// Moves moves what one account has to another of the same person.
func (d *DB) Moves() people.Moves { return moves{d} }

func (s moves) Memberships(ctx context.Context, from, to idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO memberships (user_id, group_name) SELECT CAST(? AS TEXT), group_name FROM memberships WHERE user_id = ?
			ON CONFLICT (user_id, group_name) DO NOTHING`,
		args: []any{string(to), string(from)},
	}, stmt{sql: `DELETE FROM memberships WHERE user_id = ?`, args: []any{string(from)}}, stmt{
		sql: `UPDATE company_members SET user_id = ? WHERE user_id = ?
			AND company NOT IN (SELECT c.company FROM company_members c WHERE c.user_id = ?)`,
		args: []any{string(to), string(from), string(to)},
	})
}

func (s moves) Consents(ctx context.Context, from, to idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO consents (user_id, client, scopes, at) SELECT CAST(? AS TEXT), client, scopes, at FROM consents WHERE user_id = ?
			ON CONFLICT (user_id, client) DO NOTHING`,
		args: []any{string(to), string(from)},
	}, stmt{sql: `DELETE FROM consents WHERE user_id = ?`, args: []any{string(from)}})
}

// Ties forgets that the Odoos were told: they know the account by the old sub.
func (s moves) Ties(ctx context.Context, from, to idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql: `UPDATE odoo_ties SET user_id = ?, linked = 0 WHERE user_id = ?
			AND connection NOT IN (SELECT t.connection FROM odoo_ties t WHERE t.user_id = ?)`,
		args: []any{string(to), string(from), string(to)},
	})
}
