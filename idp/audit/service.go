package audit

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"latchkey/idp"
)

// Reader finds events.
type Reader interface {
	// Find returns a page, newest first.
	Find(ctx context.Context, q Query) (Page, error)
	// Extract returns events after a cursor, oldest first, and the cursor to go on
	// from, zero at the end. There may be none of them and still more to come.
	Extract(ctx context.Context, q Query, after idp.Cursor, limit int) ([]Entry, idp.Cursor, error)
	// Names says what people are called, those who are still there.
	Names(ctx context.Context, ids []idp.UserID) (map[idp.UserID]string, error)
}

// Service is what people do with the log. All of it takes idp.SeeAudit.
type Service struct {
	Reader    Reader
	Chain     Chain
	Work      Work
	Sequencer *Sequencer
	Log       idp.Log
	Keys      Keys
	Now       func() time.Time
	Targets   []string // names of where events are sent on to
}

// Search fails with idp.ErrInvalid and the name of the field.
func (s *Service) Search(ctx context.Context, by idp.Actor, q Query) (Page, error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return Page{}, err
	}
	q, err := q.checked()
	if err != nil {
		return Page{}, err
	}
	return s.Reader.Find(ctx, q)
}

// State is how a row stands in the chain.
type State string

const (
	Placed  State = "placed"  // sealed by this house, at its place
	Waiting State = "waiting" // sealed, and has no place yet
	Old     State = "old"     // from before the chain
	Bad     State = "bad"     // the seal is wrong
)

// States lists them.
func States() []State { return []State{Placed, Waiting, Old, Bad} }

// Get returns one event, and how it stands by itself: only Verify says whether the
// chain is whole. It fails with idp.ErrNotFound.
func (s *Service) Get(ctx context.Context, by idp.Actor, id string) (Entry, State, error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return Entry{}, "", err
	}
	e, err := s.Chain.Entry(ctx, id)
	if err != nil {
		return Entry{}, "", err
	}
	guard := sealing{key: s.Keys.MAC}
	switch {
	case !guard.genuine(e):
		return e, Bad, nil
	case len(e.MAC) == 0:
		return e, Old, nil
	case e.Seq == 0:
		return e, Waiting, nil
	}
	return e, Placed, nil
}

// Names says what the people of some events are called: who did it, and whom it
// is about. Who is gone has none.
func (s *Service) Names(ctx context.Context, by idp.Actor, es ...Entry) (map[idp.UserID]string, error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return nil, err
	}
	var ids []idp.UserID
	for _, e := range es {
		for _, id := range []idp.UserID{e.User, e.Actor} {
			if id != "" && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return s.Reader.Names(ctx, ids)
}

// Checkpoints returns the ones before a place (0: the last ones), newest first.
func (s *Service) Checkpoints(ctx context.Context, by idp.Actor, before int64, limit int) ([]Checkpoint, error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return nil, err
	}
	return s.Chain.CheckpointsBefore(ctx, before, min(max(limit, 1), mostLimit))
}

// Key is what auditors verify checkpoints with.
func (s *Service) Key() ed25519.PublicKey { return Public(s.Keys.Sign) }

// Status is how the log stands.
type Status struct {
	Head     Head
	Waiting  int        // rows without a place, up to 100,000
	Last     Checkpoint // zero: none yet
	Cut      Checkpoint // zero: nothing was cut off
	Verified *Report    // the last verification; nil: never
	Targets  []Delivery
}

const mostWaiting = 100000

// Status says how the log stands.
func (s *Service) Status(ctx context.Context, by idp.Actor) (out Status, err error) {
	if err := by.May(idp.SeeAudit); err != nil {
		return out, err
	}
	if out.Head, err = s.Chain.Head(ctx); err != nil {
		return out, err
	}
	if out.Head.More {
		if out.Waiting, err = s.Chain.Waiting(ctx, mostWaiting); err != nil {
			return out, err
		}
	}
	out.Last, err = s.Chain.LastCheckpoint(ctx, out.Head.Seq, time.Time{})
	if err != nil && !errors.Is(err, idp.ErrNotFound) {
		return out, err
	}
	if out.Cut, err = s.Chain.LastCut(ctx); err != nil {
		return out, err
	}
	if out.Verified, err = s.verified(ctx); err != nil {
		return out, err
	}
	for _, name := range s.Targets {
		d, err := delivery(ctx, s.Work, name)
		if err != nil {
			return out, err
		}
		d.Behind = max(0, out.Head.Seq-d.Seq)
		out.Targets = append(out.Targets, d)
	}
	return out, nil
}

func (s *Service) verified(ctx context.Context) (*Report, error) {
	text, err := s.Work.State(ctx, taskVerify)
	if err != nil || text == "" {
		return nil, err
	}
	var r Report
	return &r, json.Unmarshal([]byte(text), &r)
}

// note leaves an event about the log itself.
func (s *Service) note(ctx context.Context, by idp.Actor, what, result string, detail map[string]string) error {
	return s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: result, Detail: detail,
	})
}
