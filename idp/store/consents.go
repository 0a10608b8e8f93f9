package store

import (
	"context"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// consents remembers what people allowed.
type consents struct{ d *DB }

func (s consents) Of(ctx context.Context, u idp.UserID, c oidc.ClientID) ([]string, error) {
	type row struct{ Scopes string }
	all, err := rows[row](ctx, s.d.engine, `SELECT scopes FROM consents WHERE user_id = ? AND client = ?`, string(u), string(c))
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return strings.Fields(all[0].Scopes), nil
}

// Give replaces what was allowed before.
func (s consents) Give(ctx context.Context, u idp.UserID, c oidc.ClientID, scopes []string, when time.Time) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO consents (user_id, client, scopes, at) VALUES (?, ?, ?, ?)
			ON CONFLICT (user_id, client) DO UPDATE SET scopes = excluded.scopes, at = excluded.at`,
		args: []any{string(u), string(c), strings.Join(scopes, " "), ms(when)},
	})
}

func (s consents) Withdraw(ctx context.Context, u idp.UserID, c oidc.ClientID) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM consents WHERE user_id = ? AND client = ?`, args: []any{string(u), string(c)}})
}

func (s consents) Forget(ctx context.Context, c oidc.ClientID) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM consents WHERE client = ?`, args: []any{string(c)}})
}

func (s consents) All(ctx context.Context, u idp.UserID) ([]oidc.Consent, error) {
	type row struct {
		Client, Scopes string
		At             int64
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT client, scopes, at FROM consents WHERE user_id = ? ORDER BY client`, string(u))
	if err != nil {
		return nil, err
	}
	out := make([]oidc.Consent, len(all))
	for i, r := range all {
		out[i] = oidc.Consent{Client: oidc.ClientID(r.Client), Scopes: strings.Fields(r.Scopes), At: at(r.At)}
	}
	return out, nil
}

// uses reads from the log when a person last got into each application.
type uses struct{ d *DB }

func (s uses) Of(ctx context.Context, u idp.UserID) (map[oidc.ClientID]time.Time, error) {
	type row struct {
		Client string
		At     int64
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT client, MAX(at) AS at FROM events
		WHERE user_id = ? AND client <> '' AND result = 'ok' AND what IN ('signin', 'authorize', 'token.issue') GROUP BY client`, string(u))
	if err != nil {
		return nil, err
	}
	out := map[oidc.ClientID]time.Time{}
	for _, r := range all {
		out[oidc.ClientID(r.Client)] = at(r.At)
	}
	return out, nil
}
