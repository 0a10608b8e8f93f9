package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/signin"
)

// flows stores attempts to sign in that have proven the first factor, sealed.
type flows struct{ d *DB }

type flowRow struct {
	body []byte
	user userRow
}

func (r *flowRow) columns() []any { return append([]any{&r.body}, r.user.columns()...) }

func (s flows) Put(ctx context.Context, f signin.Flow) error {
	body, err := s.d.sealJSON(f, place("flows", "body", f.ID, string(f.User)))
	if err != nil {
		return err
	}
	if f.Stored {
		return s.d.write(ctx, stmt{
			sql:  `UPDATE flows SET body = ?, expires = ? WHERE id = ? AND user_id = ?`,
			args: []any{body, ms(f.Expires), f.ID, string(f.User)},
			none: idp.ErrExpired,
		})
	}
	return s.d.write(ctx, stmt{
		sql:   `INSERT INTO flows (id, user_id, body, expires) VALUES (?, ?, ?, ?)`,
		args:  []any{f.ID, string(f.User), body, ms(f.Expires)},
		taken: idp.ErrTaken,
	})
}

func (s flows) Get(ctx context.Context, id string) (f signin.Flow, u idp.User, err error) {
	r, err := one[flowRow](ctx, s.d.engine, idp.ErrExpired, `SELECT f.body, `+person+`
		FROM flows f JOIN users u ON u.id = f.user_id WHERE f.id = ? AND f.expires > ?`, id, ms(s.d.now()))
	if err != nil {
		return f, u, err
	}
	if err := s.d.openJSON(r.body, place("flows", "body", id, r.user.ID), &f); err != nil {
		return f, u, err
	}
	f.Stored = true
	u, err = r.user.user(s.d.now())
	return f, u, err
}

func (s flows) EndOthers(ctx context.Context, id idp.UserID, keep string) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM flows WHERE user_id = ? AND id <> ?`, args: []any{string(id), keep}})
}

func (s flows) EndAll(ctx context.Context, id idp.UserID) error {
	return s.d.write(ctx, endFlows(id))
}

func (s flows) End(ctx context.Context, id string) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM flows WHERE id = ? AND expires > ?`,
		args: []any{id, ms(s.d.now())},
		none: idp.ErrSpent,
	})
}
