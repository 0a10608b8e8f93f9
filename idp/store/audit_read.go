package store

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/audit"
)

// span is how many rows one statement looks at, at most, for a query whose other
// conditions no index serves. It bounds the time of a page whatever is asked.
const span = 5_000

// auditReader finds events.
type auditReader struct{ d *DB }

// term is a condition: any of its alternatives will do. One of them leads: its
// indexes give the rows in the order of time.
type term []alternative

type alternative struct{ sql, value string }

func anyOf(sql string, values []string) term {
	out := make(term, len(values))
	for i, v := range values {
		out[i] = alternative{sql, v}
	}
	return out
}

// busy are the beginnings of events that make up most of any log: an index on
// them finds too much to lead.
var busy = []string{"signin", "token.", "odoo.validate"}

// terms turns a query into conditions, the most telling one first. An event's
// name may be a beginning, and a result anything but ok: both become the values
// that there are, each a range in its index.
func (s auditReader) terms(ctx context.Context, q audit.Query) ([]term, error) {
	var out []term
	is := func(value string, sql ...string) {
		if value == "" {
			return
		}
		var t term
		for _, c := range sql {
			t = append(t, alternative{c, value})
		}
		out = append(out, t)
	}
	is(q.Request, `request = ? AND request <> ''`)
	is(string(q.User), `user_id = ?`)
	is(string(q.Actor), `actor = ? AND actor <> '' AND actor <> user_id`, `user_id = ? AND actor = user_id`)
	is(q.Address, `ip = ? AND ip <> ''`)
	rare := !slices.ContainsFunc(busy, func(b string) bool { return strings.HasPrefix(q.What, b) || strings.HasPrefix(b, q.What) })
	what, err := s.what(ctx, q.What)
	if err != nil {
		return nil, err
	}
	if q.What != "" && rare {
		out = append(out, what)
	}
	const failed = `result = ? AND result <> 'ok'`
	switch q.Result {
	case "", "ok":
	case audit.Failed:
		all, err := s.kinds(ctx, `result`, ` AND result <> 'ok'`)
		if err != nil {
			return nil, err
		}
		out = append(out, anyOf(failed, all))
	default:
		is(q.Result, failed)
	}
	is(string(q.Client), `client = ? AND client <> ''`)
	if q.What != "" && !rare {
		out = append(out, what)
	}
	if q.Result == "ok" {
		is(q.Result, `result = ?`)
	}
	return out, nil
}

// what is the condition on an event's name.
func (s auditReader) what(ctx context.Context, prefix string) (term, error) {
	if prefix == "" {
		return nil, nil
	}
	all, err := s.kinds(ctx, `what`, ``)
	return anyOf(`what = ?`, slices.DeleteFunc(all, func(w string) bool { return !strings.HasPrefix(w, prefix) })), err
}

// kinds lists the values of a column, of which there are few, by jumping along
// its index.
func (s auditReader) kinds(ctx context.Context, column, only string) ([]string, error) {
	all, err := rows[struct{ V string }](ctx, s.d.engine, `WITH RECURSIVE k(v) AS (
			SELECT min(`+column+`) FROM events WHERE TRUE`+only+`
			UNION ALL
			SELECT (SELECT min(`+column+`) FROM events WHERE `+column+` > k.v`+only+`) FROM k WHERE k.v IS NOT NULL)
		SELECT v FROM k WHERE v IS NOT NULL`)
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.V
	}
	return out, err
}

// way is the direction of time.
type way struct{ beyond, order string }

var (
	back    = way{`(at, id) < (?, ?)`, ` ORDER BY at DESC, id DESC`}
	forward = way{`(at, id) > (?, ?)`, ` ORDER BY at, id`}
)

// first orders and limits. The number is in the text, so that PostgreSQL sees
// that an index in this order is worth it.
func (w way) first(n int) string { return w.order + ` LIMIT ` + strconv.Itoa(n) }

