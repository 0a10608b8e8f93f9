package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/trace"
)

// Numbers of the synchronisation.
const (
	syncEvery = 20 * time.Second
	syncSweep = 6 * time.Hour    // between looks at everybody
	syncLease = 2 * time.Minute  // that one instance is at work, renewed with each page
	syncBack  = 2 * time.Minute  // what is read again: transactions there end in another order than they begin
	syncWorst = 15 * time.Minute // between tries when nothing works
	syncTask  = "sync"
)

// Synchroniser keeps both sides in step.
type Synchroniser struct {
	book      *Book
	lines     *lines
	known     *known
	standing  standing
	journal   Journal
	accounts  *account.Service
	directory account.Directory
	ties      Ties
	customers Customers
	holder    string
	locks     *Locks
	invites   Inviter
}

// SyncOptions say how one run goes.
type SyncOptions struct {
	DryRun bool
	Full   bool // look at everybody
	Force  bool // what looks like an accident is meant
	// Callers must be set for who came through the API, where their run does what
	// the house would not do by itself: without it it is refused; see
	// [Synchroniser.SyncNow].
	Callers Callers
	// Found, if set, is told what is done to whom.
	Found func(SyncChange) error
	// still, if set, ends the run of who may not do it any more.
	still func(ctx context.Context) error
}

// SyncChange is one thing that was done, or in a dry run would be.
type SyncChange struct {
	What  string `json:"what"` // create, change, disable, enable, archive, restore, lock, invite, failed
	Odoo  int64  `json:"odoo_id"`
	Login string `json:"login"`
	Text  string `json:"message,omitempty"` // in English
	Said
}

// syncActor is who changes people here: the house itself.
func syncActor(c Connection) idp.Actor {
	return idp.Actor{Host: true, Origin: idp.Origin{Agent: "synchronisation with Odoo " + c.ID}}
}

// SyncState returns how a connection stands.
func (y *Synchroniser) SyncState(ctx context.Context, connection string) (s SyncState, err error) {
	text, err := y.book.connections.State(ctx, connection, syncTask)
	if err != nil || text == "" {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// Run keeps every connection in step that wants it, until ctx ends. Every
// instance runs it; a claim lets one at a time work on a connection. fault is
// told what nobody else hears of.
func (y *Synchroniser) Run(ctx context.Context, fault func(connection string, err error)) {
	tick := time.NewTicker(syncEvery / 4)
	defer tick.Stop()
	for {
		y.round(ctx, fault)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// round looks at every connection once.
func (y *Synchroniser) round(ctx context.Context, fault func(connection string, err error)) {
	all, err := y.book.connections.All(ctx)
	if err != nil && ctx.Err() == nil {
		fault("", err)
	}
	for _, c := range all {
		y.known.forget(noConnection(c.Client))
		if !c.Settings.Sync {
			y.known.heed(c, SyncState{})
			continue
		}
		if err := y.syncDue(ctx, c); err != nil && ctx.Err() == nil {
			fault(c.ID, err)
		}
	}
}

// syncDue runs a connection if it is due and nobody else has it.
func (y *Synchroniser) syncDue(ctx context.Context, c Connection) error {
	s, err := y.SyncState(ctx, c.ID)
	if err != nil {
		return err
	}
	y.known.heed(c, s)
	if y.book.now().Before(s.due()) {
		return nil
	}
	ctx, span := trace.Root(ctx, "synchronise Odoo")
	s, err = y.Sync(ctx, c, SyncOptions{})
	span.End(err)
	if err == nil {
		y.known.heed(c, s)
	}
	if errors.Is(err, idp.ErrBusy) && !errors.Is(err, rpc.ErrUnreachable) {
		return nil // another instance is at it, or the database has no time: next time
	}
	return err
}

// SyncNow is Sync at an administrator's word. It needs the right to change people,
// too. What the house would not do by itself, because it does not keep that Odoo
// in step or takes it for an accident, and what is only looked at, ends when they lose one, or what
// let them in (SECURITY.md D-04). The rest goes on: the house would do it again
// within seconds.
func (y *Synchroniser) SyncNow(ctx context.Context, by idp.Actor, id string, o SyncOptions) (SyncState, error) {
	if err := mayPeople(by); err != nil {
		return SyncState{}, err
	}
	c, err := y.book.connections.ByID(ctx, id)
	if err != nil {
		return SyncState{}, err
	}
	if o.Force || o.DryRun || !c.Settings.Sync {
		o.still = func(ctx context.Context) (err error) {
			by, err = y.standing.still(ctx, by, o.Callers, mayPeople)
			return err
		}
		if err := o.still(ctx); err != nil {
			return SyncState{}, err
		}
	}
	if !o.DryRun {
		if err := y.book.note(ctx, by, "odoo.sync", c, map[string]string{"full": fmt.Sprint(o.Full), "force": fmt.Sprint(o.Force)}); err != nil {
			return SyncState{}, err
		}
	}
	return y.Sync(ctx, c, o)
}

// Sync brings both sides in step once: what changed in Odoo since the last time
// is done here, and who was disabled here is archived there if the settings say
// so. What an administrator changed here stays until Odoo says something new
// about the same field. idp.ErrBusy when another instance is at it.
func (y *Synchroniser) Sync(ctx context.Context, c Connection, o SyncOptions) (SyncState, error) {
	if err := y.book.connections.Claim(ctx, c.ID, syncTask, y.holder, y.book.now().Add(syncLease)); err != nil {
		return SyncState{}, err
	}
	s, err := y.SyncState(ctx, c.ID)
	if err != nil {
		return s, err
	}
	run := &syncRun{Synchroniser: y, SyncOptions: o, c: c, state: s, began: y.book.now()}
	run.leavers = &leavers{run: run}
	err = run.all(ctx)
	if ctx.Err() == nil && !errors.Is(err, ErrLost) {
		switch bad := run.goesOn(ctx); {
		case bad == nil:
			err = errors.Join(err, run.invite(ctx)) // whom it brought in before it failed is new to no later one
		case err == nil:
			err = bad
		}
	}
	state := run.ended(err)
	done := context.WithoutCancel(ctx)
	if !o.DryRun {
		text, bad := json.Marshal(state)
		if bad == nil {
			bad = y.book.connections.SetState(done, c.ID, syncTask, string(text))
		}
		err = errors.Join(err, bad)
		if r := run.report(err); r.tells() {
			err = errors.Join(err, y.journal.Ran(done, c.ID, r))
		}
		if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrLost) {
			err = errors.Join(err, y.book.connections.Heard(done, c.ID, y.book.now(), err))
		}
	}
	return state, errors.Join(err, y.book.connections.Claim(done, c.ID, syncTask, y.holder, y.book.now()))
}
