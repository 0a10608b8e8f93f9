package audit

import (
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"latchkey/idp"
	"latchkey/idp/sheet"
)

// Format is how an export is written.
type Format string

const (
	// JSONLines is one object a line, an event or a checkpoint. Without filters it
	// is a whole stretch of the chain that [VerifyFile] can check: times are then
	// rounded outwards to what a checkpoint signs.
	JSONLines Format = "jsonl"
	// CSV is RFC 4180 with a header, safe to open in a spreadsheet (SECURITY.md D-11).
	CSV Format = "csv"
)

// Export writes what a query selects, oldest first, page by page, and leaves an
// event. When it fails half-way, what was written is not whole.
func (s *Service) Export(ctx context.Context, by idp.Actor, q Query, w io.Writer, f Format) error {
	var out sink
	switch f {
	case JSONLines:
		out = newJSON(w)
	case CSV:
		out = newCSV(w)
	default:
		return fmt.Errorf("%w: format: jsonl or csv", idp.ErrInvalid)
	}
	return s.export(ctx, by, q, string(f), out)
}

// Each is Export for whoever writes their own lines.
func (s *Service) Each(ctx context.Context, by idp.Actor, q Query, f func(Entry) error) error {
	return s.export(ctx, by, q, "text", each(f))
}

// sink takes what is exported.
type sink interface {
	event(e Entry, prev []byte) error // prev: only of the first row of a stretch
	mark(c Checkpoint) error
	stretches() bool // takes whole stretches of the chain, with checkpoints
	end() error
}

// chainPatience is how long an export waits until rows have their places.
const chainPatience = 5 * time.Second

func (s *Service) export(ctx context.Context, by idp.Actor, q Query, format string, out sink) error {
	if err := by.May(idp.SeeAudit); err != nil {
		return err
	}
	q, err := q.checked()
	if err != nil {
		return err
	}
	if out.stretches() && q.plain() {
		short, cancel := context.WithTimeout(ctx, chainPatience)
		defer cancel()
		if err := s.Sequencer.Finish(short); err != nil {
			return err
		}
	}
	detail := q.words()
	detail["format"] = format
	if err := s.note(ctx, by, "audit.export", "ok", detail); err != nil {
		return err
	}
	if out.stretches() && q.plain() {
		err = s.stretch(ctx, q, out)
	} else {
		err = s.extract(ctx, q, out)
	}
	return errors.Join(err, out.end())
}

func (s *Service) extract(ctx context.Context, q Query, out sink) error {
	var after idp.Cursor
	for {
		rows, next, err := s.Reader.Extract(ctx, q, after, window)
		if err != nil {
			return err
		}
		for _, e := range rows {
			if err := out.event(e, nil); err != nil {
				return err
			}
		}
		if next == (idp.Cursor{}) {
			return nil
		}
		after = next
	}
}

// skew is how far apart the clocks of instances may be.
const skew = 5 * time.Minute

// stretch writes a piece of the chain without holes, from the first row of since
// to the checkpoint after until.
func (s *Service) stretch(ctx context.Context, q Query, out sink) error {
	head, err := s.Chain.Head(ctx)
	if err != nil {
		return err
	}
	start, err := s.beginning(ctx, q.Since)
	if err != nil {
		return err
	}
	p := piece{q: q, out: out, seq: start.Seq, prev: start.Hash, first: true}
	if p.seq == 0 {
		p.prev = Genesis()
	}
	for over := false; p.seq < head.Seq && !over; {
		rows, err := s.Chain.Entries(ctx, p.seq, window)
		if err != nil || len(rows) == 0 {
			return err
		}
		marks, err := s.Chain.Checkpoints(ctx, p.seq, window)
		if err != nil {
			return err
		}
		if over, err = p.write(rows, marks); err != nil {
			return err
		}
	}
	return nil
}

// piece is a stretch on its way out.
type piece struct {
	q     Query
	out   sink
	seq   int64  // of the row that was looked at last
	prev  []byte // its hash
	first bool   // nothing was written yet
}

