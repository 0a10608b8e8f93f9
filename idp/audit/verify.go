package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"latchkey/idp"
)

// Report is what a verification found.
type Report struct {
	At          time.Time `json:"time"`
	From        int64     `json:"from"` // the row before the first that was looked at; 0: the beginning
	Seq         int64     `json:"to"`   // the last row that is well
	Rows        int64     `json:"rows"`
	Old         int64     `json:"rows_without_seal"` // from before the chain
	Checkpoints int64     `json:"checkpoints"`
	Signed      int64     `json:"signed_to"` // the last row that a checkpoint vouches for
	Waiting     int64     `json:"rows_without_place"`
	Whole       bool      `json:"whole"` // nothing was left out at the beginning, and time was enough
	Broken      *Break    `json:"broken,omitempty"`
	Took        string    `json:"took"`
}

// Well reports whether nothing wrong was found.
func (r Report) Well() bool { return r.Broken == nil }

// Extent says how much is to be verified.
type Extent struct {
	From     int64                   // a checkpoint's row; 0: from the beginning, or the last cut
	Newest   int64                   // about so many of the newest rows; 0: all
	Pause    time.Duration           // after each 1,000 rows, to leave the database to others
	Progress func(done, total int64) // optional
}

const window = 1000

// Verify walks along the chain in flat memory and remembers what it found. A
// broken chain is no error: see [Report.Broken]. When ctx ends early, it reports
// what it got to. It fails with idp.ErrNotFound when there is no such checkpoint.
func (s *Service) Verify(ctx context.Context, by idp.Actor, x Extent) (Report, error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return Report{}, err
	}
	r, err := s.verify(ctx, x)
	if err != nil {
		return r, err
	}
	ctx = context.WithoutCancel(ctx)
	result, detail := "ok", map[string]string{"from": strconv.FormatInt(r.From, 10), "to": strconv.FormatInt(r.Seq, 10)}
	if r.Broken != nil {
		result, detail["row"], detail["id"] = string(r.Broken.Kind), strconv.FormatInt(r.Broken.Seq, 10), r.Broken.ID
	}
	return r, errors.Join(s.remember(ctx, r), s.note(ctx, by, "audit.verify", result, detail))
}

// remember keeps a report. What is broken stays so until somebody has looked at
// that very row again.
func (s *Service) remember(ctx context.Context, r Report) error {
	last, err := s.verified(ctx)
	if err != nil {
		return err
	}
	if last != nil && !last.Well() && r.Well() && (last.Broken.Seq <= r.From || last.Broken.Seq > r.Seq && !r.Whole) {
		return nil
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.Work.SetState(ctx, taskVerify, string(text))
}

// A check of everything by the server itself: when, for how long at most, and how
// much it rests.
const (
	dailyEvery = 24 * time.Hour
	dailyMost  = 50 * time.Minute
	dailyPause = 20 * time.Millisecond
)

// Daily verifies everything if nobody has for a day, and if no other instance
// does. Without that the report is nil.
func (s *Service) Daily(ctx context.Context, holder string) (*Report, error) {
	last, err := s.verified(ctx)
	if err != nil || last != nil && last.Whole && s.Now().Sub(last.At) < dailyEvery {
		return nil, err
	}
	if err := s.Work.Claim(ctx, taskVerify, holder, s.Now().Add(dailyMost)); errors.Is(err, idp.ErrTaken) {
		return nil, nil //nolint:nilnil // somebody else does it
	} else if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, dailyMost)
	defer cancel()
	r, err := s.Verify(ctx, idp.Actor{Host: true, Origin: idp.Origin{Agent: "daily check"}}, Extent{Pause: dailyPause})
	return &r, err
}

func (s *Service) verify(ctx context.Context, x Extent) (Report, error) {
	began := s.Now()
	for {
		w, err := s.walk(ctx, x)
		if err != nil {
			return Report{}, err
		}
		b, err := w.run(ctx)
		if err != nil {
			return Report{}, err
		}
		if b != nil && b.Kind == Missing { // unless it was cut off meanwhile
			cut, err := s.Chain.LastCut(ctx)
			if err != nil {
				return Report{}, err
			}
			if cut.Seq > w.start.Seq {
				continue
			}
		}
		w.report.Broken, w.report.At, w.report.Took = b, began.UTC(), s.Now().Sub(began).Round(time.Millisecond).String()
		return w.report, nil
	}
}

// walk is one way along the chain.
type walk struct {
	s      *Service
	x      Extent
	start  Checkpoint
	head   Head
	report Report
	checker
}

