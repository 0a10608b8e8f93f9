package audit

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/idp/trace"
)

// Target is a place that events are sent on to, see package forward.
type Target interface {
	Name() string // such as webhook; it names the cursor
	// Send hands over lines in the order of the chain, all or none as far as it can
	// tell. Each is a [Line] or a [MarkLine].
	Send(ctx context.Context, lines []Record) error
}

// Record is an event or a checkpoint on its way.
type Record struct {
	Event *Line
	Mark  *MarkLine
}

// Delivery is how sending to a target stands.
type Delivery struct {
	Name     string    `json:"-"`
	Seq      int64     `json:"seq"`  // the last row that arrived
	Good     time.Time `json:"good"` // when something arrived last
	Failures int       `json:"failures"`
	Status   int       `json:"status,omitempty"`  // with which the receiver refused the last try; 0: nothing of that kind
	Failure  string    `json:"failure,omitempty"` // of the last try; empty: it worked
	Failed   time.Time `json:"failed,omitzero"`
	Next     time.Time `json:"next,omitzero"` // when it is tried again
	Begun    bool      `json:"begun"`
	Behind   int64     `json:"-"` // rows that wait
}

// How long a target that fails is left alone: from a second to five minutes.
const (
	soonest = time.Second
	latest  = 5 * time.Minute
	portion = 500
)

// Forwarder sends rows on as they get their places, from a cursor that is kept in
// the database. Every row arrives at least once: whoever receives it tells a
// second time by its id. One instance works at a time.
type Forwarder struct {
	Chain  Chain
	Work   Work
	Target Target
	Holder string
	Now    func() time.Time
}

func taskOf(target string) string { return "forward." + target }

// delivery reads how a target stands.
func delivery(ctx context.Context, w Work, target string) (Delivery, error) {
	d := Delivery{Name: target}
	text, err := w.State(ctx, taskOf(target))
	if err == nil && text != "" {
		err = json.Unmarshal([]byte(text), &d)
	}
	return d, err
}

// Step sends one portion and reports whether more is waiting. A target that fails
// is no error here: its Delivery says so.
func (f *Forwarder) Step(ctx context.Context) (more bool, err error) {
	task := taskOf(f.Target.Name())
	head, err := f.Chain.Head(ctx)
	if err != nil {
		return false, err
	}
	d, err := delivery(ctx, f.Work, f.Target.Name())
	if err != nil || d.Begun && (d.Seq >= head.Seq || f.Now().Before(d.Next)) {
		return false, err
	}
	if err := f.Work.Claim(ctx, task, f.Holder, f.Now().Add(4*lease)); errors.Is(err, idp.ErrTaken) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	if d, err = delivery(ctx, f.Work, f.Target.Name()); err != nil { // as the one before left it
		return false, err
	}
	if !d.Begun { // what was before somebody wanted it stays here
		d.Begun, d.Seq = true, head.Seq
		return false, f.save(ctx, d)
	}
	records, last, err := f.portion(ctx, d.Seq)
	if err != nil || len(records) == 0 {
		return false, err
	}
	run, span := trace.Root(ctx, "send events on")
	failure := f.Target.Send(run, records)
	span.End(failure)
	d = f.outcome(d, last, failure)
	return d.Failure == "" && last < head.Seq, f.save(context.WithoutCancel(ctx), d)
}

// portion reads the rows after a place, with the checkpoints among them.
func (f *Forwarder) portion(ctx context.Context, after int64) ([]Record, int64, error) {
	rows, err := f.Chain.Entries(ctx, after, portion)
	if err != nil {
		return nil, after, err
	}
	// A checkpoint comes later than its row, which may be on its way already: those
	// from the last row on go with the next rows.
	marks, err := f.Chain.Checkpoints(ctx, after-1, portion)
	if err != nil {
		return nil, after, err
	}
	var out []Record
	last := after
	for _, e := range rows {
		for len(marks) > 0 && marks[0].Seq < e.Seq {
			m := MarkLineOf(marks[0])
			out, marks = append(out, Record{Mark: &m}), marks[1:]
		}
		l := LineOf(e)
		out, last = append(out, Record{Event: &l}), e.Seq
	}
	return out, last, nil
}

func (f *Forwarder) outcome(d Delivery, last int64, err error) Delivery {
	now := f.Now().UTC()
	if err == nil {
		d.Seq, d.Good, d.Failures, d.Failure, d.Status, d.Next = last, now, 0, "", 0, time.Time{}
		return d
	}
	d.Failures++
	d.Failure, d.Status, d.Failed = short(err.Error()), 0, now
	var refusal interface{ Status() int }
	if errors.As(err, &refusal) {
		d.Status = refusal.Status()
	}
	d.Next = now.Add(min(latest, soonest<<min(d.Failures-1, 16)))
	return d
}

func (f *Forwarder) save(ctx context.Context, d Delivery) error {
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return f.Work.SetState(ctx, taskOf(f.Target.Name()), string(text))
}

func short(s string) string {
	const longest = 300
	if r := []rune(s); len(r) > longest {
		return string(r[:longest])
	}
	return s
}
