package store

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"math"
	"time"

	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/mfa"
	"latchkey/migrations"
)

// auditChain keeps the chain of events.
type auditChain struct{ d *DB }

// AuditKeys returns what seals events and signs checkpoints; the latter is made at
// first use.
func (d *DB) AuditKeys(ctx context.Context) (audit.Keys, error) {
	seed, err := d.Secret(ctx, "audit")
	if err != nil {
		return audit.Keys{}, err
	}
	return audit.Keys{MAC: d.seal, Sign: ed25519.NewKeyFromSeed(seed)}, nil
}

type eventRow struct {
	ID                                                                               string
	At                                                                               int64
	What, UserID, Actor, Client, Session, Method, IP, Agent, Request, Result, Detail string
	MAC                                                                              []byte
	Seq                                                                              int64
	Hash                                                                             []byte
}

const eventColumns = `id, at, what, user_id, actor, client, session, method, ip, agent, request, result, detail, mac, seq, hash`

func (r *eventRow) columns() []any {
	return []any{
		&r.ID, &r.At, &r.What, &r.UserID, &r.Actor, &r.Client, &r.Session, &r.Method, &r.IP, &r.Agent, &r.Request, &r.Result, &r.Detail,
		&r.MAC, opt[int64]{&r.Seq}, &r.Hash,
	}
}

// entry never fails for what somebody wrote into the row: a verification must get
// past it. What is no Detail any more shows as such, and breaks the seal.
func (r eventRow) entry() audit.Entry {
	e := audit.Entry{Seq: r.Seq, Hash: r.Hash, MAC: r.MAC, Event: idp.Event{
		ID: r.ID, At: at(r.At), What: r.What, User: idp.UserID(r.UserID), Actor: idp.UserID(r.Actor),
		Client: idp.ClientID(r.Client), Session: idp.SessionID(r.Session), Method: mfa.Kind(r.Method),
		Origin: idp.Origin{Address: r.IP, Agent: r.Agent, Request: r.Request}, Result: r.Result,
	}}
	if err := json.Unmarshal([]byte(r.Detail), &e.Detail); err != nil {
		e.Detail = map[string]string{"unreadable": r.Detail}
	}
	return e
}

func entries(all []eventRow, err error) ([]audit.Entry, error) {
	if err != nil {
		return nil, err
	}
	out := make([]audit.Entry, len(all))
	for i, r := range all {
		out[i] = r.entry()
	}
	return out, nil
}

type headRow struct {
	Seq                 int64
	Hash                []byte
	Mark, Marked, Began int64
	More                bool
}

func (s auditChain) Head(ctx context.Context) (audit.Head, error) {
	r, err := one[headRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT seq, hash, mark, marked, began,
		EXISTS (SELECT 1 FROM events WHERE seq IS NULL) AS more FROM audit_chain WHERE id = 1`)
	return audit.Head{Seq: r.Seq, Hash: r.Hash, Mark: r.Mark, Marked: at(r.Marked), Began: at(r.Began), More: r.More}, err
}

func (s auditChain) Unchained(ctx context.Context, limit int) ([]audit.Entry, error) {
	return entries(rows[eventRow](ctx, s.d.engine, `SELECT `+eventColumns+` FROM events WHERE seq IS NULL ORDER BY at, id LIMIT ?`, limit))
}

func (s auditChain) Waiting(ctx context.Context, most int) (int, error) {
	r, err := one[struct{ N int }](ctx, s.d.engine, idp.ErrNotFound,
		`SELECT count(*) AS n FROM (SELECT 1 FROM events WHERE seq IS NULL LIMIT ?) waiting`, most)
	return r.N, err
}

// Append moves the head in a guarded statement: of two that chain the same rows
// one is undone as a whole.
func (s auditChain) Append(ctx context.Context, from, to audit.Head, rows []audit.Entry, mark *audit.Checkpoint) error {
	stmts := []stmt{{
		sql: `UPDATE audit_chain SET seq = ?, hash = ?, mark = ?, marked = ?, began = ?
			WHERE id = 1 AND seq = ? AND mark = ? AND began = ?`,
		args: []any{to.Seq, to.Hash, to.Mark, ms(to.Marked), ms(to.Began), from.Seq, from.Mark, ms(from.Began)},
		none: idp.ErrSpent,
	}}
	stmts = append(stmts, s.places(from.Seq, rows)...)
	if mark != nil {
		stmts = append(stmts, stmt{
			sql:  `INSERT INTO audit_checkpoints (` + markColumns + `) VALUES (` + marks(7) + `)`,
			args: markArgs(*mark), taken: idp.ErrSpent,
		})
	}
	return s.d.write(ctx, stmts...)
}

// places gives rows their places. PostgreSQL does so in one statement, which costs
// a fraction of as many as there are rows; the one behind it counts them.
func (s auditChain) places(after int64, rows []audit.Entry) (out []stmt) {
	if len(rows) == 0 {
		return nil
	}
	if s.d.dialect != migrations.Postgres {
		for _, e := range rows {
			out = append(out, stmt{
				sql:  `UPDATE events SET seq = ?, hash = ? WHERE id = ? AND seq IS NULL`,
				args: []any{e.Seq, e.Hash, e.ID}, none: idp.ErrSpent, taken: idp.ErrSpent,
			})
		}
		return out
	}
	ids, hashes := make([]string, len(rows)), make([][]byte, len(rows))
	for i, e := range rows {
		ids[i], hashes[i] = e.ID, e.Hash
	}
	return []stmt{{
		sql: `UPDATE events SET seq = ? + v.place, hash = v.hash
			FROM unnest(CAST(? AS TEXT[]), CAST(? AS BYTEA[])) WITH ORDINALITY AS v (id, hash, place) WHERE events.id = v.id AND events.seq IS NULL`,
		args: []any{after, ids, hashes}, taken: idp.ErrSpent,
	}, {
		sql:  `UPDATE audit_chain SET seq = seq WHERE id = 1 AND (SELECT count(*) FROM events WHERE seq > ? AND seq <= ?) = ?`,
		args: []any{after, after + int64(len(rows)), len(rows)}, none: idp.ErrSpent,
	}}
}

func (s auditChain) Entries(ctx context.Context, after int64, limit int) ([]audit.Entry, error) {
	return entries(rows[eventRow](ctx, s.d.engine, `SELECT `+eventColumns+` FROM events WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit))
}