// look reads up to limit rows from a cursor on. When it is not all that there
// may be, next says where to go on.
func (s auditReader) look(ctx context.Context, q audit.Query, w way, from idp.Cursor, limit int) (out []audit.Entry, next idp.Cursor, err error) {
	terms, err := s.terms(ctx, q)
	if err != nil || slices.ContainsFunc(terms, func(t term) bool { return len(t) == 0 }) {
		return nil, next, err
	}
	lead := term{{sql: `TRUE`}}
	if len(terms) > 0 {
		lead, terms = terms[0], terms[1:]
	}
	most := limit
	if len(terms) > 0 {
		most = max(span/len(lead), limit)
	}
	query, args := candidates(eventColumns, q, w, lead, from, most)
	filter := ` WHERE TRUE`
	all := slices.Clone(args)
	for _, t := range terms {
		sql, more := t.filter()
		filter, all = filter+` AND `+sql, append(all, more...)
	}
	out, err = entries(rows[eventRow](ctx, s.d.engine, `SELECT `+eventColumns+` FROM (`+query+`) candidates`+filter+w.first(limit), all...))
	switch {
	case err != nil:
		return nil, next, err
	case len(out) == limit:
		last := out[limit-1]
		return out, idp.Cursor{At: last.At, ID: last.ID}, nil
	case len(terms) == 0:
		return out, next, nil
	}
	// Not full: go on behind the last one that was looked at, if there were so many.
	// Its index alone knows.
	query, args = candidates(`at, id`, q, w, lead, from, most)
	last, err := rows[placeRow](ctx, s.d.engine, `SELECT at, id FROM (`+query+`) candidates`+w.first(1)+` OFFSET `+strconv.Itoa(most-1), args...)
	if err == nil && len(last) == 1 {
		next = idp.Cursor{At: at(last[0].At), ID: last[0].ID}
	}
	return out, next, err
}

type placeRow struct {
	At int64
	ID string
}

// candidates selects what the lead finds, a range of an index for each
// alternative.
func candidates(columns string, q audit.Query, w way, lead term, from idp.Cursor, most int) (string, []any) {
	var parts []string
	var args []any
	for _, a := range lead {
		part := `SELECT ` + columns + ` FROM events WHERE ` + a.sql
		if strings.Contains(a.sql, `?`) {
			args = append(args, a.value)
		}
		if !q.Since.IsZero() {
			part, args = part+` AND at >= ?`, append(args, ms(q.Since))
		}
		if !q.Until.IsZero() {
			part, args = part+` AND at < ?`, append(args, ms(q.Until))
		}
		if from != (idp.Cursor{}) {
			part, args = part+` AND `+w.beyond, append(args, ms(from.At), from.ID)
		}
		parts = append(parts, `SELECT * FROM (`+part+w.first(most)+`) part`)
	}
	if len(parts) == 1 {
		return parts[0], args
	}
	return `SELECT * FROM (` + strings.Join(parts, ` UNION ALL `) + `) parts` + w.first(most), args
}

func (t term) filter() (string, []any) {
	var parts []string
	var args []any
	for _, a := range t {
		parts, args = append(parts, a.sql), append(args, a.value)
	}
	return `(` + strings.Join(parts, ` OR `) + `)`, args
}

func (s auditReader) Find(ctx context.Context, q audit.Query) (audit.Page, error) {
	out, next, err := s.look(ctx, q, back, q.Before, q.Limit+1)
	if err != nil {
		return audit.Page{}, err
	}
	if len(out) > q.Limit {
		out = out[:q.Limit]
		last := out[len(out)-1]
		return audit.Page{Entries: out, Next: idp.Cursor{At: last.At, ID: last.ID}}, nil
	}
	return audit.Page{Entries: out, Next: next, Looked: next.At}, nil
}

func (s auditReader) Extract(ctx context.Context, q audit.Query, after idp.Cursor, limit int) ([]audit.Entry, idp.Cursor, error) {
	return s.look(ctx, q, forward, after, limit)
}

func (s auditReader) Names(ctx context.Context, ids []idp.UserID) (map[idp.UserID]string, error) {
	all, err := rows[struct{ ID, Name, Login string }](ctx, s.d.engine, `SELECT id, name, login FROM users WHERE id IN (`+marks(len(ids))+`)`, anys(ids)...)
	out := make(map[idp.UserID]string, len(all))
	for _, r := range all {
		out[idp.UserID(r.ID)] = cmp.Or(r.Name, r.Login)
	}
	return out, err
}