// walk finds out where to begin.
func (s *Service) walk(ctx context.Context, x Extent) (*walk, error) {
	head, err := s.Chain.Head(ctx)
	if err != nil {
		return nil, err
	}
	w := &walk{s: s, x: x, head: head, checker: checker{public: s.Key(), seals: sealing{key: s.Keys.MAC, began: head.Began}}}
	if w.start, err = s.Chain.LastCut(ctx); err != nil {
		return nil, err
	}
	w.report.Whole = true
	wish := x.From
	if x.Newest > 0 {
		wish = max(wish, head.Seq-x.Newest)
	}
	if wish > w.start.Seq {
		c, err := s.Chain.LastCheckpoint(ctx, wish, time.Time{})
		switch {
		case errors.Is(err, idp.ErrNotFound) && x.From == 0:
		case err != nil || x.From > 0 && c.Seq != x.From:
			return nil, errors.Join(err, fmt.Errorf("%w: checkpoint %d", idp.ErrNotFound, x.From))
		case c.Seq > w.start.Seq:
			w.start, w.report.Whole = c, false
		}
	}
	w.seq, w.hash = w.start.Seq, w.start.Hash
	w.signed = -1
	if w.start.Seq == 0 {
		w.hash, w.signed = Genesis(), 0
	}
	w.report.From = w.start.Seq
	return w, nil
}

func (w *walk) run(ctx context.Context) (*Break, error) {
	if w.start.Seq > 0 {
		if b := w.mark(w.start); b != nil {
			return b, nil
		}
	}
	b, err := w.rowsAndMarks(ctx)
	if err == nil && b == nil && ctx.Err() == nil {
		b, err = w.end(ctx)
	}
	if ctx.Err() != nil {
		err, w.report.Whole = nil, false
	}
	w.report.Seq, w.report.Rows, w.report.Old, w.report.Checkpoints, w.report.Signed = w.seq, w.rows, w.old, w.marks, max(w.signed, 0)
	return b, err
}

// rowsAndMarks goes up to where the head was at the start.
func (w *walk) rowsAndMarks(ctx context.Context) (*Break, error) {
	for {
		last := w.seq
		rows, err := w.s.Chain.Entries(ctx, last, window)
		if err != nil {
			return nil, err
		}
		marks, err := w.s.Chain.Checkpoints(ctx, last, window)
		if err != nil {
			return nil, err
		}
		if b := w.along(rows, marks); b != nil {
			return b, nil
		}
		if w.x.Progress != nil {
			w.x.Progress(w.seq-w.start.Seq, max(w.head.Seq, w.seq)-w.start.Seq)
		}
		if len(rows) < window {
			return w.name(nil), nil
		}
		if w.broken != nil { // the row behind it is not read yet
			more, err := w.s.Chain.Entries(ctx, w.broken.row.Seq, 1)
			if err != nil || len(more) == 0 {
				return w.name(nil), err
			}
			return w.name(&more[0]), nil
		}
		if w.x.Pause > 0 {
			select {
			case <-ctx.Done():
			case <-time.After(w.x.Pause):
			}
		}
		if ctx.Err() != nil || w.seq >= w.head.Seq {
			return nil, nil
		}
	}
}

// along looks at rows and at the checkpoints among them.
func (w *walk) along(rows []Entry, marks []Checkpoint) *Break {
	for _, e := range rows {
		if b := w.row(e); b != nil {
			return b
		}
		for len(marks) > 0 && marks[0].Seq <= w.seq {
			if b := w.mark(marks[0]); b != nil {
				return b
			}
			marks = marks[1:]
		}
	}
	return nil
}

// end looks at what should be there still, and at the rows without a place.
func (w *walk) end(ctx context.Context) (*Break, error) {
	marks, err := w.s.Chain.Checkpoints(ctx, w.seq, 1)
	if err != nil {
		return nil, err
	}
	if w.signed < w.head.Mark && len(marks) == 0 {
		return Break{Kind: Unsigned, Seq: w.head.Mark}.say("mark_last", w.head.Mark), nil
	}
	late, err := w.s.Chain.Entries(ctx, w.seq, 1) // came while we walked, with their checkpoint
	if err != nil {
		return nil, err
	}
	switch {
	case len(marks) > 0 && len(late) == 0:
		return Break{Kind: Short, Seq: w.seq + 1}.say("end_mark", w.seq, stamp(marks[0].At), marks[0].Seq), nil
	case w.seq < w.head.Seq:
		return Break{Kind: Short, Seq: w.seq + 1}.say("end_rows", w.seq, w.head.Seq), nil
	}
	rows, err := w.s.Chain.Unchained(ctx, window)
	for _, e := range rows {
		if !w.seals.genuine(e) {
			return breakAt(Forged, e, "seal_waiting"), nil
		}
		w.report.Waiting++
	}
	return nil, err
}
