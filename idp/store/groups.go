package store

import (
	"context"
	"fmt"
	"strings"
	"unicode"

	"latchkey/idp"
)

// groups stores groups and who is in them.
type groups struct{ d *DB }

func (s groups) All(ctx context.Context) ([]idp.Group, error) {
	return rows[idp.Group](ctx, s.d.engine, `SELECT g.name AS name,
		(SELECT count(*) FROM memberships m WHERE m.group_name = g.name) AS members FROM user_groups g ORDER BY g.name`)
}

func (s groups) Put(ctx context.Context, name string) error {
	if name == "" || name != strings.TrimSpace(name) || strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("%w: group name %q: not empty, no control characters, no space at its ends", idp.ErrInvalid, name)
	}
	return s.d.write(ctx, stmt{sql: `INSERT INTO user_groups (name) VALUES (?) ON CONFLICT (name) DO NOTHING`, args: []any{name}})
}

// Remove fails with idp.ErrNotFound when there is no such group.
func (s groups) Remove(ctx context.Context, name string) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM user_groups WHERE name = ?`, args: []any{name}, none: idp.ErrNotFound},
		stmt{sql: `DELETE FROM scim_groups WHERE group_name = ?`, args: []any{name}})
}

// Join fails with idp.ErrNotFound when there is no such group or person.
func (s groups) Join(ctx context.Context, group string, id idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql:  `INSERT INTO memberships (user_id, group_name) VALUES (?, ?) ON CONFLICT (user_id, group_name) DO NOTHING`,
		args: []any{string(id), group},
	})
}

func (s groups) Leave(ctx context.Context, group string, id idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM memberships WHERE user_id = ? AND group_name = ?`,
		args: []any{string(id), group},
	})
}
