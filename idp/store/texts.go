package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"latchkey/idp"
	"latchkey/idp/texts"
)

// ownTexts stores what administrators say in messages, and holds it in memory.
// What it returns is shared: change a copy.
type ownTexts struct{ d *DB }

func textsID(o texts.Own) string { return o.Language + " " + o.Message }

func (s ownTexts) read(ctx context.Context) ([]texts.Own, error) {
	type row struct {
		Message, Language string
		Version           int64
		Body              string
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT message, language, version, body FROM texts ORDER BY message, language`)
	if err != nil {
		return nil, err
	}
	out := make([]texts.Own, len(all))
	for i, r := range all {
		out[i] = texts.Own{Message: r.Message, Language: r.Language, Version: r.Version}
		if err := json.Unmarshal([]byte(r.Body), &out[i].Texts); err != nil {
			return nil, fmt.Errorf("store: texts of %s in %s: %w", r.Message, r.Language, err)
		}
	}
	return out, nil
}

func (s ownTexts) Own(ctx context.Context, message, language string) (texts.Own, error) {
	c, err := s.d.shelves.texts.get(ctx, s.d.engine)
	if err != nil {
		return texts.Own{}, err
	}
	return c.byID[textsID(texts.Own{Message: message, Language: language})], nil
}

func (s ownTexts) All(ctx context.Context) ([]texts.Own, error) {
	c, err := s.d.shelves.texts.get(ctx, s.d.engine)
	if err != nil {
		return nil, err
	}
	return slices.Clone(c.all), nil
}

func (s ownTexts) Save(ctx context.Context, o texts.Own) error {
	body, err := json.Marshal(o.Texts)
	if err != nil {
		return err
	}
	put := stmt{
		sql:  `INSERT INTO texts (message, language, version, body) VALUES (?, ?, 1, ?)`,
		args: []any{o.Message, o.Language, string(body)}, taken: idp.ErrSpent,
	}
	if o.Version > 0 {
		put = stmt{
			sql:  `UPDATE texts SET version = version + 1, body = ? WHERE message = ? AND language = ? AND version = ?`,
			args: []any{string(body), o.Message, o.Language, o.Version}, none: idp.ErrSpent,
		}
	}
	return change(ctx, s.d.engine, &s.d.shelves.texts, put)
}
