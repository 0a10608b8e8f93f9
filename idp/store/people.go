package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/idp"
	"latchkey/idp/people"
	"latchkey/migrations"
)

// finder reads people for administrators.
type finder struct{ d *DB }

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
		User: u, SignedIn: at(r.SignedIn), Invited: at(r.Invited), Registered: u.Registered, Place: people.Cursor{Name: r.SortName, At: r.SignedIn, ID: u.ID},
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

// says reports whether a condition is about a table.
func (c *condition) says(table string) bool {
	return slices.ContainsFunc(c.sql, func(s string) bool { return strings.Contains(s, table) })
}

// beyond is greater than every word that begins with a word: the words are
// ordered by their bytes.
func beyond(word string) string { return word + "\U0010FFFF" }

// isID reports whether a text is a person's id, as package account makes them.
func isID(text string) bool {
	return len(text) == 26 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// selection is people who are meant, as SQL.
type selection struct {
	condition
	words string // a table of candidates c, sorted; empty: all users u are
	given []any  // its arguments
	none  bool   // nobody can be meant
}

// who and key name the person, and what they are sorted by.
func (s selection) who() string {
	if s.words != "" {
		return `c.user_id`
	}
	return `u.id`
}

func (s selection) key() string {
	if s.words != "" {
		return `c.sort_name, c.user_id`
	}
	return `u.sort_name, u.id`
}

// from joins what the conditions and the order need.
func (s selection) from(signins bool) string {
	out := ` FROM users u`
	if s.words != "" {
		out = ` FROM (` + s.words + `) c`
		if s.says(`u.`) {
			out += ` JOIN users u ON u.id = c.user_id`
		}
	}
	if signins || s.says(`g.at`) {
		out += ` JOIN signins g ON g.user_id = ` + s.who()
	}
	return out
}

// all are the arguments, in the order of the SQL.
func (s selection) all(more ...any) []any { return slices.Concat(s.given, s.args, more) }

// meant turns a filter into SQL about users u and their sign-ins g.
func (s finder) meant(ctx context.Context, f people.Filter, late bool) (c selection, err error) {
	if err := s.named(ctx, f.Text, late, &c); err != nil || c.none {
		return c, err
	}
	if f.Group != "" {
		c.and(c.who()+` IN (SELECT m.user_id FROM memberships m WHERE m.group_name = ?)`, f.Group)
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
		{f.Never, `g.at = 0`}, {f.Invited, `u.invited > 0 AND u.password = ''`}, {f.Registered, `u.registered > 0`},
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
		err = s.lockedOut(ctx, &c)
	}
	return c, err
}

// How many people a word may stand for and still be gathered before anything
// else is looked at. Beyond, a walk through everybody in order finds a page of
// them soon enough. By name it may not: people whose names begin alike stand
// together, perhaps at the very end. By sign-in they are strewn about.
// Several words are cut with each other, which takes no sorting.
const (
	common     = 60000
	commonLate = 2000
	commonMany = 150000
)

// named narrows down by words. Rare ones are gathered and cut with each other,
// sorted, without a look at the people themselves; common ones are asked about
// each of who is left.
func (s finder) named(ctx context.Context, text string, late bool, c *selection) error {
	text = strings.TrimSpace(text)
	if isID(text) {
		c.and(`u.id = ?`, text)
		return nil
	}
	all := idp.Words(text)
	if len(all) == 0 {
		c.none = text != "" // signs alone
		return nil
	}
	most := common
	if late {
		most = commonLate
	} else if len(all) > 1 {
		most = commonMany
	}
	counts, err := s.wordCounts(ctx, all, most)
	if err != nil {
		return err
	}
	rare := 0
	var frequent []string
	for i, w := range all {
		if counts[i] > most {
			frequent = append(frequent, w)
			continue
		}
		if c.words != "" {
			c.words += ` INTERSECT `
		}
		rare++
		c.words += `SELECT w.sort_name, w.user_id FROM user_words w WHERE w.word >= ? AND w.word < ?`
		c.given = append(c.given, w, beyond(w))
	}
	if rare == 1 { // a person may have two words that begin so
		c.words = strings.Replace(c.words, `SELECT `, `SELECT DISTINCT `, 1)
	}
	if rare > 0 {
		c.words += ` ORDER BY sort_name, user_id LIMIT ` + strconv.Itoa(commonMany+1) // all of them: sorted first, looked at as far as the page goes
	}
	for _, w := range frequent {
		c.and(`EXISTS (SELECT 1 FROM user_words w WHERE w.user_id = `+c.who()+` AND w.word >= ? AND w.word < ?)`, w, beyond(w))
	}
	return nil
}

// wordCounts counts what begins with each word, up to what is common.
func (s finder) wordCounts(ctx context.Context, all []string, most int) ([]int, error) {
	query, args := ``, []any{}
	for i, w := range all {
		if i > 0 {
			query += ` UNION ALL `
		}
		query += `SELECT COUNT(*), CAST(? AS BIGINT) AS i FROM (SELECT 1 FROM user_words w WHERE w.word >= ? AND w.word < ? LIMIT ?) x`
		args = append(args, i, w, beyond(w), most+1)
	}
	found, err := rows[wordCountRow](ctx, s.d.engine, query+` ORDER BY i`, s.d.planned(args)...)
	if err != nil {
		return nil, err
	}
	out := make([]int, len(all))
	for _, r := range found {
		out[r.I] = r.N
	}
	return out, nil
}

type wordCountRow struct{ N, I int }

func (r *wordCountRow) columns() []any { return []any{&r.N, &r.I} }

func (s finder) lockedOut(ctx context.Context, c *selection) error {
	locks, err := s.Locks(ctx)
	var ids []string
	for _, l := range locks {
		if l.What != "sending" {
			ids = append(ids, string(l.User))
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 {
		c.none = true
		return err
	}
	c.and(c.who()+` IN (`+marks(len(ids))+`)`, anys(ids)...)
	return err
}

// planned has PostgreSQL plan a query for its very values: how common a word is
// decides between two plans that are a thousand times apart.
func (d *engine) planned(args []any) []any {
	if d.dialect == migrations.Postgres {
		return append([]any{pgx.QueryExecModeExec}, args...)
	}
	return args
}

// Find picks the page by narrow rows first: groups and factors are gathered for
// those alone who are shown.
func (s finder) Find(ctx context.Context, q people.Query) ([]people.Entry, error) {
	late := q.Sort == people.BySignIn
	c, err := s.meant(ctx, q.Filter, late)
	if c.none || err != nil {
		return nil, err
	}
	order, outer := c.key(), `u.sort_name, u.id`
	if late {
		order, outer = `g.at DESC, g.user_id DESC`, `s.at DESC, s.user_id DESC`
	}
	switch {
	case q.After == people.Cursor{}:
	case late:
		c.and(`(g.at, g.user_id) < (?, ?)`, q.After.At, string(q.After.ID))
	default:
		c.and(`(`+c.key()+`) > (?, ?)`, q.After.Name, string(q.After.ID))
	}
	query := `SELECT u.sort_name, s.at, u.invited, ` + person + `
		FROM (SELECT ` + c.who() + ` AS id` + c.from(late) + c.where() + ` ORDER BY ` + order + ` LIMIT ?) p
		JOIN users u ON u.id = p.id LEFT JOIN signins s ON s.user_id = u.id ORDER BY ` + outer
	all, err := rows[entryRow](ctx, s.d.engine, query, s.d.planned(c.all(q.Limit))...)
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
	c, err := s.meant(ctx, f, false)
	if c.none || err != nil {
		return 0, err
	}
	r, err := one[countRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT COUNT(*) FROM (SELECT 1`+c.from(false)+c.where()+` LIMIT ?) x`,
		s.d.planned(c.all(most))...)
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

type letterRow struct {
	Purpose          string
	Created, Expires int64
}

func (r *letterRow) columns() []any { return []any{&r.Purpose, &r.Created, &r.Expires} }

func (s finder) Letters(ctx context.Context, id idp.UserID) ([]people.Letter, error) {
	all, err := rows[letterRow](ctx, s.d.engine, `SELECT l.purpose, l.created, l.expires FROM links l JOIN users u ON u.id = l.user_id AND u.epoch = l.epoch
		WHERE l.user_id = ? AND l.purpose <> ? AND l.expires > ? ORDER BY l.created DESC`, string(id), string(idp.LinkForm), ms(s.d.now()))
	if err != nil {
		return nil, err
	}
	out := make([]people.Letter, len(all))
	for i, r := range all {
		out[i] = people.Letter{Purpose: idp.Purpose(r.Purpose), Made: at(r.Created), Expires: at(r.Expires)}
	}
	return out, nil
}
