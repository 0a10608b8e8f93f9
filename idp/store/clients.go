package store

import (
	"context"
	"slices"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// clients stores relying parties, sealed, and holds them in memory. What it
// returns is shared: change a copy.
type clients struct{ d *DB }

func clientID(c oidc.Client) string { return string(c.ID) }

type bodyRow struct {
	ID   string
	Body []byte
}

type clientRow struct {
	ID      string
	Body    []byte
	Version int64
}

func (s clients) read(ctx context.Context) ([]oidc.Client, error) {
	all, err := rows[clientRow](ctx, s.d.engine, `SELECT id, body, version FROM clients ORDER BY id`)
	if err != nil {
		return nil, err
	}
	out := make([]oidc.Client, len(all))
	for i, r := range all {
		if err := s.d.openJSON(r.Body, place("clients", "body", r.ID), &out[i]); err != nil {
			return nil, err
		}
		out[i].Version = r.Version
	}
	return out, nil
}

func (s clients) All(ctx context.Context) ([]oidc.Client, error) {
	c, err := s.d.shelves.clients.get(ctx, s.d.engine)
	if err != nil {
		return nil, err
	}
	return slices.Clone(c.all), nil
}

// ByID asks the database about a client that is not in memory: it may have
// been added a moment ago from the command line.
func (s clients) ByID(ctx context.Context, id oidc.ClientID) (oidc.Client, error) {
	c, err := s.d.shelves.clients.get(ctx, s.d.engine)
	if err != nil {
		return oidc.Client{}, err
	}
	if v, ok := c.byID[string(id)]; ok {
		return v, nil
	}
	if _, err := one[bodyRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT id FROM clients WHERE id = ?`, string(id)); err != nil {
		return oidc.Client{}, err
	}
	if c, err = s.d.shelves.clients.reload(ctx, s.d.engine); err != nil {
		return oidc.Client{}, err
	}
	if v, ok := c.byID[string(id)]; ok {
		return v, nil
	}
	return oidc.Client{}, idp.ErrNotFound
}

func (s clients) Add(ctx context.Context, c oidc.Client) error {
	body, err := s.d.sealJSON(c, place("clients", "body", string(c.ID)))
	if err != nil {
		return err
	}
	return change(ctx, s.d.engine, &s.d.shelves.clients, stmt{
		sql:   `INSERT INTO clients (id, body) VALUES (?, ?)`,
		args:  []any{string(c.ID), body},
		taken: idp.ErrTaken,
	})
}

// Save fails with idp.ErrSpent when the client is no longer the one that was
// read, and with idp.ErrNotFound when a whole one is not there.
func (s clients) Save(ctx context.Context, c oidc.Client) error {
	body, err := s.d.sealJSON(c, place("clients", "body", string(c.ID)))
	if err != nil {
		return err
	}
	save := stmt{
		sql:  `UPDATE clients SET body = ?, version = version + 1 WHERE id = ? AND (version = ? OR CAST(? AS BIGINT) = 0)`,
		args: []any{body, string(c.ID), c.Version, c.Version}, none: idp.ErrSpent,
	}
	if c.Version == 0 {
		save.none = idp.ErrNotFound
	}
	return change(ctx, s.d.engine, &s.d.shelves.clients, save)
}

// Remove forgets a client with its grants, what people allowed it and how it
// looks; its id stays free for nobody who could still hold one of them.
func (s clients) Remove(ctx context.Context, id oidc.ClientID) error {
	err := change(ctx, s.d.engine, &s.d.shelves.clients, append(brandless(id),
		stmt{sql: `DELETE FROM clients WHERE id = ?`, args: []any{string(id)}, none: idp.ErrNotFound},
		stmt{sql: `DELETE FROM grants WHERE client = ?`, args: []any{string(id)}},
		stmt{sql: `DELETE FROM consents WHERE client = ?`, args: []any{string(id)}},
		stmt{sql: `DELETE FROM client_uses WHERE client = ?`, args: []any{string(id)}},
		raise(s.d.shelves.brands.table))...)
	s.d.settled(ctx, err, func(error) { s.d.shelves.brands.renew(ctx, s.d.engine) })
	return err
}
