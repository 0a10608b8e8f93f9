package store

import (
	"context"
	"encoding/json"
	"slices"

	"latchkey/idp"
	"latchkey/mfa"
)

type eventLog struct{ d *DB }

// Log takes events.
func (d *DB) Log() idp.Log { return eventLog{d} }

// page is how many events are read at once.
const page = 500

type eventRow struct {
	ID                                                                      string
	At                                                                      int64
	What, UserID, Actor, Client, Session, Method, IP, Agent, Result, Detail string
}

func (r eventRow) event() (idp.Event, error) {
	e := idp.Event{
		ID: r.ID, At: at(r.At), What: r.What, User: idp.UserID(r.UserID), Actor: idp.UserID(r.Actor),
		Client: idp.ClientID(r.Client), Session: idp.SessionID(r.Session), Method: mfa.Kind(r.Method),
		Origin: idp.Origin{Address: r.IP, Agent: r.Agent}, Result: r.Result,
	}
	return e, json.Unmarshal([]byte(r.Detail), &e.Detail)
}

func (s eventLog) Append(ctx context.Context, e idp.Event) error {
	detail, err := json.Marshal(e.Detail)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO events (id, at, what, user_id, actor, client, session, method, ip, agent, result, detail)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		args: []any{e.ID, ms(e.At), e.What, string(e.User), string(e.Actor), string(e.Client), string(e.Session),
			string(e.Method), e.Origin.Address, e.Origin.Agent, e.Result, string(detail)},
		taken: idp.ErrTaken,
	})
}

// Events reads page by page, so that f may take its time and use the database
// itself.
func (s eventLog) Events(ctx context.Context, q idp.EventQuery, f func(idp.Event) error) error {
	query, args := `SELECT id, at, what, user_id, actor, client, session, method, ip, agent, result, detail
		FROM events WHERE at >= ?`, []any{ms(q.Since)}
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
			e, err := r.event()
			if err != nil {
				return err
			}
			if err := f(e); err != nil {
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
