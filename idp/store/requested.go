package store

import (
	"context"

	"latchkey/idp"
)

// requested stores links to accounts that nobody has yet. What they are about is
// sealed; the address is there as a hash.
type requested struct{ d *DB }

type requestedRow struct {
	Hash, Address    string
	Data             []byte
	Created, Expires int64
}

func (r *requestedRow) columns() []any {
	return []any{&r.Hash, &r.Address, &r.Data, &r.Created, &r.Expires}
}

// requestedPlace covers the address, too: a link cannot be moved to another one
// by editing the row.
func requestedPlace(hash, address string) []byte {
	return place("registrations", "data", hash, address)
}

// Put leaves earlier requests of the same address alone: a stranger who names
// somebody's address must not void the link that they asked for.
func (s requested) Put(ctx context.Context, l idp.Link) error {
	data, err := s.d.sealJSON(l.Data, requestedPlace(l.Hash, string(l.User)))
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `INSERT INTO registrations (hash, address, data, created, expires) VALUES (?, ?, ?, ?, ?)`,
		args: []any{l.Hash, string(l.User), data, ms(l.Created), ms(l.Expires)}, taken: idp.ErrTaken,
	})
}

func (s requested) Get(ctx context.Context, hash string) (idp.Link, error) {
	r, err := one[requestedRow](ctx, s.d.engine, idp.ErrExpired, `SELECT hash, address, data, created, expires FROM registrations
		WHERE hash = ? AND expires > ?`, hash, ms(s.d.now()))
	if err != nil {
		return idp.Link{}, err
	}
	l := idp.Link{Hash: r.Hash, Purpose: idp.LinkRegister, User: idp.UserID(r.Address), Created: at(r.Created), Expires: at(r.Expires)}
	return l, s.d.openJSON(r.Data, requestedPlace(r.Hash, r.Address), &l.Data)
}

func (s requested) Spend(ctx context.Context, hash string, id idp.UserID) error {
	now := ms(s.d.now())
	r, err := one[requestedRow](ctx, s.d.engine, idp.ErrSpent, `SELECT hash, address, data, created, expires FROM registrations WHERE hash = ?`, hash)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `DELETE FROM registrations WHERE hash = ? AND expires > ?`, args: []any{hash, now}, none: idp.ErrSpent,
	}, stmt{
		sql: `DELETE FROM registrations WHERE address = ?`, args: []any{r.Address},
	}, stmt{
		sql: `UPDATE users SET registered = ? WHERE id = ?`, args: []any{now, string(id)}, none: idp.ErrNotFound,
	})
}