// write writes some rows, and says whether a checkpoint among them ends the
// stretch.
func (p *piece) write(rows []Entry, marks []Checkpoint) (over bool, err error) {
	for _, e := range rows {
		before := p.prev
		p.seq, p.prev = e.Seq, e.Hash
		if p.first && e.At.Before(p.q.Since) {
			continue
		}
		if !p.first {
			before = nil
		}
		p.first = false
		if err := p.out.event(e, before); err != nil {
			return false, err
		}
		if over, err = markAt(&marks, e.Seq, p.q.Until, p.out); err != nil || over {
			return over, err
		}
	}
	return false, nil
}

// markAt writes the checkpoint at a row, if there is one, and says whether the
// stretch ends with it.
func markAt(marks *[]Checkpoint, seq int64, until time.Time, out sink) (over bool, err error) {
	for len(*marks) > 0 && (*marks)[0].Seq < seq {
		*marks = (*marks)[1:]
	}
	if len(*marks) == 0 || (*marks)[0].Seq != seq {
		return false, nil
	}
	c := (*marks)[0]
	return !until.IsZero() && c.At.After(until.Add(skew)), out.mark(c)
}

// beginning is where all rows of a time and later come after: what is written
// then gets its place later.
func (s *Service) beginning(ctx context.Context, since time.Time) (Checkpoint, error) {
	start, err := s.Chain.LastCut(ctx)
	if err != nil || since.IsZero() {
		return start, err
	}
	head, err := s.Chain.Head(ctx)
	if err != nil {
		return start, err
	}
	c, err := s.Chain.LastCheckpoint(ctx, head.Seq, since.Add(-skew))
	switch {
	case errors.Is(err, idp.ErrNotFound):
		return start, nil
	case err == nil && c.Seq > start.Seq:
		return c, nil
	}
	return start, err
}

type each func(Entry) error

func (f each) event(e Entry, _ []byte) error { return f(e) }
func (f each) mark(Checkpoint) error         { return nil }
func (f each) stretches() bool               { return false }
func (f each) end() error                    { return nil }

type jsonSink struct{ to *json.Encoder }

func newJSON(w io.Writer) jsonSink {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return jsonSink{e}
}

func (s jsonSink) event(e Entry, prev []byte) error {
	l := LineOf(e)
	l.Prev = hex.EncodeToString(prev)
	return s.to.Encode(l)
}

func (s jsonSink) mark(c Checkpoint) error {
	return s.to.Encode(map[string]MarkLine{"checkpoint": MarkLineOf(c)})
}

func (s jsonSink) stretches() bool { return true }
func (s jsonSink) end() error      { return nil }

type csvSink struct{ to *csv.Writer }

func newCSV(w io.Writer) csvSink {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	_ = c.Write([]string{ // kept by the writer: end tells
		"seq", "time", "event", "result", "user", "actor", "client", "session", "method", "ip", "user_agent", "request", "id", "detail", "hash",
	})
	return csvSink{c}
}

func (s csvSink) event(e Entry, _ []byte) error {
	l := LineOf(e)
	detail := ""
	if len(l.Detail) > 0 {
		b, err := json.Marshal(l.Detail)
		if err != nil {
			return err
		}
		detail = string(b)
	}
	seq := ""
	if l.Seq > 0 {
		seq = strconv.FormatInt(l.Seq, 10)
	}
	cells := []string{
		seq, l.At.Format("2006-01-02T15:04:05.000Z07:00"), l.What, l.Result, string(l.User), string(l.Actor), string(l.Client), string(l.Session),
		l.Method, l.IP, l.Agent, l.Request, l.ID, detail, l.Hash,
	}
	for i, c := range cells {
		cells[i] = sheet.Cell(c)
	}
	return s.to.Write(cells)
}

func (s csvSink) mark(Checkpoint) error { return nil }
func (s csvSink) stretches() bool       { return false }

func (s csvSink) end() error {
	s.to.Flush()
	return s.to.Error()
}
