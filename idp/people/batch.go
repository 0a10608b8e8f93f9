package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
	"latchkey/idp/job"
)

// Batch is what an administrator is about to do to many people, or has done. It
// is theirs alone, and gone when it expires.
type Batch struct {
	ID      string
	Kind    string // "bulk" or "import"
	Owner   idp.UserID
	Job     string // the work under way, or the last one; empty: none yet
	Version int64  // of two that go on from the same state one wins
	Body    json.RawMessage
	Created time.Time
	Expires time.Time
}

// Item is one person, or one row of a file, of a batch.
type Item struct {
	Place  int    // from 0
	Result string // empty: still to do
	Body   json.RawMessage
}

// ItemQuery selects items, in order of place.
type ItemQuery struct {
	From    int    // places from here on
	Result  string // beginning with this; with Exact: no more than this
	Exact   bool
	Limit   int
	Refused bool // neither to do, nor "ok", nor "skip…"
}

// Batches keeps them. What they say of people is sealed.
type Batches interface {
	// Add stores a batch with its file, if it has one, and its items. Of all of its
	// owner and kind that nobody started, or whose file still lies there while
	// nothing is done with it, at most so many stay: the oldest give way.
	Add(ctx context.Context, b Batch, most int, file []byte, items []Item) error
	// ByID fails with idp.ErrNotFound when there is none or it has expired.
	ByID(ctx context.Context, id string) (Batch, error)
	// Save changes job, body and end, or fails with idp.ErrSpent when the version
	// is not the one that was read.
	Save(ctx context.Context, b Batch) error
	File(ctx context.Context, id string) ([]byte, error)
	DropFile(ctx context.Context, id string) error
	// Note adds items, or changes their results and bodies.
	Note(ctx context.Context, id string, items []Item) error
	// Clear takes all items away.
	Clear(ctx context.Context, id string) error
	Items(ctx context.Context, id string, q ItemQuery) ([]Item, error)
	// Tally counts the items by result.
	Tally(ctx context.Context, id string) (map[string]int, error)
}

// How long batches are kept: a file of people for an hour, counted again from
// the end of the work; a selection, of which only ids are kept, for a day.
const (
	keepFile      = time.Hour
	keepSelection = 24 * time.Hour
)

// How many somebody may have lying there that are not done: what is prepared
// costs nothing but is kept, up to [Most] people or [MaxFile] bytes each.
const (
	mostBulks   = 10
	mostImports = 2
)

// mine returns a batch of the actor's own of a kind, and reads its body.
func mine(ctx context.Context, all Batches, by idp.Actor, kind, id string, body any) (Batch, error) {
	b, err := all.ByID(ctx, id)
	if err != nil {
		return Batch{}, err
	}
	if b.Kind != kind || b.Owner != by.User {
		return Batch{}, idp.ErrNotFound
	}
	return b, json.Unmarshal(b.Body, body)
}

// save writes a batch's body.
func save(ctx context.Context, all Batches, b Batch, body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	b.Body = raw
	return all.Save(ctx, b)
}

// Work starts what goes on behind a page; see [job.Desk].
type Work interface {
	Start(ctx context.Context, by idp.Actor, kind, about string, work job.Work) (string, error)
	ByID(ctx context.Context, id string) (job.Job, error)
}

// begin starts the work of a batch and notes which.
func begin(ctx context.Context, desk Work, all Batches, by idp.Actor, b Batch, work job.Work) error {
	id, err := desk.Start(ctx, by, "people."+b.Kind, b.ID, work)
	if err != nil {
		return err
	}
	for range 3 { // the work itself may have saved meanwhile
		b, err = all.ByID(ctx, b.ID)
		if err != nil {
			return err
		}
		b.Job = id
		if err = all.Save(ctx, b); !errors.Is(err, idp.ErrSpent) {
			return err
		}
	}
	return fmt.Errorf("%w: the batch is being changed", idp.ErrBusy)
}

// progress is how far the work of a batch is; nil: there is none.
func progress(ctx context.Context, desk Work, b Batch) (*job.Job, error) {
	if b.Job == "" {
		return nil, nil
	}
	j, err := desk.ByID(ctx, b.Job)
	if errors.Is(err, idp.ErrNotFound) {
		return nil, nil
	}
	return &j, err
}
