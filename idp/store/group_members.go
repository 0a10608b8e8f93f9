package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/rulebook"
)

// groupBook stores groups as lists show them.
type groupBook struct{ groups }

func (s groupBook) Exists(ctx context.Context, name string) (bool, error) {
	all, err := rows[nameRow](ctx, s.d.engine, `SELECT name FROM user_groups WHERE name = ?`, name)
	return len(all) > 0, err
}

// Page counts with a limit: a group may be the whole house.
func (s groupBook) Page(ctx context.Context, q rulebook.GroupQuery) ([]idp.Group, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	query, args := ` FROM user_groups g WHERE g.name > ?`, []any{q.After}
	if q.Text != "" {
		query, args = query+` AND lower(g.name) LIKE lower(?) ESCAPE '!'`, append(args, pattern(q.Text))
	}
	if q.Name != "" {
		query, args = query+` AND g.name = ?`, append(args, q.Name)
	}
	counted := `(SELECT COUNT(*) FROM (SELECT 1 FROM memberships m WHERE m.group_name = g.name LIMIT ?) c)`
	return rows[idp.Group](ctx, s.d.engine, `SELECT g.name AS name, `+counted+` AS members`+query+` ORDER BY g.name LIMIT ?`,
		append(append([]any{rulebook.CountMost + 1}, args...), q.Limit)...)
}

func (s groupBook) Members(ctx context.Context, q rulebook.MemberQuery) ([]idp.User, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	query, args := `SELECT `+person+` FROM memberships m JOIN users u ON u.id = m.user_id WHERE m.group_name = ? AND m.user_id > ?`, []any{q.Group, string(q.After)}
	for _, w := range q.Words {
		query += ` AND EXISTS (SELECT 1 FROM user_words w WHERE w.user_id = m.user_id AND w.word >= ? AND w.word < ?)`
		args = append(args, w, w+"\U0010FFFF")
	}
	all, err := rows[userRow](ctx, s.d.engine, query+` ORDER BY m.user_id LIMIT ?`, append(args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	out := make([]idp.User, len(all))
	for i, r := range all {
		if out[i], err = r.user(s.d.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Rename moves the members: names are what memberships refer to.
func (s groupBook) Rename(ctx context.Context, from, to string) error {
	return s.d.write(ctx,
		stmt{sql: `INSERT INTO user_groups (name) SELECT CAST(? AS TEXT) FROM user_groups WHERE name = ?`, args: []any{to, from}, none: idp.ErrNotFound, taken: idp.ErrTaken},
		stmt{sql: `UPDATE memberships SET group_name = ? WHERE group_name = ?`, args: []any{to, from}},
		stmt{sql: `DELETE FROM scim_groups WHERE group_name = ?`, args: []any{to}},
		stmt{sql: `UPDATE scim_groups SET group_name = ? WHERE group_name = ?`, args: []any{to, from}},
		stmt{sql: `DELETE FROM user_groups WHERE name = ?`, args: []any{from}})
}
