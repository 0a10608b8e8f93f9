package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"fmt"
	"time"
)

// grace is how long after the chain began a program of the release before may
// still write rows without a seal: both run side by side during an upgrade.
const grace = 24 * time.Hour

// sealing judges seals. Rows without one are from before the chain; once a
// sealed row of a later time has a place, no such row can come any more.
type sealing struct {
	key   []byte // nil: seals are not looked at
	began time.Time
	past  bool
}

func (g *sealing) genuine(e Entry) bool {
	late := !g.began.IsZero() && e.At.After(g.began.Add(grace))
	if len(e.MAC) == 0 {
		return g.key == nil || !late && !g.past
	}
	if g.key != nil && !hmac.Equal(e.MAC, MAC(g.key, e.Event)) {
		return false
	}
	g.past = g.past || late
	return true
}

// checker walks along a chain, row by row, and finds the first thing that is
// wrong. What a row's fault is called may take the row behind it.
type checker struct {
	public ed25519.PublicKey
	seals  sealing
	seq    int64  // of the last row
	hash   []byte // of the last row
	rows   int64
	old    int64 // rows without a seal
	marks  int64
	signed int64 // row of the last checkpoint; -1: not known
	broken *suspect
}

// suspect is a row that does not fit.
type suspect struct {
	row     Entry
	want    []byte // the hash that it should have
	genuine bool
}

// row looks at the next row. It returns a Break as soon as it can be named; the
// caller then stops.
func (c *checker) row(e Entry) *Break {
	if c.broken != nil {
		return c.name(&e)
	}
	switch {
	case e.Seq > c.seq+1:
		return &Break{
			Kind: Missing, Seq: c.seq + 1, At: e.At,
			Says: fmt.Sprintf("there is no row %d%s; the next one is %s of %s", c.seq+1, upTo(e.Seq-1, c.seq+1), e.ID, stamp(e.At)),
		}
	case e.Seq <= c.seq:
		return breakAt(Reordered, e, "it comes after row %d", c.seq)
	}
	want := Link(c.hash, e.Seq, e.Event)
	genuine := c.seals.genuine(e)
	switch {
	case !bytes.Equal(want, e.Hash):
		c.broken = &suspect{e, want, genuine}
		return nil
	case !genuine:
		return breakAt(Forged, e, "its seal is not of this house: somebody else wrote it, or changed it before it had its place")
	}
	if len(e.MAC) == 0 {
		c.old++
	}
	c.seq, c.hash, c.rows = e.Seq, e.Hash, c.rows+1
	return nil
}

// name says what is wrong with the suspect, by the row behind it, if there is
// one: where that fits to the suspect's hash, the suspect stood there before.
func (c *checker) name(next *Entry) *Break {
	s := c.broken
	if s == nil {
		return nil
	}
	stood := next == nil || bytes.Equal(next.Hash, Link(s.row.Hash, next.Seq, next.Event))
	right := next != nil && bytes.Equal(next.Hash, Link(s.want, next.Seq, next.Event))
	sealed := len(s.row.MAC) > 0 && c.seals.key != nil
	switch {
	case right:
		return breakAt(Edited, s.row, "its hash was changed")
	case sealed && s.genuine:
		return breakAt(Reordered, s.row, "it is genuine but stands at another row's place: rows were moved, or one before it was removed or added and the rest counted anew")
	case stood:
		return breakAt(Edited, s.row, "it does not say what it said when it got its place")
	case !s.genuine:
		return breakAt(Forged, s.row, "this house has not written it like this, and the row behind it does not know it: it was added, or changed together with others")
	}
	return breakAt(Edited, s.row, "it does not say what it said when it got its place, and neither does the row behind it; or rows were removed or added here and the rest counted anew")
}

// mark looks at a checkpoint; its row was the last one.
func (c *checker) mark(p Checkpoint) *Break {
	b := Break{Kind: Unsigned, Seq: p.Seq, At: p.At}
	switch {
	case !p.Genuine(c.public):
		b.Says = fmt.Sprintf("the checkpoint at row %d is not signed by key %s", p.Seq, KeyID(c.public))
	case p.Seq == c.seq && !bytes.Equal(p.Hash, c.hash):
		b.Says = fmt.Sprintf("row %d and all before it are not what the checkpoint of %s signed", p.Seq, stamp(p.At))
	case c.signed >= 0 && p.Seq-p.Count != c.signed:
		b.Says = fmt.Sprintf("the checkpoint before the one at row %d is gone: it was of row %d", p.Seq, p.Seq-p.Count)
	case !c.seals.began.IsZero() && !p.Began.Equal(c.seals.began):
		b.Says = fmt.Sprintf("the checkpoint at row %d names another beginning of the chain than those before it", p.Seq)
	default:
		c.marks++
		c.signed, c.seals.began = p.Seq, p.Began
		return nil
	}
	return &b
}

func breakAt(k Kind, e Entry, says string, args ...any) *Break {
	return &Break{Kind: k, Seq: e.Seq, ID: e.ID, At: e.At, Says: fmt.Sprintf(says, args...)}
}

func upTo(last, first int64) string {
	if last == first {
		return ""
	}
	return fmt.Sprintf(" to %d", last)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
