package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
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
		b := Break{Kind: Missing, Seq: c.seq + 1, At: e.At}
		if e.Seq == c.seq+2 {
			return b.say("gap_of_one", c.seq+1, e.ID, stamp(e.At))
		}
		return b.say("gap_of_several", c.seq+1, e.Seq-1, e.ID, stamp(e.At))
	case e.Seq <= c.seq:
		return breakAt(Reordered, e, "after", c.seq)
	}
	want := Link(c.hash, e.Seq, e.Event)
	genuine := c.seals.genuine(e)
	switch {
	case !bytes.Equal(want, e.Hash):
		c.broken = &suspect{e, want, genuine}
		return nil
	case !genuine:
		return breakAt(Forged, e, "seal")
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
		return breakAt(Edited, s.row, "hash")
	case sealed && s.genuine:
		return breakAt(Reordered, s.row, "moved")
	case stood:
		return breakAt(Edited, s.row, "changed")
	case !s.genuine:
		return breakAt(Forged, s.row, "added")
	}
	return breakAt(Edited, s.row, "changed_on")
}

// mark looks at a checkpoint; its row was the last one.
func (c *checker) mark(p Checkpoint) *Break {
	b := Break{Kind: Unsigned, Seq: p.Seq, At: p.At}
	switch {
	case !p.Genuine(c.public):
		return b.say("mark_key", p.Seq, KeyID(c.public))
	case p.Seq == c.seq && !bytes.Equal(p.Hash, c.hash):
		return b.say("mark_other_rows", p.Seq, stamp(p.At))
	case c.signed >= 0 && p.Seq-p.Count != c.signed:
		return b.say("mark_gone", p.Seq, p.Seq-p.Count)
	case !c.seals.began.IsZero() && !p.Began.Equal(c.seals.began):
		return b.say("mark_beginning", p.Seq)
	}
	c.marks++
	c.signed, c.seals.began = p.Seq, p.Began
	return nil
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
