package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// lockMemory is the longest time for which a cache may answer "locked" without
// the database being asked.
const lockMemory = 5 * time.Second

// limiter counts tries in the database. A cache only shortens refusals, so
// that a flood against a locked account does not reach the database; what it
// forgets is looked up, and it never says yes (SECURITY.md B-05).
type limiter struct{ d *DB }

// now and locked are SQL about a counter c and the budget that asks for a try,
// v: its ends is what a window would have that starts now.
const (
	counterNow = `(v.ends - v.per)`
	lockedNow  = `((v.cap > 0 AND c.streak >= v.cap) OR (c.ends > ` + counterNow + ` AND c.tries >= v.most))`
)

// takeSQL counts a try of all budgets or of none, by what they were when it
// started; each row is judged once more under its own lock, so that of parallel
// tries never more than Max pass.
func takeSQL(n int) string {
	row := `(CAST(? AS TEXT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS BIGINT))`
	now := strings.NewReplacer("v.", "excluded.", "c.", "counters.")
	return `WITH v (name, ends, most, per, cap) AS (VALUES ` + strings.TrimSuffix(strings.Repeat(row+`, `, n), `, `) + `)
		INSERT INTO counters (name, tries, streak, ends, most, per, cap)
		SELECT name, 1, 1, ends, most, per, cap FROM v
		WHERE NOT EXISTS (SELECT 1 FROM counters c JOIN v ON v.name = c.name WHERE ` + lockedNow + `)
		ON CONFLICT (name) DO UPDATE SET
			tries = CASE WHEN counters.ends <= ` + now.Replace(counterNow) + ` THEN 1 ELSE counters.tries + 1 END,
			streak = counters.streak + 1,
			ends = CASE WHEN counters.ends <= ` + now.Replace(counterNow) + ` OR counters.tries + 1 >= excluded.most
				THEN excluded.ends ELSE counters.ends END,
			most = excluded.most, per = excluded.per, cap = excluded.cap
		WHERE NOT ` + now.Replace(lockedNow) + `
		RETURNING name`
}

// nameRow is the key of a budget that was counted.
type nameRow string

func (r *nameRow) columns() []any { return []any{(*string)(r)} }

type counterRow struct {
	Name                string
	Tries, Streak, Ends int64
}

// Take may not run inside an Atomic: a sign-in that fails must not take its
// count back.
func (l limiter) Take(ctx context.Context, bs ...mfa.Budget) error {
	if l.d.unit(ctx) != nil {
		return errAlone
	}
	bs, err := ordered(bs)
	if err != nil || len(bs) == 0 {
		return err
	}
	now := l.d.now()
	if err := l.remembered(ctx, now, bs); err != nil {
		return err
	}
	var args []any
	for _, b := range bs {
		args = append(args, b.Key, ms(now.Add(b.Per)), b.Max, b.Per.Milliseconds(), b.Streak)
	}
	counted, err := returning[nameRow](ctx, l.d.engine, takeSQL(len(bs)), args...)
	if err != nil || len(counted) == len(bs) {
		return err
	}
	// Some were locked while others had been counted already: only when the
	// lock came up between the statement's start and its row.
	for _, c := range counted {
		if err := l.d.write(ctx, giveBack(string(c))); err != nil {
			return err
		}
		bs = slices.DeleteFunc(bs, func(b mfa.Budget) bool { return b.Key == string(c) })
	}
	return l.refuse(ctx, now, bs)
}

// ordered sorts budgets by key, so that two calls cannot wait for each other,
// and drops doubles, of which one statement can count only one.
func ordered(bs []mfa.Budget) ([]mfa.Budget, error) {
	bs = slices.Clone(bs)
	slices.SortStableFunc(bs, func(a, b mfa.Budget) int { return strings.Compare(a.Key, b.Key) })
	bs = slices.CompactFunc(bs, func(a, b mfa.Budget) bool { return a.Key == b.Key })
	for _, b := range bs {
		if b.Key == "" || b.Max < 1 || b.Per < time.Millisecond {
			return nil, fmt.Errorf("%w: budget %q: it needs a key, at least one try and a time", idp.ErrInvalid, b.Key)
		}
	}
	return bs, nil
}

