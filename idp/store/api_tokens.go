package store

import (
	"context"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
)

// apiTokens stores the tokens of the API.
type apiTokens struct{ d *DB }

const tokenColumns = `SELECT t.id, t.name, t.owner, t.scopes, t.epoch, t.created, t.expires, t.used, t.revoked, ` + person + `
	FROM api_tokens t JOIN users u ON u.id = t.owner`

type tokenRow struct {
	ID, Name, Owner, Scopes                string
	Epoch, Created, Expires, Used, Revoked int64
	user                                   userRow
}

func (r *tokenRow) columns() []any {
	return append([]any{&r.ID, &r.Name, &r.Owner, &r.Scopes, &r.Epoch, &r.Created, &r.Expires, &r.Used, &r.Revoked}, r.user.columns()...)
}

func (r tokenRow) held(now time.Time) (apitoken.Held, error) {
	h := apitoken.Held{Token: apitoken.Token{
		ID: r.ID, Name: r.Name, Owner: idp.UserID(r.Owner), Epoch: r.Epoch, Created: at(r.Created), Expires: at(r.Expires), Used: at(r.Used), Revoked: at(r.Revoked),
		Scopes: []idp.Right{}, // none is none, and not all
	}}
	for s := range strings.FieldsSeq(r.Scopes) {
		h.Scopes = append(h.Scopes, idp.Right(s))
	}
	var err error
	h.By, err = r.user.user(now)
	return h, err
}

func (s apiTokens) Add(ctx context.Context, t apitoken.Token, hash string) error {
	var scopes []string
	for _, r := range t.Scopes {
		scopes = append(scopes, string(r))
	}
	return s.d.write(ctx, stmt{
		sql:   `INSERT INTO api_tokens (id, hash, name, owner, scopes, epoch, created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
		args:  []any{t.ID, hash, t.Name, string(t.Owner), strings.Join(scopes, " "), t.Epoch, ms(t.Created), ms(t.Expires)},
		taken: idp.ErrTaken,
	})
}

func (s apiTokens) find(ctx context.Context, where, arg string) (apitoken.Held, error) {
	r, err := one[tokenRow](ctx, s.d.engine, idp.ErrNotFound, tokenColumns+where, arg)
	if err != nil {
		return apitoken.Held{}, err
	}
	return r.held(s.d.now())
}

func (s apiTokens) ByHash(ctx context.Context, hash string) (apitoken.Held, error) {
	return s.find(ctx, ` WHERE t.hash = ?`, hash)
}

func (s apiTokens) ByID(ctx context.Context, id string) (apitoken.Held, error) {
	return s.find(ctx, ` WHERE t.id = ?`, id)
}

func (s apiTokens) All(ctx context.Context, owner idp.UserID) ([]apitoken.Held, error) {
	query, args := tokenColumns, []any(nil)
	if owner != "" {
		query, args = query+` WHERE t.owner = ?`, []any{string(owner)}
	}
	all, err := rows[tokenRow](ctx, s.d.engine, query+` ORDER BY t.created DESC, t.id`, args...)
	if err != nil {
		return nil, err
	}
	out := make([]apitoken.Held, len(all))
	for i, r := range all {
		if out[i], err = r.held(s.d.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s apiTokens) Revoke(ctx context.Context, id string, when time.Time) error {
	return s.d.write(ctx, stmt{sql: `UPDATE api_tokens SET revoked = ? WHERE id = ? AND revoked = 0`, args: []any{ms(when), id}, none: idp.ErrSpent})
}

// Used does not wait for the disk: a use that is lost with the power is no harm.
func (s apiTokens) Used(ctx context.Context, id string, when time.Time) error {
	return s.d.write(ctx, stmt{sql: `UPDATE api_tokens SET used = ? WHERE id = ? AND used < ?`, args: []any{ms(when), id, ms(when)}, lazy: true})
}
