package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp"
	"latchkey/idp/people"
	"latchkey/mfa"
	"latchkey/migrations"
)

type finder struct{ d *DB }

// People reads people for administrators.
func (d *DB) People() people.Finder { return finder{d} }

type entryRow struct {
	SortName          string
	SignedIn, Invited int64
	user              userRow
}

func (r *entryRow) columns() []any {
	return append([]any{&r.SortName, opt[int64]{&r.SignedIn}, &r.Invited}, r.user.columns()...)
}

func (r entryRow) entry(now time.Time) (people.Entry, error) {
	u, err := r.user.user(now)
	return people.Entry{
		User: u, SignedIn: at(r.SignedIn), Invited: at(r.Invited), Place: people.Cursor{Name: r.SortName, At: r.SignedIn, ID: u.ID},
	}, err
}

// condition gathers what must be true, with its arguments.
type condition struct {
	sql  []string
	args []any
}

func (c *condition) and(sql string, args ...any) {
	c.sql, c.args = append(c.sql, sql), append(c.args, args...)
}

func (c *condition) where() string {
	if len(c.sql) == 0 {
		return ``
	}
	return ` WHERE ` + strings.Join(c.sql, ` AND `)
}

// beyond is greater than every word that begins with a word: the words are
// ordered by their bytes.
func beyond(word string) string { return word + "\U0010FFFF" }

// isID reports whether a text is a person's id, as package account makes them.
func isID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// meant turns a filter into a condition on users u, signins g. none reports
// that nobody can be meant.
func (s finder) meant(ctx context.Context, f people.Filter) (c condition, none bool, err error) {
	switch text := strings.TrimSpace(f.Text); {
	case text == "":
	case isID(text):
		c.and(`u.id = ?`, text)
	default:
		all := idp.Words(text)
		for _, w := range all {
			c.and(`u.id IN (SELECT w.user_id FROM user_words w WHERE w.word >= ? AND w.word < ?)`, w, beyond(w))
		}
		if len(all) == 0 { // signs alone
			return c, true, nil
		}
	}
	if f.Group != "" {
		c.and(`u.id IN (SELECT m.user_id FROM memberships m WHERE m.group_name = ?)`, f.Group)
	}
	if f.Kind != "" {
		c.and(`u.kind = ?`, string(f.Kind))
	}
	switch f.Role {
	case "":
	case people.AnyRole:
		c.and(`u.role <> ''`)
	default:
		c.and(`u.role = ? AND u.role <> ''`, f.Role)
	}
	for _, is := range []struct {
		on  bool
		sql string
	}{
		{f.NoFactor, `NOT u.protected`}, {f.Active, `NOT u.disabled`}, {f.Disabled, `u.disabled`},
		{f.Never, `g.at = 0`}, {f.Invited, `u.invited > 0 AND u.password = ''`},
	} {
		if is.on {
			c.and(is.sql)
		}
	}
	if f.Stale > 0 {
		cut := ms(s.d.now().AddDate(0, 0, -f.Stale))
		c.and(`g.at < ? AND u.created < ?`, cut, cut)
	}
	if f.Locked {
		none, err = s.lockedOut(ctx, &c)
	}
	return c, none, err
}

func (s finder) lockedOut(ctx context.Context, c *condition) (none bool, err error) {
	locks, err := s.Locks(ctx)
	var ids []string
	for _, l := range locks {
		if l.What != "sending" && !slices.Contains(ids, string(l.User)) {
			ids = append(ids, string(l.User))
		}
	}
	if len(ids) == 0 {
		return true, err
	}
	c.and(`u.id IN (`+marks(len(ids))+`)`, anys(ids)...)
	return false, err
}

// planned has PostgreSQL plan a query for its very values: how common a word is
// decides between two plans that are a thousand times apart.
func (d *engine) planned(args []any) []any {
	if d.dialect == migrations.Postgres {
		return append([]any{pgx.QueryExecModeExec}, args...)
	}
	return args
}

// from joins what a condition and an order need.
func from(c condition, signins bool) string {
	if signins || slices.ContainsFunc(c.sql, func(s string) bool { return strings.Contains(s, `g.at`) }) {
		return ` FROM users u JOIN signins g ON g.user_id = u.id`
	}
	return ` FROM users u`
}

