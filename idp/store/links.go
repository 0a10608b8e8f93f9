package store

import (
	"context"

	"latchkey/idp"
)

// links stores addresses that are good once; what they are about is sealed.
type links struct{ d *DB }

type linkRow struct {
	Hash, Purpose    string
	Epoch            int64
	Data             []byte
	Created, Expires int64
	user             userRow
}

func (r *linkRow) columns() []any {
	return append([]any{&r.Hash, &r.Purpose, &r.Epoch, &r.Data, &r.Created, &r.Expires}, r.user.columns()...)
}

// linkPlace covers whose and what for: a link cannot be moved to another person
// or purpose by editing the row.
func linkPlace(hash string, p idp.Purpose, id idp.UserID) []byte {
	return place("links", "data", hash, string(p), string(id))
}

func (s links) Put(ctx context.Context, l idp.Link) error {
	data, err := s.d.sealJSON(l.Data, linkPlace(l.Hash, l.Purpose, l.User))
	if err != nil {
		return err
	}
	put := stmt{
		sql: `INSERT INTO links (hash, purpose, user_id, epoch, data, created, expires)
			SELECT CAST(? AS TEXT), CAST(? AS TEXT), u.id, CASE WHEN CAST(? AS BIGINT) < 0 THEN u.epoch ELSE CAST(? AS BIGINT) END,
				CAST(? AS ` + s.d.bytes() + `), CAST(? AS BIGINT), CAST(? AS BIGINT) FROM users u WHERE u.id = ?`,
		args: []any{l.Hash, string(l.Purpose), l.Epoch, l.Epoch, data, ms(l.Created), ms(l.Expires), string(l.User)},
		none: idp.ErrNotFound, taken: idp.ErrTaken,
	}
	if l.Purpose != idp.LinkInvite {
		return s.d.write(ctx, put)
	}
	return s.d.write(ctx, put, stmt{sql: `UPDATE users SET invited = ? WHERE id = ?`, args: []any{ms(l.Created), string(l.User)}})
}

func (s links) Get(ctx context.Context, p idp.Purpose, hash string) (idp.Link, idp.User, error) {
	r, err := one[linkRow](ctx, s.d.engine, idp.ErrExpired, `SELECT l.hash, l.purpose, l.epoch, l.data, l.created, l.expires, `+person+`
		FROM links l JOIN users u ON u.id = l.user_id AND u.epoch = l.epoch
		WHERE l.hash = ? AND l.purpose = ? AND l.expires > ? AND NOT u.disabled`, hash, string(p), ms(s.d.now()))
	if err != nil {
		return idp.Link{}, idp.User{}, err
	}
	u, err := r.user.user(s.d.now())
	if err != nil {
		return idp.Link{}, idp.User{}, err
	}
	l := idp.Link{Hash: r.Hash, Purpose: idp.Purpose(r.Purpose), User: u.ID, Epoch: r.Epoch, Created: at(r.Created), Expires: at(r.Expires)}
	if err := s.d.openJSON(r.Data, linkPlace(l.Hash, l.Purpose, l.User), &l.Data); err != nil {
		return idp.Link{}, idp.User{}, err
	}
	return l, u, nil
}

func (s links) Spend(ctx context.Context, hash string) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM links WHERE hash = ? AND expires > ?`,
		args: []any{hash, ms(s.d.now())},
		none: idp.ErrSpent,
	})
}

// Void gives up the mails of these links, too, as far as they are still here.
func (s links) Void(ctx context.Context, p idp.Purpose, id idp.UserID) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM links WHERE user_id = ? AND purpose = ?`,
		args: []any{string(id), string(p)},
	}, withdraw(id, p))
}

// endLinks takes all of a person's links away.
func endLinks(id idp.UserID) stmt {
	return stmt{sql: `DELETE FROM links WHERE user_id = ?`, args: []any{string(id)}}
}
