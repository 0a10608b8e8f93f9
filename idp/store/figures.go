package store

import (
	"context"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/idp/figures"
	"latchkey/mfa"
)

// figureStore counts what happened and how well people are protected.
type figureStore struct{ d *DB }

// errCounted means that another instance was faster.
var errCounted = errors.New("store: counted already")

// CountEvents goes by the places in the chain, which are given in order and
// without gaps: what has one is counted once, because the mark moves with the
// sums in one transaction.
func (s figureStore) CountEvents(ctx context.Context, limit int) (int, error) {
	type row struct{ Done, Last int64 }
	at, err := one[row](ctx, s.d.engine, idp.ErrNotFound, `SELECT f.value AS done,
		(SELECT COALESCE(MAX(seq), 0) FROM events) AS last FROM figures_at f WHERE f.name = 'events'`)
	if err != nil {
		return 0, err
	}
	to := min(at.Done+int64(limit), at.Last)
	if to <= at.Done {
		return 0, nil
	}
	err = s.d.send(ctx, []stmt{{
		sql: `UPDATE figures_at SET value = ? WHERE name = 'events' AND value = ?`, args: []any{to, at.Done}, none: errCounted,
	}, {
		sql: `INSERT INTO figures_events (day, what, method, result, n)
			SELECT at / 86400000, what, method, result, COUNT(*) FROM events WHERE seq > ? AND seq <= ? GROUP BY 1, 2, 3, 4
			ON CONFLICT (day, what, method, result) DO UPDATE SET n = figures_events.n + excluded.n`,
		args: []any{at.Done, to},
	}})
	if errors.Is(err, errCounted) {
		return 0, nil
	}
	return int(to - at.Done), err
}

// scopes are the groups of people that are measured, one query each: a million
// people take a second or two.
var scopes = []struct{ scope, from string }{
	{`'all'`, `users u`},
	{`'kind:' || u.kind`, `users u`},
	{`'role:' || u.role`, `(SELECT * FROM users WHERE role <> '') u`},
	{`'group:' || m.group_name`, `memberships m JOIN users u ON u.id = m.user_id`},
}

// CountPeople claims the hour before it measures: the figures of one that dies
// over it are an hour late.
func (s figureStore) CountPeople(ctx context.Context, day figures.Day, stale, unlessSince time.Time) (bool, error) {
	ctx, now := counts(ctx), ms(s.d.now())
	err := s.d.send(ctx, []stmt{{
		sql: `UPDATE figures_at SET value = ? WHERE name = 'coverage' AND value <= ?`, args: []any{now, ms(unlessSince)}, none: errCounted,
	}})
	if errors.Is(err, errCounted) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	var measured []coverageRow
	for _, o := range scopes {
		some, err := rows[coverageRow](ctx, s.d.engine, `SELECT CAST(? AS BIGINT) AS day, `+o.scope+` AS scope, COUNT(*) AS people,
			SUM(CASE WHEN c.ready > 0 THEN 1 ELSE 0 END) AS ready, SUM(CASE WHEN c.resistant > 0 THEN 1 ELSE 0 END) AS resistant,
			SUM(CASE WHEN COALESCE(i.at, 0) = 0 THEN 1 ELSE 0 END) AS never, SUM(CASE WHEN COALESCE(i.at, 0) > 0 AND i.at < ? THEN 1 ELSE 0 END) AS stale
			FROM `+o.from+` LEFT JOIN signins i ON i.user_id = u.id
			LEFT JOIN (SELECT subject, MAX(CASE WHEN kind IN ('totp', 'sms', 'passkey') THEN 1 ELSE 0 END) AS ready, MAX(CASE WHEN kind = 'passkey' THEN 1 ELSE 0 END) AS resistant
				FROM credentials WHERE expires = 0 OR expires > ? GROUP BY subject) c ON c.subject = u.id
			WHERE NOT u.disabled GROUP BY 2`, int64(day), ms(stale), now)
		if err != nil {
			return false, err
		}
		measured = append(measured, some...)
	}
	writes := []stmt{{sql: `DELETE FROM figures_coverage WHERE day = ?`, args: []any{int64(day)}}} // a group that is gone leaves today, too
	for _, r := range measured {
		writes = append(writes, stmt{
			sql:  `INSERT INTO figures_coverage (day, scope, people, ready, resistant, never, stale) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			args: []any{r.Day, r.Scope, r.People, r.Ready, r.Resistant, r.Never, r.Stale},
		})
	}
	return true, s.d.send(ctx, writes)
}

func (s figureStore) Counts(ctx context.Context, from, to figures.Day, what []string) ([]figures.Count, error) {
	type row struct {
		Day                  int64
		What, Method, Result string
		N                    int64
	}
	query, args := `SELECT day, what, method, result, n FROM figures_events WHERE day >= ? AND day <= ?`, []any{int64(from), int64(to)}
	if len(what) > 0 {
		query, args = query+` AND what IN (`+marks(len(what))+`)`, append(args, anys(what)...)
	}
	all, err := rows[row](ctx, s.d.engine, query+` ORDER BY day, what, method, result`, args...)
	out := make([]figures.Count, len(all))
	for i, r := range all {
		out[i] = figures.Count{Day: figures.Day(r.Day), What: r.What, Method: mfa.Kind(r.Method), Result: r.Result, N: r.N}
	}
	return out, err
}

type coverageRow struct {
	Day                                    int64
	Scope                                  string
	People, Ready, Resistant, Never, Stale int64
}

func coverages(all []coverageRow) []figures.Coverage {
	out := make([]figures.Coverage, len(all))
	for i, r := range all {
		out[i] = figures.Coverage{
			Day: figures.Day(r.Day), Scope: figures.Scope(r.Scope), People: r.People, Ready: r.Ready, Resistant: r.Resistant, Never: r.Never, Stale: r.Stale,
		}
	}
	return out
}

const coverageColumns = `SELECT day, scope, people, ready, resistant, never, stale FROM figures_coverage`

func (s figureStore) Covered(ctx context.Context, day figures.Day) ([]figures.Coverage, error) {
	all, err := rows[coverageRow](ctx, s.d.engine, coverageColumns+` WHERE day = (SELECT MAX(day) FROM figures_coverage WHERE day <= ?) ORDER BY scope`, int64(day))
	return coverages(all), err
}

func (s figureStore) Trend(ctx context.Context, scope figures.Scope, from, to figures.Day) ([]figures.Coverage, error) {
	all, err := rows[coverageRow](ctx, s.d.engine, coverageColumns+` WHERE scope = ? AND day >= ? AND day <= ? ORDER BY day`, string(scope), int64(from), int64(to))
	return coverages(all), err
}

func (s figureStore) Deliveries(ctx context.Context, since time.Time) ([]figures.Delivery, error) {
	type row struct {
		Channel, State string
		N              int64
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT channel, CASE WHEN sent > 0 THEN 'sent' WHEN due > 0 THEN 'waiting' ELSE 'failed' END AS state, COUNT(*) AS n
		FROM outbox WHERE created >= ? AND NOT (`+unwanted+`) GROUP BY 1, 2 ORDER BY 1, 2`, ms(since))
	out := make([]figures.Delivery, len(all))
	for i, r := range all {
		out[i] = figures.Delivery(r)
	}
	return out, err
}
