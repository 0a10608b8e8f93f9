package store

import (
	"context"

	"latchkey/idp"
)

// moves moves what one account has to another of the same person.
type moves struct{ d *DB }

func (s moves) Same(ctx context.Context, u idp.User) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE users SET epoch = epoch WHERE id = ? AND role = ? AND kind = ? AND epoch = ?`,
		args: []any{string(u.ID), string(u.Role), string(u.Kind), u.Epoch},
		none: idp.ErrSpent,
	})
}

// Memberships leaves companies where they are when the other is no customer, or
// has a role: whoever leads a company may help its people, and would come to
// lend a hand to staff (SECURITY.md D-02).
func (s moves) Memberships(ctx context.Context, from, to idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO memberships (user_id, group_name) SELECT CAST(? AS TEXT), group_name FROM memberships WHERE user_id = ?
			ON CONFLICT (user_id, group_name) DO NOTHING`,
		args: []any{string(to), string(from)},
	}, stmt{sql: `DELETE FROM memberships WHERE user_id = ?`, args: []any{string(from)}}, letGo(from), stmt{
		sql: `UPDATE company_members SET user_id = ? WHERE user_id = ?
			AND company NOT IN (SELECT c.company FROM company_members c WHERE c.user_id = ?)
			AND EXISTS (SELECT 1 FROM users k WHERE k.id = ? AND k.kind = 'portal' AND k.role = '')`,
		args: []any{string(to), string(from), string(to), string(to)},
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
