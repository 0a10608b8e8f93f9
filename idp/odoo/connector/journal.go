package connector

import (
	"context"
	"errors"
	"time"

	"latchkey/idp"
)

// JournalKeep is how many runs are kept of a connection.
const JournalKeep = 100

// Journal remembers what administrators look at afterwards.
type Journal interface {
	// Ran notes a run of the synchronisation and forgets those before the last
	// [JournalKeep].
	Ran(ctx context.Context, connection string, r SyncRun) error
	// Runs lists them, the newest first.
	Runs(ctx context.Context, connection string, limit int) ([]SyncRun, error)

	// Open notes a case, or that it came up once more; it joins the Atomic in
	// ctx.
	Open(ctx context.Context, c Case) error
	// Settled forgets the case of a person, if there is one; it joins the Atomic
	// in ctx.
	Settled(ctx context.Context, connection string, u idp.UserID) error
	// Cases lists the open ones, the newest first.
	Cases(ctx context.Context, connection string, limit int) ([]Case, error)

	// Entered says when each of the people was let into a client last, since a
	// moment: with a token, or with a password that its Odoo vouched for. Who was
	// not is left out.
	Entered(ctx context.Context, client idp.ClientID, who []idp.UserID, since time.Time) (map[idp.UserID]time.Time, error)
}

// SyncRun is a run of the synchronisation that did something, or failed.
type SyncRun struct {
	Began    time.Time     `json:"began"`
	Ended    time.Time     `json:"ended"`
	Counts   SyncCounts    `json:"counts"`
	Failure  string        `json:"failure,omitempty"` // in English
	Why      *Reason       `json:"why,omitempty"`
	Full     bool          `json:"full,omitempty"` // everybody was looked at
	Troubles []SyncTrouble `json:"troubles,omitempty"`
}

func (r *syncRun) report(err error) SyncRun {
	out := SyncRun{Began: r.began, Ended: r.book.now(), Counts: r.counts, Full: r.Full, Troubles: r.bad}
	if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, ErrLost) {
		why := Why(err)
		out.Failure, out.Why = err.Error(), &why
	}
	return out
}

// tells reports whether a run is worth a line. Most find nothing new.
func (r SyncRun) tells() bool {
	c := r.Counts
	return r.Failure != "" || c.Created+c.Changed+c.Disabled+c.Enabled+c.Archived+c.Restored+c.Locked+c.Invited+c.Failed > 0
}

// Case is somebody of whom nobody can tell which user of an Odoo they are; see
// [ErrSeveral].
type Case struct {
	Connection string
	User       idp.UserID
	Name       string // of the person, when it is read
	Login      string
	What       string // who they may be: logins in Odoo; in English
	Said       Said   // the same for readers of any language; empty in what was kept before it had this
	Seen       time.Time
}

// Teller writes to administrators.
type Teller interface {
	// Several tells of a case, at most once a day. It joins the Atomic in ctx.
	Several(ctx context.Context, c Connection, u idp.User, who Note) error
	// Watched tells what an examination found that was not known, and what is over.
	// It joins the Atomic in ctx.
	Watched(ctx context.Context, c Connection, n News) error
}
