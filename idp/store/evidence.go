package store

import (
	"context"
	"time"

	"latchkey/idp"
	"latchkey/idp/evidence"
)

// evidenceStore reads what reports say of people.
type evidenceStore struct{ d *DB }

func (s evidenceStore) Staff(ctx context.Context) ([]evidence.Admin, error) {
	type row struct {
		ID, Name, Login, Role string
		Disabled              bool
		Held                  string
		SignedIn              int64
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT u.id, u.name, u.login, u.role, u.disabled, COALESCE(i.at, 0) AS signed_in,
		COALESCE((SELECT string_agg(c.kind || ':' || c.expires, '`+unitSeparator+`') FROM credentials c WHERE c.subject = u.id), '') AS held
		FROM users u LEFT JOIN signins i ON i.user_id = u.id WHERE u.role <> ''
		ORDER BY CASE u.role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 WHEN 'auditor' THEN 2 ELSE 3 END, u.login, u.id`)
	out := make([]evidence.Admin, len(all))
	for i, r := range all {
		out[i] = evidence.Admin{
			ID: idp.UserID(r.ID), Name: r.Name, Login: r.Login, Role: idp.Role(r.Role), Disabled: r.Disabled, Factors: holds(r.Held, s.d.now()), SignedIn: at(r.SignedIn),
		}
		for _, k := range out[i].Factors {
			out[i].Resistant = out[i].Resistant || k == idp.Passkey
		}
	}
	return out, err
}

const idleFrom = ` FROM users u LEFT JOIN signins i ON i.user_id = u.id WHERE NOT u.disabled AND u.created < ? AND COALESCE(i.at, 0) < ?`

func (s evidenceStore) Idle(ctx context.Context, since time.Time, limit int) ([]evidence.Account, int64, error) {
	type count struct{ N int64 }
	ctx = counts(ctx)
	n, err := one[count](ctx, s.d.engine, idp.ErrNotFound, `SELECT COUNT(*) AS n`+idleFrom, ms(since), ms(since))
	if err != nil {
		return nil, 0, err
	}
	type row struct {
		ID, Name, Login, Kind string
		Created, SignedIn     int64
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT u.id, u.name, u.login, u.kind, u.created, COALESCE(i.at, 0) AS signed_in`+idleFrom+`
		ORDER BY signed_in, u.created, u.id LIMIT ?`, ms(since), ms(since), limit)
	out := make([]evidence.Account, len(all))
	for i, r := range all {
		out[i] = evidence.Account{ID: idp.UserID(r.ID), Name: r.Name, Login: r.Login, Kind: idp.Kind(r.Kind), Created: at(r.Created), SignedIn: at(r.SignedIn)}
	}
	return out, n.N, err
}

func (s evidenceStore) Disabled(ctx context.Context) (int64, error) {
	type count struct{ N int64 }
	n, err := one[count](counts(ctx), s.d.engine, idp.ErrNotFound, `SELECT COUNT(*) AS n FROM users WHERE disabled`)
	return n.N, err
}

func (s evidenceStore) Devices(ctx context.Context, stale time.Time) (evidence.Devices, error) {
	type row struct{ Trusted, Stale int64 }
	n, err := one[row](counts(ctx), s.d.engine, idp.ErrNotFound, `SELECT COUNT(*) AS trusted, COALESCE(SUM(CASE WHEN d.used < ? THEN 1 ELSE 0 END), 0) AS stale
		FROM devices d JOIN users u ON u.id = d.subject AND u.epoch = d.epoch AND NOT u.disabled WHERE d.expires > ?`, ms(stale), ms(s.d.now()))
	return evidence.Devices(n), err
}
