package store

import (
	"context"
	"encoding/json"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
)

// ties stores who is who in connected Odoos.
type ties struct{ d *DB }

type tieRow struct {
	Connection          string
	OdooID              int64
	UserID, Login, Seen string
	Linked              int64
	Closed              string
	Created             int64
	Present, Disabled   bool
}

const tieColumns = `t.connection, t.odoo_id, t.user_id, t.login, t.seen, t.linked, t.closed, t.created`

func (r *tieRow) columns() []any {
	return []any{
		&r.Connection, &r.OdooID, &r.UserID, &r.Login, &r.Seen, &r.Linked, &r.Closed, &r.Created, opt[bool]{&r.Present}, opt[bool]{&r.Disabled},
	}
}

func (r tieRow) held() (connector.Held, error) {
	h := connector.Held{Tie: connector.Tie{
		Connection: r.Connection, Odoo: r.OdooID, User: idp.UserID(r.UserID), Login: r.Login, Linked: at(r.Linked),
		Closed: connector.Closed(r.Closed), Created: at(r.Created),
	}, Gone: !r.Present, Disabled: r.Disabled}
	return h, json.Unmarshal([]byte(r.Seen), &h.Seen)
}

func (s ties) find(ctx context.Context, where string, args ...any) ([]connector.Held, error) {
	all, err := rows[tieRow](ctx, s.d.engine, `SELECT `+tieColumns+`, u.id IS NOT NULL, u.disabled
		FROM odoo_ties t LEFT JOIN users u ON u.id = t.user_id WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Held, len(all))
	for i, r := range all {
		if out[i], err = r.held(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s ties) ByOdoo(ctx context.Context, connection string, ids []int64) (map[int64]connector.Held, error) {
	out := map[int64]connector.Held{}
	if len(ids) == 0 {
		return out, nil
	}
	args := []any{connection}
	for _, id := range ids {
		args = append(args, id)
	}
	all, err := s.find(ctx, `t.connection = ? AND t.odoo_id IN (`+marks(len(ids))+`)`, args...)
	for _, h := range all {
		out[h.Odoo] = h
	}
	return out, err
}

func (s ties) ByUser(ctx context.Context, connection string, id idp.UserID) (connector.Tie, error) {
	all, err := s.find(ctx, `t.user_id = ? AND t.connection = ?`, string(id), connection)
	if err == nil && len(all) == 0 {
		err = idp.ErrNotFound
	}
	if err != nil {
		return connector.Tie{}, err
	}
	return all[0].Tie, nil
}

func (s ties) OfUser(ctx context.Context, id idp.UserID) (out []connector.Tie, err error) {
	all, err := s.find(ctx, `t.user_id = ? ORDER BY t.connection`, string(id))
	for _, h := range all {
		out = append(out, h.Tie)
	}
	return out, err
}

// Put replaces only what belongs to nobody any more, and that is the guard.
func (s ties) Put(ctx context.Context, t connector.Tie) error {
	seen, err := json.Marshal(t.Seen)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO odoo_ties (connection, odoo_id, user_id, login, seen, linked, closed, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (connection, odoo_id) DO UPDATE SET user_id = excluded.user_id, login = excluded.login, seen = excluded.seen,
			linked = excluded.linked, closed = excluded.closed, created = excluded.created
			WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.id = odoo_ties.user_id)`,
		args: []any{t.Connection, t.Odoo, string(t.User), t.Login, string(seen), ms(t.Linked), string(t.Closed), ms(t.Created)},
		none: idp.ErrTaken, taken: idp.ErrTaken,
	})
}

func (s ties) Note(ctx context.Context, t connector.Tie) error {
	seen, err := json.Marshal(t.Seen)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO odoo_ties (connection, odoo_id, user_id, login, seen, linked, closed, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO NOTHING`,
		args: []any{t.Connection, t.Odoo, string(t.User), t.Login, string(seen), ms(t.Linked), string(t.Closed), ms(t.Created)},
	})
}

func (s ties) Save(ctx context.Context, t connector.Tie) error {
	seen, err := json.Marshal(t.Seen)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE odoo_ties SET login = ?, seen = ?, linked = ?, closed = ? WHERE connection = ? AND odoo_id = ? AND user_id = ?`,
		args: []any{t.Login, string(seen), ms(t.Linked), string(t.Closed), t.Connection, t.Odoo, string(t.User)},
		none: idp.ErrNotFound,
	})
}

func (s ties) Page(ctx context.Context, q connector.TieQuery) ([]connector.Held, error) {
	where := `t.connection = ? AND t.odoo_id > ?`
	if q.Apart {
		where += ` AND (t.closed = '' AND (u.id IS NULL OR u.disabled) OR t.closed = 'here' AND NOT u.disabled)`
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 200
	}
	return s.find(ctx, where+` ORDER BY t.odoo_id LIMIT ?`, q.Connection, q.After, limit)
}

func (s ties) Count(ctx context.Context, connection string) (int, error) {
	n, err := rows[struct{ N int }](ctx, s.d.engine, `SELECT COUNT(*) AS n FROM odoo_ties WHERE connection = ? AND closed = ''`, connection)
	if err != nil {
		return 0, err
	}
	return n[0].N, nil
}

// anonymousTies keeps of a removed person's ties only that they are not to come
// back: the row is a number there, and nobody here.
func anonymousTies(id idp.UserID) stmt {
	return stmt{sql: `UPDATE odoo_ties SET login = '', seen = '{}' WHERE user_id = ?`, args: []any{string(id)}}
}
