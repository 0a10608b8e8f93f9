package store

import (
	"context"
	"encoding/json"
	"slices"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/keyring"
)

// eventLog takes events.
type eventLog struct{ d *DB }

// page is how many events are read at once.
const page = 500

// prepareLog makes sure of the key that seals events: looking for it while
// somebody signs in would cost a round trip.
func (d *DB) prepareLog(ctx context.Context) error {
	root, err := d.Secret(ctx, "root")
	if err != nil {
		return err
	}
	d.seal = keyring.Derive(root, "events")
	return nil
}

// Append seals the event as it will lie in the row.
func (s eventLog) Append(ctx context.Context, e idp.Event) error {
	e = storable(e)
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return err
	}
	err = s.d.write(ctx, stmt{
		sql: `INSERT INTO events (id, at, what, user_id, actor, client, session, method, ip, agent, request, result, detail, mac)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		args: []any{e.ID, ms(e.At), e.What, string(e.User), string(e.Actor), string(e.Client), string(e.Session),
			string(e.Method), e.Origin.Address, e.Origin.Agent, e.Origin.Request, e.Result, string(detail), audit.MAC(s.d.seal, e)},
		taken: idp.ErrTaken,
	})
	if s.d.noted != nil {
		s.d.settled(ctx, err, func(err error) {
			if err == nil { // what was undone has not happened
				s.d.noted(e)
			}
		})
	}
	return err
}

// storable is the event without what databases change or refuse in texts: the
// seal must fit what is read back.
func storable(e idp.Event) idp.Event {
	for _, s := range []*string{
		&e.ID, &e.What, (*string)(&e.User), (*string)(&e.Actor), (*string)(&e.Client), (*string)(&e.Session), (*string)(&e.Method),
		&e.Origin.Address, &e.Origin.Agent, &e.Origin.Request, &e.Result,
	} {
		*s = cleaned(*s)
	}
	copied := false
	for name, v := range e.Detail {
		if cleaned(name) == name && cleaned(v) == v {
			continue
		}
		if !copied {
			old := e.Detail
			e.Detail, copied = make(map[string]string, len(old)), true
			for n, v := range old {
				e.Detail[cleaned(n)] = cleaned(v)
			}
		}
	}
	return e
}

// Events reads page by page, so that f may take its time and use the database
// itself.
func (s eventLog) Events(ctx context.Context, q idp.EventQuery, f func(idp.Event) error) error {
	query, args := `SELECT `+eventColumns+` FROM events WHERE at >= ?`, []any{ms(q.Since)}
	if q.User != "" {
		query, args = query+` AND user_id = ?`, append(args, string(q.User))
	}
	if len(q.What) > 0 {
		query, args = query+` AND what IN (`+marks(len(q.What))+`)`, append(args, anys(q.What)...)
	}
	beyond, order := ` AND (at, id) > (?, ?)`, ` ORDER BY at, id LIMIT ?`
	if q.Limit > 0 {
		beyond, order = ` AND (at, id) < (?, ?)`, ` ORDER BY at DESC, id DESC LIMIT ?`
	}
	left := q.Limit
	here, cursor := query, []any(nil)
	if q.Limit > 0 && !q.Before.At.IsZero() {
		here, cursor = query+beyond, []any{ms(q.Before.At), q.Before.ID}
	}
	for {
		n := page
		if q.Limit > 0 {
			n = min(n, left)
		}
		all, err := rows[eventRow](ctx, s.d.engine, here+order, slices.Concat(args, cursor, []any{n})...)
		if err != nil {
			return err
		}
		for _, r := range all {
			if err := f(r.entry().Event); err != nil {
				return err
			}
		}
		left -= len(all)
		if len(all) < n || q.Limit > 0 && left <= 0 {
			return nil
		}
		last := all[len(all)-1]
		here, cursor = query+beyond, []any{last.At, last.ID}
	}
}
