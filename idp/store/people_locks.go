package store

import (
	"context"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/people"
	"latchkey/mfa"
)

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
			// Names that nobody has are guessed by the thousand in an attack: they
			// must not fill the answer (SECURITY.md D-07).
			begins, c.args = append(begins, `name LIKE '`+l.prefix+`%' AND name NOT LIKE ?`), append(c.args, l.prefix+"?%")
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
