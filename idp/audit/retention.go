package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"latchkey/idp"
)

// Retention removes what is too old. The chain begins at a signed cut from then
// on, so that verifying goes on to find whatever else is missing.
type Retention struct {
	Chain  Chain
	Work   Work
	Log    idp.Log
	Atomic idp.Atomic
	Keys   Keys
	Holder string
	Keep   time.Duration // 0: for ever
	Now    func() time.Time
}

// dropRows is how many rows one statement removes.
const dropRows = 500

// Run cuts off the rows up to the last checkpoint whose rows are all too old, if
// there are any, and removes what lies before the cut.
func (r *Retention) Run(ctx context.Context) error {
	if r.Keep <= 0 {
		return nil
	}
	if err := r.Work.Claim(ctx, taskCut, r.Holder, r.Now().Add(lease)); errors.Is(err, idp.ErrTaken) {
		return nil
	} else if err != nil {
		return err
	}
	if err := r.cut(ctx); err != nil {
		return err
	}
	for {
		more, err := r.Chain.Drop(ctx, dropRows)
		if err != nil || !more {
			return err
		}
		if err := r.Work.Claim(ctx, taskCut, r.Holder, r.Now().Add(lease)); err != nil {
			return err
		}
	}
}

// cut looks for the checkpoint. One that was made so long ago has older rows
// only; of rows from before the chain, which got their places later, their own
// time counts.
func (r *Retention) cut(ctx context.Context) error {
	limit := r.Now().Add(-r.Keep)
	last, err := r.Chain.LastCut(ctx)
	if err != nil {
		return err
	}
	c, err := r.old(ctx, last, limit)
	if err != nil || c.Seq <= last.Seq {
		return err
	}
	c.At, c.Cut = r.Now().Truncate(time.Millisecond), true
	c = c.Signed(r.Keys.Sign)
	return r.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(r.Chain.Cut(ctx, c, "retention"), r.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: r.Now(), What: "audit.cut", Result: "ok",
			Detail: map[string]string{"row": strconv.FormatInt(c.Seq, 10), "before": stamp(limit), "kept_days": strconv.Itoa(int(r.Keep.Hours() / 24))},
		}))
	})
}

func (r *Retention) old(ctx context.Context, last Checkpoint, limit time.Time) (Checkpoint, error) {
	head, err := r.Chain.Head(ctx)
	if err != nil {
		return last, err
	}
	c, err := r.Chain.LastCheckpoint(ctx, head.Seq, limit)
	if err == nil {
		return c, nil
	}
	if !errors.Is(err, idp.ErrNotFound) {
		return last, err
	}
	return r.inherited(ctx, last, limit)
}

// inherited walks along the checkpoints of rows from before the chain.
func (r *Retention) inherited(ctx context.Context, last Checkpoint, limit time.Time) (Checkpoint, error) {
	found := last
	for {
		marks, err := r.Chain.Checkpoints(ctx, found.Seq, 1)
		if err != nil || len(marks) == 0 {
			return found, err
		}
		rows, err := r.Chain.Entries(ctx, marks[0].Seq-1, 1)
		if err != nil || len(rows) == 0 || len(rows[0].MAC) > 0 || !rows[0].At.Before(limit) {
			return found, err
		}
		found = marks[0]
	}
}
