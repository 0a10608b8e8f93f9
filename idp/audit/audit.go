// Package audit owns what can be said afterwards about what happened: the log of
// events as a chain that shows when somebody has changed it, searching and
// exporting it, checking it, cutting off what is too old, and sending it on.
//
// An event is written with the change that it is about, in one transaction, and
// sealed there by a code that only this house can make. Its place in the chain
// comes a moment later: a [Sequencer] gives the rows that are there gapless
// numbers and ties each to the one before. So nobody who signs in waits for
// anybody else, and a row that is edited, removed, added or moved is found all
// the same, by its seal or by its place. From time to time a [Checkpoint] signs
// the chain so far: whoever has an older copy of one, or the public key and a
// file, can check without trusting this house.
//
// The package never decides what is worth an event, and writes no SQL.
package audit

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"latchkey/idp"
)

// Entry is an event with its place in the chain.
type Entry struct {
	idp.Event
	Seq  int64  // 1 is the first; 0: it has no place yet
	Hash []byte // see [Link]; 32 bytes, nil without a place
	MAC  []byte // see [MAC]; nil: written before there was a chain
}

// Head is how far the chain has got.
type Head struct {
	Seq    int64
	Hash   []byte    // of the last row; 32 zeros when there is none
	Mark   int64     // Seq of the last checkpoint
	Marked time.Time // when that was
	Began  time.Time // when the chain began; rows without a seal are from before
	More   bool      // some rows have no place yet
}

// Break is the first thing that is wrong with a chain.
type Break struct {
	Kind  Kind      `json:"kind"`
	Seq   int64     `json:"seq,omitempty"` // 0: the row has no place yet
	ID    string    `json:"id,omitempty"`  // empty for a row that is not there
	At    time.Time `json:"time,omitzero"`
	Says  string    `json:"says"`            // a sentence, in English
	Code  string    `json:"code,omitempty"`  // which of [Sentences]; empty: found before they had one
	Facts []string  `json:"facts,omitempty"` // what is in it; times as RFC 3339 has them
}

// Kind is what can be wrong.
type Kind string

const (
	Edited    Kind = "edited"     // the row does not say what it said
	Missing   Kind = "missing"    // a row is gone
	Reordered Kind = "reordered"  // a genuine row stands at another's place
	Forged    Kind = "forged"     // a row that this house has not written
	Unsigned  Kind = "checkpoint" // a checkpoint or a cut is not this house's, or does not fit the rows
	Short     Kind = "short"      // the end is gone
)

// Kinds lists them.
func Kinds() []Kind { return []Kind{Edited, Missing, Reordered, Forged, Unsigned, Short} }

// Keys are what seals rows and signs checkpoints.
type Keys struct {
	MAC  []byte
	Sign ed25519.PrivateKey
}

// ErrFile means that a file is not an export with places in the chain.
var ErrFile = errors.New("audit: not an export of the log")

// Chain is where the rows are.
type Chain interface {
	Head(ctx context.Context) (Head, error)
	// Unchained returns up to limit rows without a place, in order of time.
	Unchained(ctx context.Context, limit int) ([]Entry, error)
	// Append gives rows their places, notes a checkpoint if there is one, and moves
	// the head from one state to the next, or fails with idp.ErrSpent when somebody
	// else has.
	Append(ctx context.Context, from, to Head, rows []Entry, mark *Checkpoint) error
	// Entries returns up to limit rows after a place, in the order of the chain.
	Entries(ctx context.Context, after int64, limit int) ([]Entry, error)
	// Entry fails with idp.ErrNotFound.
	Entry(ctx context.Context, id string) (Entry, error)
	// Checkpoints returns up to limit ones after a place, in the order of the chain.
	Checkpoints(ctx context.Context, after int64, limit int) ([]Checkpoint, error)
	// CheckpointsBefore returns up to limit ones before a place (0: the end), newest
	// first.
	CheckpointsBefore(ctx context.Context, before int64, limit int) ([]Checkpoint, error)
	// LastCheckpoint returns the last one at or before a place and made by a time
	// (zero: any), or fails with idp.ErrNotFound.
	LastCheckpoint(ctx context.Context, upTo int64, by time.Time) (Checkpoint, error)
	// LastCut returns the last cut, or the zero Checkpoint.
	LastCut(ctx context.Context) (Checkpoint, error)
	// Cut notes that everything up to a checkpoint may go.
	Cut(ctx context.Context, c Checkpoint, by string) error
	// Drop removes up to limit rows before the last cut and says whether more are
	// there.
	Drop(ctx context.Context, limit int) (more bool, err error)
	// Waiting counts the rows without a place, up to a bound.
	Waiting(ctx context.Context, most int) (int, error)
}

// Work is what background tasks remember, and who is at work.
type Work interface {
	// Claim fails with idp.ErrTaken while somebody else has the task.
	Claim(ctx context.Context, task, holder string, until time.Time) error
	// State is empty for a task that has none.
	State(ctx context.Context, task string) (string, error)
	SetState(ctx context.Context, task, value string) error
}

// Names of tasks.
const (
	taskSequence = "sequence"
	taskVerify   = "verify"
	taskCut      = "cut"
)

// lease is how long a task is somebody's. Whoever is killed leaves it so long.
const lease = 15 * time.Second
