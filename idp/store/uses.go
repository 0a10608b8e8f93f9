package store

import (
	"context"
	"time"

	"latchkey/idp/oidc"
)

// clientUses keeps when clients were used last.
type clientUses struct{ d *DB }

// Used passes over clients that are gone.
func (s clientUses) Used(ctx context.Context, uses []oidc.LastUse) error {
	var out []stmt
	for _, u := range uses {
		out = append(out, stmt{
			sql: `INSERT INTO client_uses (client, proof, serial, used) SELECT c.id, CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT) FROM clients c WHERE c.id = ?
				ON CONFLICT (client, proof, serial) DO UPDATE SET used = excluded.used WHERE client_uses.used < excluded.used`,
			args: []any{string(u.Proof), u.Serial, ms(u.At), string(u.Client)}, lazy: true,
		})
	}
	return s.d.write(ctx, out...)
}

type clientUseRow struct {
	Client, Proof string
	Serial, Used  int64
}

func (s clientUses) Uses(ctx context.Context, c oidc.ClientID) ([]oidc.LastUse, error) {
	all, err := rows[clientUseRow](ctx, s.d.engine, `SELECT client, proof, serial, used FROM client_uses WHERE client = ? OR CAST(? AS TEXT) = '' ORDER BY client, used DESC`, string(c), string(c))
	if err != nil {
		return nil, err
	}
	out := make([]oidc.LastUse, len(all))
	for i, r := range all {
		out[i] = oidc.LastUse{Client: oidc.ClientID(r.Client), Proof: oidc.Proof(r.Proof), Serial: int(r.Serial), At: at(r.Used)}
	}
	return out, nil
}

// Known asks the log by its index on clients, and stops at the first line of each.
func (s clientUses) Known(ctx context.Context, c oidc.ClientID) ([]oidc.ClientID, error) {
	all, err := rows[struct{ ID string }](ctx, s.d.engine, `SELECT c.id FROM clients c WHERE (c.id = ? OR CAST(? AS TEXT) = '')
		AND (c.id IN (SELECT client FROM consents) OR c.id IN (SELECT client FROM grants WHERE user_id <> '') OR EXISTS (SELECT 1 FROM events e
			WHERE e.client = c.id AND e.client <> '' AND e.user_id <> '' AND e.result = 'ok' AND e.what IN ('signin', 'authorize', 'token.issue')))`, string(c), string(c))
	if err != nil {
		return nil, err
	}
	out := make([]oidc.ClientID, len(all))
	for i, r := range all {
		out[i] = oidc.ClientID(r.ID)
	}
	return out, nil
}

func (s clientUses) People(ctx context.Context, c oidc.ClientID, since time.Time) (int, error) {
	type row struct{ N int }
	r, err := one[row](ctx, s.d.engine, nil, `SELECT COUNT(DISTINCT user_id) AS n FROM events
		WHERE client = ? AND client <> '' AND at >= ? AND user_id <> '' AND result = 'ok' AND what IN ('signin', 'authorize', 'token.issue')`, string(c), ms(since))
	return r.N, err
}