// Find picks the page by narrow rows first: groups and factors are gathered for
// those alone who are shown.
func (s finder) Find(ctx context.Context, q people.Query) ([]people.Entry, error) {
	c, none, err := s.meant(ctx, q.Filter)
	if none || err != nil {
		return nil, err
	}
	late := q.Sort == people.BySignIn
	order, outer := ` ORDER BY u.sort_name, u.id`, ` ORDER BY u.sort_name, u.id`
	if late {
		order, outer = ` ORDER BY g.at DESC, g.user_id DESC`, ` ORDER BY s.at DESC, s.user_id DESC`
	}
	switch {
	case q.After == people.Cursor{}:
	case late:
		c.and(`(g.at, g.user_id) < (?, ?)`, q.After.At, string(q.After.ID))
	default:
		c.and(`(u.sort_name, u.id) > (?, ?)`, q.After.Name, string(q.After.ID))
	}
	query := `SELECT u.sort_name, s.at, u.invited, ` + person + `
		FROM (SELECT u.id` + from(c, late) + c.where() + order + ` LIMIT ?) p
		JOIN users u ON u.id = p.id LEFT JOIN signins s ON s.user_id = u.id` + outer
	all, err := rows[entryRow](ctx, s.d.engine, query, s.d.planned(append(c.args, q.Limit))...)
	if err != nil {
		return nil, err
	}
	out := make([]people.Entry, len(all))
	for i, r := range all {
		if out[i], err = r.entry(s.d.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type countRow struct{ N int }

func (r *countRow) columns() []any { return []any{&r.N} }

func (s finder) Count(ctx context.Context, f people.Filter, most int) (int, error) {
	c, none, err := s.meant(ctx, f)
	if none || err != nil {
		return 0, err
	}
	r, err := one[countRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT COUNT(*) FROM (SELECT 1`+from(c, false)+c.where()+` LIMIT ?) x`,
		s.d.planned(append(c.args, most))...)
	return r.N, err
}

func (s finder) Entry(ctx context.Context, id idp.UserID) (people.Entry, error) {
	r, err := one[entryRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT u.sort_name, s.at, u.invited, `+person+`
		FROM users u LEFT JOIN signins s ON s.user_id = u.id WHERE u.id = ?`, string(id))
	if err != nil {
		return people.Entry{}, err
	}
	return r.entry(s.d.now())
}

type lockRow struct {
	Name         string
	Tries, Most  int64
	Streak, Ends int64
	Cap          int64
}

func (r *lockRow) columns() []any {
	return []any{&r.Name, &r.Tries, &r.Most, &r.Streak, &r.Ends, &r.Cap}
}

// mostLocks bounds what an attack on very many accounts makes us read.
const mostLocks = 10000

// locking are the budgets whose end shuts somebody out, by how their keys begin.
var locking = []struct{ prefix, what string }{{"pw:", "password"}, {"mfa:", "factor"}, {"send:", "sending"}}

// Locks reads the counters that are at their end. The keys are parted here:
// no index of either database knows what is in them.
func (s finder) Locks(ctx context.Context, ids ...idp.UserID) ([]people.Lock, error) {
	c := condition{args: []any{ms(s.d.now())}}
	c.sql = []string{`(cap > 0 AND streak >= cap OR tries >= most AND ends > ?)`}
	var begins []string
	for _, l := range locking {
		if len(ids) == 0 {
			begins = append(begins, `name LIKE '`+l.prefix+`%'`)
		}
		for _, id := range ids {
			key := l.prefix + string(id)
			begins, c.args = append(begins, `name = ? OR substr(name, 1, ?) = ?`), append(c.args, key, len(key)+1, key+":")
		}
	}
	c.and(`(` + strings.Join(begins, ` OR `) + `)`)
	all, err := rows[lockRow](ctx, s.d.engine, `SELECT name, tries, most, streak, ends, cap FROM counters`+c.where()+` LIMIT ?`, append(c.args, mostLocks)...)
	if err != nil {
		return nil, err
	}
	var out []people.Lock
	for _, r := range all {
		if l, ok := r.lock(); ok {
			out = append(out, l)
		}
	}
	return out, nil
}

func (r lockRow) lock() (people.Lock, bool) {
	for _, l := range locking {
		rest, is := strings.CutPrefix(r.Name, l.prefix)
		if !is || strings.HasPrefix(rest, "?") { // "?": names that nobody has
			continue
		}
		id, more, _ := strings.Cut(rest, ":")
		out := people.Lock{User: idp.UserID(id), What: l.what, Until: at(r.Ends)}
		switch l.what {
		case "factor":
			out.Method = mfa.Kind(more)
		case "password":
			out.Browser = more != ""
		case "sending":
			if more == "pause" || strings.HasSuffix(more, ":pause") {
				return out, false // half a minute between two codes is no lock
			}
		}
		if r.Cap > 0 && r.Streak >= r.Cap {
			out.Until = time.Time{}
		}
		return out, true
	}
	return people.Lock{}, false
}

type letterRow struct {
	Purpose          string
	Created, Expires int64
}

func (r *letterRow) columns() []any { return []any{&r.Purpose, &r.Created, &r.Expires} }

func (s finder) Letters(ctx context.Context, id idp.UserID) ([]people.Letter, error) {
	all, err := rows[letterRow](ctx, s.d.engine, `SELECT l.purpose, l.created, l.expires FROM links l JOIN users u ON u.id = l.user_id AND u.epoch = l.epoch
		WHERE l.user_id = ? AND l.expires > ? ORDER BY l.created DESC`, string(id), ms(s.d.now()))
	if err != nil {
		return nil, err
	}
	out := make([]people.Letter, len(all))
	for i, r := range all {
		out[i] = people.Letter{Purpose: idp.Purpose(r.Purpose), Made: at(r.Created), Expires: at(r.Expires)}
	}
	return out, nil
}