// refuse tells which of the budgets is used up for longest, and remembers it.
func (l limiter) refuse(ctx context.Context, now time.Time, bs []mfa.Budget) error {
	keys := make([]string, len(bs))
	for i, b := range bs {
		keys[i] = b.Key
	}
	all, err := rows[counterRow](ctx, l.d.engine, `SELECT name, tries, streak, ends FROM counters WHERE name IN (`+marks(len(keys))+`)`, anys(keys)...)
	if err != nil {
		return err
	}
	// Unless the read finds more: the lock is just ending.
	worst := &mfa.LockedError{Key: keys[0], Until: now.Add(time.Second)}
	known := false
	for _, b := range bs {
		i := slices.IndexFunc(all, func(r counterRow) bool { return r.Name == b.Key })
		if i < 0 {
			continue
		}
		e := &mfa.LockedError{Key: b.Key, Until: at(all[i].Ends)}
		switch r := all[i]; {
		case b.Streak > 0 && r.Streak >= int64(b.Streak):
			e.Until = time.Time{}
		case r.Tries < int64(b.Max) || !e.Until.After(now):
			continue
		}
		l.remember(ctx, now, e)
		if !known || e.Until.IsZero() || !worst.Until.IsZero() && e.Until.After(worst.Until) {
			worst, known = e, true
		}
	}
	return worst
}

func lockKey(budget string) string { return "lock:" + budget }

func (l limiter) remember(ctx context.Context, now time.Time, e *mfa.LockedError) {
	ttl := lockMemory
	if !e.Until.IsZero() {
		ttl = min(ttl, e.Until.Sub(now))
	}
	l.d.cache.Set(ctx, lockKey(e.Key), strconv.FormatInt(ms(e.Until), 10), ttl)
}

// remembered refuses what the cache knows to be locked.
func (l limiter) remembered(ctx context.Context, now time.Time, bs []mfa.Budget) error {
	for _, b := range bs {
		v, ok := l.d.cache.Get(ctx, lockKey(b.Key))
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if until := at(n); err == nil && (until.IsZero() || until.After(now)) {
			return &mfa.LockedError{Key: b.Key, Until: until}
		}
	}
	return nil
}

// giveBack returns one try.
func giveBack(key string) stmt {
	return stmt{
		sql: `UPDATE counters SET tries = tries - 1, streak = CASE WHEN streak > 0 THEN streak - 1 ELSE 0 END
			WHERE name = ? AND tries > 0`,
		args: []any{key},
	}
}

func (l limiter) Forgive(ctx context.Context, bs ...mfa.Budget) error {
	bs, err := ordered(bs)
	if err != nil || len(bs) == 0 {
		return err
	}
	var stmts []stmt
	var locks []string
	for _, b := range bs {
		s := stmt{sql: `DELETE FROM counters WHERE name = ?`, args: []any{b.Key}}
		if b.Shared {
			s = giveBack(b.Key)
		}
		stmts, locks = append(stmts, s), append(locks, lockKey(b.Key))
	}
	err = l.d.write(ctx, stmts...)
	l.d.settled(ctx, err, func(err error) {
		if err == nil {
			l.d.cache.Delete(ctx, locks...)
		}
	})
	return err
}

// Locks lifts what the limiter counted.
type Locks struct{ d *DB }

// Lift forgets the tries of every budget whose key is one of these, or begins
// with one of these and a colon. Caches may go on refusing for five seconds.
func (s Locks) Lift(ctx context.Context, keys ...string) error {
	var stmts []stmt
	var locks []string
	for _, k := range keys {
		stmts = append(stmts, stmt{ // no LIKE: keys may hold its wildcards
			sql:  `DELETE FROM counters WHERE name = ? OR substr(name, 1, ?) = ?`,
			args: []any{k, len(k) + 1, k + ":"},
		})
		locks = append(locks, lockKey(k))
	}
	err := s.d.write(ctx, stmts...)
	s.d.settled(ctx, err, func(err error) {
		if err == nil {
			s.d.cache.Delete(ctx, locks...)
		}
	})
	return err
}