func (s auditChain) Entry(ctx context.Context, id string) (audit.Entry, error) {
	r, err := one[eventRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+eventColumns+` FROM events WHERE id = ?`, id)
	if err != nil {
		return audit.Entry{}, err
	}
	return r.entry(), nil
}

type markRow struct {
	Seq              int64
	Hash             []byte
	At, Count, Began int64
	Key              string
	Signature        []byte
}

const markColumns = `seq, hash, at, count, began, key, signature`

func markArgs(c audit.Checkpoint) []any {
	return []any{c.Seq, c.Hash, ms(c.At), c.Count, ms(c.Began), c.Key, c.Signature}
}

func (r markRow) checkpoint(cut bool) audit.Checkpoint {
	return audit.Checkpoint{
		Seq: r.Seq, Hash: r.Hash, At: at(r.At), Count: r.Count, Began: at(r.Began), Cut: cut, Key: r.Key, Signature: r.Signature,
	}
}

func (s auditChain) Checkpoints(ctx context.Context, after int64, limit int) ([]audit.Checkpoint, error) {
	return checkpoints(rows[markRow](ctx, s.d.engine, `SELECT `+markColumns+` FROM audit_checkpoints WHERE seq > ? ORDER BY seq LIMIT ?`, after, limit))
}

func (s auditChain) CheckpointsBefore(ctx context.Context, before int64, limit int) ([]audit.Checkpoint, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return checkpoints(rows[markRow](ctx, s.d.engine, `SELECT `+markColumns+` FROM audit_checkpoints WHERE seq < ? ORDER BY seq DESC LIMIT ?`, before, limit))
}

func checkpoints(all []markRow, err error) ([]audit.Checkpoint, error) {
	out := make([]audit.Checkpoint, len(all))
	for i, r := range all {
		out[i] = r.checkpoint(false)
	}
	return out, err
}

func (s auditChain) LastCheckpoint(ctx context.Context, upTo int64, by time.Time) (audit.Checkpoint, error) {
	query, args := `SELECT `+markColumns+` FROM audit_checkpoints WHERE seq <= ?`, []any{upTo}
	if !by.IsZero() {
		query, args = query+` AND at <= ?`, append(args, ms(by))
	}
	r, err := one[markRow](ctx, s.d.engine, idp.ErrNotFound, query+` ORDER BY seq DESC LIMIT 1`, args...)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	return r.checkpoint(false), nil
}

func (s auditChain) LastCut(ctx context.Context) (audit.Checkpoint, error) {
	all, err := rows[markRow](ctx, s.d.engine, `SELECT `+markColumns+` FROM audit_cuts ORDER BY seq DESC LIMIT 1`)
	if err != nil || len(all) == 0 {
		return audit.Checkpoint{}, err
	}
	return all[0].checkpoint(true), nil
}

func (s auditChain) Cut(ctx context.Context, c audit.Checkpoint, by string) error {
	return s.d.write(ctx, stmt{
		sql:  `INSERT INTO audit_cuts (` + markColumns + `, actor) VALUES (` + marks(8) + `)`,
		args: append(markArgs(c), by), taken: idp.ErrSpent,
	})
}

// Drop removes old checkpoints, of which there are few, with the last rows.
func (s auditChain) Drop(ctx context.Context, limit int) (more bool, err error) {
	gone, err := returning[struct{ N int }](ctx, s.d.engine, `DELETE FROM events WHERE id IN
		(SELECT id FROM events WHERE seq <= (SELECT max(seq) FROM audit_cuts) ORDER BY seq LIMIT ?) RETURNING 1 AS n`, limit)
	if err != nil || len(gone) == limit {
		return err == nil, err
	}
	return false, s.d.write(ctx, stmt{sql: `DELETE FROM audit_checkpoints WHERE seq < (SELECT max(seq) FROM audit_cuts)`})
}

// auditWork is what the background tasks of the log remember.
type auditWork struct{ d *DB }

// Claim is one guarded statement: of many instances one wins.
func (s auditWork) Claim(ctx context.Context, task, holder string, until time.Time) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO audit_work (name, holder, until) VALUES (?, ?, ?)
			ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE audit_work.until <= ? OR audit_work.holder = excluded.holder`,
		args: []any{task, holder, ms(until), ms(s.d.now())}, none: idp.ErrTaken, lazy: true,
	})
}

func (s auditWork) State(ctx context.Context, task string) (string, error) {
	all, err := rows[stateRow](ctx, s.d.engine, `SELECT value FROM audit_work WHERE name = ?`, task)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return all[0].Value, nil
}

func (s auditWork) SetState(ctx context.Context, task, value string) error {
	return s.d.write(ctx, stmt{
		sql:  `INSERT INTO audit_work (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		args: []any{task, value},
	})
}
