package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"latchkey/idp"
	"latchkey/idp/brand"
)

// brands stores how the house and its clients look, and holds it in memory. What
// it returns is shared: change a copy.
type brands struct{ d *DB }

// branded is a brand and whose it is.
type branded struct {
	client string
	brand  brand.Brand
}

func brandID(b branded) string { return b.client }

type brandRow struct{ Client, Body string }

type logoRow struct {
	Client, Hash  string
	Dark          bool
	Width, Height int
}

func (s brands) read(ctx context.Context) ([]branded, error) {
	bodies, err := rows[brandRow](ctx, s.d.engine, `SELECT client, body FROM brands ORDER BY client`)
	if err != nil {
		return nil, err
	}
	logos, err := rows[logoRow](ctx, s.d.engine, `SELECT client, dark, hash, width, height FROM brand_logos ORDER BY client`)
	if err != nil {
		return nil, err
	}
	all := map[string]brand.Brand{}
	for _, r := range bodies {
		var b brand.Brand
		if err := json.Unmarshal([]byte(r.Body), &b); err != nil {
			return nil, fmt.Errorf("store: brand of %q: %w", r.Client, err)
		}
		all[r.Client] = b
	}
	for _, r := range logos {
		b, l := all[r.Client], brand.Logo{Hash: r.Hash, Width: r.Width, Height: r.Height}
		if r.Dark {
			b.LogoDark = l
		} else {
			b.Logo = l
		}
		all[r.Client] = b
	}
	out := make([]branded, 0, len(all))
	for client, b := range all {
		out = append(out, branded{client, b})
	}
	return out, nil
}

func (s brands) Own(ctx context.Context, id idp.ClientID) (brand.Brand, error) {
	c, err := s.d.shelves.brands.get(ctx, s.d.engine)
	if err != nil {
		return brand.Brand{}, err
	}
	return c.byID[string(id)].brand, nil
}

func (s brands) Branded(ctx context.Context) ([]idp.ClientID, error) {
	c, err := s.d.shelves.brands.get(ctx, s.d.engine)
	if err != nil {
		return nil, err
	}
	var out []idp.ClientID
	for _, b := range c.all {
		if b.client != "" && !b.brand.Empty() {
			out = append(out, idp.ClientID(b.client))
		}
	}
	slices.Sort(out)
	return out, nil
}

func (s brands) Save(ctx context.Context, id idp.ClientID, b brand.Brand) error {
	b.Logo, b.LogoDark = brand.Logo{}, brand.Logo{}
	body, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return change(ctx, s.d.engine, &s.d.shelves.brands, stmt{
		sql:  `INSERT INTO brands (client, body) VALUES (?, ?) ON CONFLICT (client) DO UPDATE SET body = excluded.body`,
		args: []any{string(id), string(body)},
	})
}

func (s brands) SaveLogo(ctx context.Context, id idp.ClientID, dark bool, l brand.Logo, png []byte) error {
	if len(png) == 0 {
		return change(ctx, s.d.engine, &s.d.shelves.brands, stmt{sql: `DELETE FROM brand_logos WHERE client = ? AND dark = ?`, args: []any{string(id), dark}})
	}
	return change(ctx, s.d.engine, &s.d.shelves.brands, stmt{
		sql: `INSERT INTO brand_logos (client, dark, hash, width, height, image) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (client, dark) DO UPDATE SET hash = excluded.hash, width = excluded.width, height = excluded.height, image = excluded.image`,
		args: []any{string(id), dark, l.Hash, l.Width, l.Height, png},
	})
}

func (s brands) Reset(ctx context.Context, id idp.ClientID) error {
	return change(ctx, s.d.engine, &s.d.shelves.brands, brandless(id)...)
}

// brandless forgets a brand; a client that goes takes its own along.
func brandless(id idp.ClientID) []stmt {
	return []stmt{
		{sql: `DELETE FROM brands WHERE client = ?`, args: []any{string(id)}},
		{sql: `DELETE FROM brand_logos WHERE client = ?`, args: []any{string(id)}},
	}
}

func (s brands) Image(ctx context.Context, hash string) ([]byte, error) {
	r, err := one[pictureRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT image FROM brand_logos WHERE hash = ? LIMIT 1`, hash)
	return r.Image, err
}
