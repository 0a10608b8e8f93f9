package connector

import (
	"context"
	"encoding/json"
	"errors"
	"hash/fnv"
	"time"

	"latchkey/idp"
	"latchkey/idp/trace"
)

// Numbers of the daily examination.
const (
	watchEvery = 5 * time.Minute  // between looks at what is due
	watchNight = 6 * time.Hour    // from 00:00 UTC; connections are spread over it by their names
	watchApart = 12 * time.Hour   // at least, between an examination at another time, for the synchronisation, and the next night's
	watchFirst = 24 * time.Hour   // after a connection was seen first: no start examines everybody
	watchTime  = 5 * time.Minute  // that one examination may take
	watchLease = 10 * time.Minute // that one instance is at work
	watchAgain = time.Hour        // after one that could not be made
	watchTask  = "watch"

	syncFails = time.Hour // for so long a synchronisation fails until it is told
	syncTries = 5         // and so often: one try after a night's rest says nothing
)

// Watch examines every connection once a day and tells administrators what is
// new, and once what is over.
type Watch struct {
	book   *Book
	doctor *Doctor
	tell   Teller // nil: nobody is told
	holder string
}

// watchState is what it knows of a connection. Only who has the claim writes it.
type watchState struct {
	Since time.Time `json:"since"`          // when the connection was seen first
	Ran   time.Time `json:"ran,omitzero"`   // the last examination that was compared
	Tried time.Time `json:"tried,omitzero"` // the last that could not be made
	Told  []Kept    `json:"told,omitempty"` // what administrators know
	Sync  bool      `json:"sync,omitempty"` // they know that the synchronisation fails
}

// watcher is who examines.
var watcher = idp.Actor{Host: true, Origin: idp.Origin{Agent: "daily examination"}}

// Run examines what is due until ctx ends. Every instance runs it; a claim lets
// one at a time work on a connection. fault is told what nobody else hears of.
func (w *Watch) Run(ctx context.Context, fault func(connection string, err error)) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		w.Round(ctx, fault)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Round looks at every connection once, one after the other.
func (w *Watch) Round(ctx context.Context, fault func(connection string, err error)) {
	all, err := w.book.connections.All(ctx)
	if err != nil && ctx.Err() == nil {
		fault("", err)
	}
	for _, c := range all {
		if err := w.look(ctx, c); err != nil && ctx.Err() == nil {
			fault(c.ID, err)
		}
	}
}

// look examines a connection if that is due and nobody else has it.
func (w *Watch) look(ctx context.Context, c Connection) error {
	if due, err := w.due(ctx, c); err != nil || !due {
		return err
	}
	err := w.book.connections.Claim(ctx, c.ID, watchTask, w.holder, w.book.now().Add(watchLease))
	if errors.Is(err, idp.ErrBusy) {
		return nil // another instance is at it
	} else if err != nil {
		return err
	}
	// Somebody may have been at it until just now.
	due, err := w.due(ctx, c)
	if err == nil && due {
		ctx, span := trace.Root(ctx, "examine Odoo")
		err = w.examine(ctx, c)
		span.End(err)
	}
	return errors.Join(err, w.book.connections.Claim(context.WithoutCancel(ctx), c.ID, watchTask, w.holder, w.book.now()))
}

// due reports whether a connection is to be examined now: its day is over, or the
// synchronisation fails and nobody knows.
func (w *Watch) due(ctx context.Context, c Connection) (bool, error) {
	s, err := w.state(ctx, c.ID)
	if err != nil {
		return false, err
	}
	now := w.book.now()
	switch {
	case s.Since.IsZero():
		s.Since = now
		return false, w.save(ctx, c.ID, s)
	case now.Before(s.Tried.Add(watchAgain)):
		return false, nil
	case !now.Before(night(c.ID, s.Since, s.Ran)):
		return true, nil
	case s.Sync:
		return false, nil
	}
	failing, err := w.failing(ctx, c)
	return !failing.IsZero(), err
}

// night is when a connection is due, that was seen first and examined last by the
// watch at some times: at its own minute of a night. Examinations by anybody else
// do not count: whoever makes two a day would keep everybody from hearing what is
// new.
func night(connection string, since, last time.Time) time.Time {
	from := since.Add(watchFirst)
	if !last.IsZero() {
		from = last.Add(watchApart)
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(connection)) // never fails
	minute := time.Duration(h.Sum32()%uint32(watchNight/time.Minute)) * time.Minute
	at := from.UTC().Truncate(24 * time.Hour).Add(minute)
	if at.Before(from) {
		at = at.Add(24 * time.Hour)
	}
	return at
}

// examine examines a connection and tells what changed.
func (w *Watch) examine(ctx context.Context, c Connection) error {
	s, err := w.state(ctx, c.ID)
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, watchTime)
	defer cancel()
	d, err := w.doctor.Examine(limited, watcher, c.ID, false)
	if err != nil {
		if ctx.Err() == nil {
			s.Tried = w.book.now()
			err = errors.Join(err, w.save(ctx, c.ID, s))
		}
		return err
	}
	failing, err := w.failing(ctx, c)
	if err != nil {
		return err
	}
	n, told := compare(s.Told, s.Ran.IsZero(), d)
	switch {
	case !failing.IsZero() && !s.Sync:
		state, err := syncOf(ctx, w.book, c.ID)
		if err != nil {
			return err
		}
		n.Sync, n.SyncSince, s.Sync = &state, failing, true
	case failing.IsZero() && s.Sync:
		n.SyncWell, s.Sync = true, false
	}
	s.Told, s.Ran, s.Tried = told, w.book.now(), time.Time{}
	return w.book.atomic(ctx, func(ctx context.Context) error {
		err := w.save(ctx, c.ID, s)
		if w.tell != nil && !n.Empty() {
			err = errors.Join(err, w.tell.Watched(ctx, c, n))
		}
		return err
	})
}

// failing is since when the synchronisation fails, if that is too long; the zero
// time otherwise.
func (w *Watch) failing(ctx context.Context, c Connection) (time.Time, error) {
	if !c.Settings.Sync {
		return time.Time{}, nil
	}
	s, err := syncOf(ctx, w.book, c.ID)
	if err != nil {
		return time.Time{}, err
	}
	since := s.Succeeded
	if since.IsZero() {
		since = c.Created
	}
	if s.Failures < syncTries || s.Ran.Sub(since) < syncFails {
		return time.Time{}, nil
	}
	return since, nil
}

func syncOf(ctx context.Context, b *Book, connection string) (s SyncState, err error) {
	err = b.recall(ctx, connection, syncTask, &s)
	return s, err
}

func (w *Watch) state(ctx context.Context, connection string) (s watchState, err error) {
	err = w.book.recall(ctx, connection, watchTask, &s)
	return s, err
}

func (w *Watch) save(ctx context.Context, connection string, s watchState) error {
	return w.book.remember(ctx, connection, watchTask, s)
}

// recall reads what a task keeps for a connection; nothing leaves v as it is.
func (b *Book) recall(ctx context.Context, connection, task string, v any) error {
	text, err := b.connections.State(ctx, connection, task)
	if err != nil || text == "" {
		return err
	}
	return json.Unmarshal([]byte(text), v)
}

// remember is the other way.
func (b *Book) remember(ctx context.Context, connection, task string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.connections.SetState(ctx, connection, task, string(text))
}
