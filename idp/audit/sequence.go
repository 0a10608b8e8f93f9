package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
)

// A checkpoint is made after so many rows, or after so long when there are new
// ones.
const (
	markRows  = 1000
	markAfter = time.Minute
)

// Sequencer gives rows their places in the chain. Every instance has one; one of
// them works at a time, and if two did all the same, the head moves for one only.
type Sequencer struct {
	Chain  Chain
	Work   Work
	Keys   Keys
	Holder string // this instance
	Now    func() time.Time
	// Forged is told of rows that this house has not sealed. They get a place, too:
	// leaving them out would hide them.
	Forged func(Entry)
}

// Step chains up to 1,000 rows and reports whether more are waiting. Doing
// nothing costs one reading.
func (s *Sequencer) Step(ctx context.Context) (more bool, err error) {
	head, err := s.Chain.Head(ctx)
	if err != nil || !head.More && !s.due(head) {
		return false, err
	}
	if err := s.Work.Claim(ctx, taskSequence, s.Holder, s.Now().Add(lease)); errors.Is(err, idp.ErrTaken) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return s.step(ctx, head, false)
}

// Finish chains what is there and signs it: a stopped server leaves no row
// behind that nothing vouches for. It goes on for as long as ctx lets it, and
// then fails with idp.ErrBusy.
func (s *Sequencer) Finish(ctx context.Context) error {
	for {
		head, err := s.Chain.Head(ctx)
		if err != nil || !head.More && head.Seq == head.Mark {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: older rows still get their places in the chain", idp.ErrBusy)
		}
		if _, err := s.step(ctx, head, true); err != nil {
			return err
		}
	}
}

// due reports whether the time of a checkpoint has come.
func (s *Sequencer) due(h Head) bool {
	return h.Seq > h.Mark && (h.Seq-h.Mark >= markRows || s.Now().Sub(h.Marked) >= markAfter)
}

func (s *Sequencer) step(ctx context.Context, from Head, last bool) (more bool, err error) {
	rows, err := s.Chain.Unchained(ctx, markRows)
	if err != nil {
		return false, err
	}
	to := from
	if to.Began.IsZero() {
		to.Began = s.Now().Truncate(time.Millisecond)
	}
	guard := sealing{key: s.Keys.MAC, began: to.Began, past: s.Now().After(to.Began.Add(grace))}
	for i := range rows {
		to.Seq++
		rows[i].Seq, rows[i].Hash = to.Seq, Link(to.Hash, to.Seq, rows[i].Event)
		to.Hash = rows[i].Hash
		if !guard.genuine(rows[i]) && s.Forged != nil {
			s.Forged(rows[i])
		}
	}
	more = len(rows) == markRows
	mark := s.mark(&to, last && !more)
	if len(rows) == 0 && mark == nil {
		return false, nil
	}
	if err := s.Chain.Append(ctx, from, to, rows, mark); errors.Is(err, idp.ErrSpent) {
		return false, nil // somebody else was faster
	} else if err != nil {
		return false, err
	}
	return more, nil
}

// mark makes the checkpoint that is due, if one is.
func (s *Sequencer) mark(to *Head, now bool) *Checkpoint {
	if !s.due(*to) && (!now || to.Seq == to.Mark) {
		return nil
	}
	c := Checkpoint{
		Seq: to.Seq, Hash: to.Hash, At: s.Now().Truncate(time.Millisecond), Count: to.Seq - to.Mark, Began: to.Began,
	}.Signed(s.Keys.Sign)
	to.Mark, to.Marked = c.Seq, c.At
	return &c
}
