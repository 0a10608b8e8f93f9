package store

import (
	"context"
	"strconv"
	"strings"

	"latchkey/idp"
	"latchkey/idp/job"
	"latchkey/idp/people"
)

// batches keeps what administrators do to many people.
type batches struct{ d *DB }

type batchRow struct {
	ID, Kind, Owner, Job      string
	Version, Created, Expires int64
	Body                      []byte
}

func (r *batchRow) columns() []any {
	return []any{&r.ID, &r.Kind, &r.Owner, &r.Job, &r.Version, &r.Body, &r.Created, &r.Expires}
}

// Whose a batch is, is part of the seals.
func batchPlace(id string, owner idp.UserID) []byte {
	return place("batches", "body", id, string(owner))
}

// room deletes the oldest of somebody's batches that nothing is done with, so that
// with another one at most so many are left. Those that ended have no file.
func (s batches) room(b people.Batch, most int) stmt {
	const idle = `owner = ? AND kind = ? AND (job = '' OR EXISTS (SELECT 1 FROM batch_files f WHERE f.batch = batches.id)
		AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.id = batches.job AND j.state = ?))`
	args := []any{string(b.Owner), b.Kind, string(job.Running)}
	return stmt{
		sql:  `DELETE FROM batches WHERE ` + idle + ` AND id NOT IN (SELECT id FROM batches WHERE ` + idle + ` ORDER BY created DESC, id LIMIT ?)`,
		args: append(append(args, args...), most-1),
	}
}

func (s batches) Add(ctx context.Context, b people.Batch, most int, file []byte, items []people.Item) error {
	body, err := s.d.ring.Seal(b.Body, batchPlace(b.ID, b.Owner))
	if err != nil {
		return err
	}
	stmts := []stmt{s.room(b, most), {
		sql:  `INSERT INTO batches (id, kind, owner, job, version, body, created, expires) VALUES (?, ?, ?, ?, 1, ?, ?, ?)`,
		args: []any{b.ID, b.Kind, string(b.Owner), b.Job, body, ms(b.Created), ms(b.Expires)}, taken: idp.ErrTaken,
	}}
	if len(file) > 0 {
		data, err := s.d.ring.Seal(file, place("batch_files", "data", b.ID))
		if err != nil {
			return err
		}
		stmts = append(stmts, stmt{sql: `INSERT INTO batch_files (batch, data) VALUES (?, ?)`, args: []any{b.ID, data}})
	}
	more, err := s.notes(b.ID, items)
	if err != nil {
		return err
	}
	return s.d.write(ctx, append(stmts, more...)...)
}

func (s batches) ByID(ctx context.Context, id string) (people.Batch, error) {
	r, err := one[batchRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT id, kind, owner, job, version, body, created, expires
		FROM batches WHERE id = ? AND expires > ?`, id, ms(s.d.now()))
	if err != nil {
		return people.Batch{}, err
	}
	b := people.Batch{
		ID: r.ID, Kind: r.Kind, Owner: idp.UserID(r.Owner), Job: r.Job, Version: r.Version, Created: at(r.Created), Expires: at(r.Expires),
	}
	b.Body, err = s.d.ring.Open(r.Body, batchPlace(b.ID, b.Owner))
	return b, err
}

func (s batches) Save(ctx context.Context, b people.Batch) error {
	body, err := s.d.ring.Seal(b.Body, batchPlace(b.ID, b.Owner))
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE batches SET job = ?, body = ?, expires = ?, version = version + 1 WHERE id = ? AND owner = ? AND version = ?`,
		args: []any{b.Job, body, ms(b.Expires), b.ID, string(b.Owner), b.Version}, none: idp.ErrSpent,
	})
}

func (s batches) File(ctx context.Context, id string) ([]byte, error) {
	type row struct{ Data []byte }
	r, err := one[row](ctx, s.d.engine, idp.ErrExpired, `SELECT data FROM batch_files WHERE batch = ?`, id)
	if err != nil {
		return nil, err
	}
	return s.d.ring.Open(r.Data, place("batch_files", "data", id))
}

func (s batches) DropFile(ctx context.Context, id string) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM batch_files WHERE batch = ?`, args: []any{id}})
}

func itemPlace(batch string, n int) []byte {
	return place("batch_rows", "body", batch, strconv.Itoa(n))
}

// notes writes many rows a statement: ten thousand people are selected at once.
func (s batches) notes(id string, items []people.Item) (out []stmt, err error) {
	for len(items) > 0 {
		part := items[:min(len(items), portion)]
		items = items[len(part):]
		w := stmt{
			sql: `INSERT INTO batch_rows (batch, place, result, body) VALUES ` + strings.TrimSuffix(strings.Repeat(`(?, ?, ?, ?), `, len(part)), `, `) +
				` ON CONFLICT (batch, place) DO UPDATE SET result = excluded.result, body = excluded.body`,
		}
		for _, i := range part {
			body, err := s.d.ring.Seal(i.Body, itemPlace(id, i.Place))
			if err != nil {
				return nil, err
			}
			w.args = append(w.args, id, i.Place, i.Result, body)
		}
		out = append(out, w)
	}
	return out, nil
}

func (s batches) Note(ctx context.Context, id string, items []people.Item) error {
	stmts, err := s.notes(id, items)
	if err != nil || len(stmts) == 0 {
		return err
	}
	return s.d.write(ctx, stmts...)
}

func (s batches) Clear(ctx context.Context, id string) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM batch_rows WHERE batch = ?`, args: []any{id}})
}

type itemRow struct {
	Place  int
	Result string
	Body   []byte
}

func (r *itemRow) columns() []any { return []any{&r.Place, &r.Result, &r.Body} }

func (s batches) Items(ctx context.Context, id string, q people.ItemQuery) ([]people.Item, error) {
	c := condition{}
	c.and(`batch = ?`, id)
	c.and(`place >= ?`, q.From)
	switch {
	case q.Exact:
		c.and(`result = ?`, q.Result)
	case q.Refused:
		c.and(`result <> '' AND result <> 'ok' AND substr(result, 1, 4) <> 'skip'`)
	case q.Result != "":
		c.and(`substr(result, 1, ?) = ?`, len(q.Result), q.Result)
	}
	all, err := rows[itemRow](ctx, s.d.engine, `SELECT place, result, body FROM batch_rows`+c.where()+` ORDER BY place LIMIT ?`, append(c.args, q.Limit)...)
	if err != nil {
		return nil, err
	}
	out := make([]people.Item, len(all))
	for i, r := range all {
		out[i] = people.Item{Place: r.Place, Result: r.Result}
		if out[i].Body, err = s.d.ring.Open(r.Body, itemPlace(id, r.Place)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type tallyRow struct {
	Result string
	N      int
}

func (r *tallyRow) columns() []any { return []any{&r.Result, &r.N} }

func (s batches) Tally(ctx context.Context, id string) (map[string]int, error) {
	all, err := rows[tallyRow](ctx, s.d.engine, `SELECT result, COUNT(*) FROM batch_rows WHERE batch = ? GROUP BY result`, id)
	out := map[string]int{}
	for _, r := range all {
		out[r.Result] = r.N
	}
	return out, err
}
