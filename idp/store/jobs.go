package store

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
)

// jobs keeps work that goes on behind pages.
type jobs struct{ d *DB }

// jobBody is what a job says of people; it lies sealed.
type jobBody struct {
	job.Progress
	Result      json.RawMessage `json:"result,omitempty"`
	Key, Detail string
	Reason      json.RawMessage `json:"reason,omitempty"`
}

type jobRow struct {
	ID, Kind, About, Owner, State string
	Began, Touched, Ended         int64
	Body                          []byte
}

const jobColumns = `id, kind, about, owner, state, began, touched, ended, body`

func jobPlace(id, about string) []byte { return place("jobs", "body", id, about) }

func (s jobs) seal(j job.Job) ([]byte, error) {
	return s.d.sealJSON(jobBody{j.Progress, j.Result, j.Key, j.Detail, j.Reason}, jobPlace(j.ID, j.About))
}

func (s jobs) open(r jobRow) (job.Job, error) {
	var b jobBody
	err := s.d.openJSON(r.Body, jobPlace(r.ID, r.About), &b)
	return job.Job{
		ID: r.ID, Kind: r.Kind, About: r.About, Owner: idp.UserID(r.Owner), State: job.State(r.State), Began: at(r.Began), Touched: at(r.Touched), Ended: at(r.Ended),
		Progress: b.Progress, Result: b.Result, Key: b.Key, Detail: b.Detail, Reason: b.Reason,
	}, err
}

// Add lets the unique index of running jobs decide: of many one starts.
func (s jobs) Add(ctx context.Context, j job.Job, lost time.Time) error {
	body, err := s.seal(j)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE jobs SET state = ?, ended = touched WHERE kind = ? AND about = ? AND state = ? AND touched < ?`,
		args: []any{string(job.Lost), j.Kind, j.About, string(job.Running), ms(lost)},
	}, stmt{
		sql:  `INSERT INTO jobs (` + jobColumns + `) VALUES (` + marks(9) + `)`,
		args: []any{j.ID, j.Kind, j.About, string(j.Owner), string(j.State), ms(j.Began), ms(j.Touched), ms(j.Ended), body}, taken: idp.ErrBusy,
	})
}

func (s jobs) Save(ctx context.Context, j job.Job) error {
	body, err := s.seal(j)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE jobs SET state = ?, touched = ?, ended = ?, body = ? WHERE id = ? AND state = ?`,
		args: []any{string(j.State), ms(j.Touched), ms(j.Ended), body, j.ID, string(job.Running)}, none: idp.ErrSpent, lazy: true,
	})
}

func (s jobs) ByID(ctx context.Context, id string) (job.Job, error) {
	r, err := one[jobRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+jobColumns+` FROM jobs WHERE id = ?`, id)
	if err != nil {
		return job.Job{}, err
	}
	return s.open(r)
}

func (s jobs) About(ctx context.Context, about string, limit int) ([]job.Job, error) {
	all, err := rows[jobRow](ctx, s.d.engine, `SELECT `+jobColumns+` FROM jobs WHERE about = ? ORDER BY began DESC, id DESC LIMIT ?`, about, limit)
	if err != nil {
		return nil, err
	}
	out := make([]job.Job, len(all))
	for i, r := range all {
		if out[i], err = s.open(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}
