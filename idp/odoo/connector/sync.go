package connector

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
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

// SyncOptions say how one run goes.
type SyncOptions struct {
	DryRun bool
	Full   bool // look at everybody
	Force  bool // what looks like an accident is meant
	// Callers must be set for who came through the API, where their run does what
	// the house would not do by itself: without it it is refused; see
	// [People.SyncNow].
	Callers Callers
	// Found, if set, is told what is done to whom.
	Found func(SyncChange) error
	// still, if set, ends the run of who may not do it any more.
	still func(ctx context.Context) error
}

// SyncChange is one thing that was done, or in a dry run would be.
type SyncChange struct {
	What  string `json:"what"` // create, change, disable, enable, archive, restore, failed
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
func (p *People) SyncState(ctx context.Context, connection string) (s SyncState, err error) {
	text, err := p.Connections.State(ctx, connection, syncTask)
	if err != nil || text == "" {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// Run keeps every connection in step that wants it, until ctx ends. Every
// instance runs it; a claim lets one at a time work on a connection. fault is
// told what nobody else hears of.
func (p *People) Run(ctx context.Context, fault func(connection string, err error)) {
	tick := time.NewTicker(syncEvery / 4)
	defer tick.Stop()
	for {
		round(ctx, p, fault)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// round looks at every connection once.
func round(ctx context.Context, p *People, fault func(connection string, err error)) {
	all, err := p.Connections.All(ctx)
	if err != nil && ctx.Err() == nil {
		fault("", err)
	}
	for _, c := range all {
		p.links.forget(noConnection(c.Client))
		if !c.Settings.Sync {
			heed(p, c, SyncState{})
			continue
		}
		if err := p.syncDue(ctx, c); err != nil && ctx.Err() == nil {
			fault(c.ID, err)
		}
	}
}

// syncDue runs a connection if it is due and nobody else has it.
func (p *People) syncDue(ctx context.Context, c Connection) error {
	s, err := p.SyncState(ctx, c.ID)
	if err != nil {
		return err
	}
	heed(p, c, s)
	if p.Now().Before(s.due()) {
		return nil
	}
	s, err = p.Sync(ctx, c, SyncOptions{})
	if err == nil {
		heed(p, c, s)
	}
	if errors.Is(err, idp.ErrBusy) && !errors.Is(err, rpc.ErrUnreachable) {
		return nil // another instance is at it, or the database has no time: next time
	}
	return err
}

// Sync brings both sides in step once: what changed in Odoo since the last time
// is done here, and who was disabled here is archived there if the settings say
// so. What an administrator changed here stays until Odoo says something new
// about the same field. idp.ErrBusy when another instance is at it.
func (p *People) Sync(ctx context.Context, c Connection, o SyncOptions) (SyncState, error) {
	if err := p.Connections.Claim(ctx, c.ID, syncTask, p.Holder, p.Now().Add(syncLease)); err != nil {
		return SyncState{}, err
	}
	s, err := p.SyncState(ctx, c.ID)
	if err != nil {
		return s, err
	}
	run := &syncRun{People: p, SyncOptions: o, c: c, state: s, began: p.Now()}
	run.leavers = &leavers{run: run}
	err = run.all(ctx)
	state := run.ended(err)
	done := context.WithoutCancel(ctx)
	if !o.DryRun {
		text, bad := json.Marshal(state)
		if bad == nil {
			bad = p.Connections.SetState(done, c.ID, syncTask, string(text))
		}
		err = errors.Join(err, bad)
		if r := run.report(err); r.tells() {
			err = errors.Join(err, p.Journal.Ran(done, c.ID, r))
		}
		if !errors.Is(err, context.Canceled) && !errors.Is(err, ErrLost) {
			err = errors.Join(err, p.Connections.Heard(done, c.ID, p.Now(), err))
		}
	}
	return state, errors.Join(err, p.Connections.Claim(done, c.ID, syncTask, p.Holder, p.Now()))
}

// syncRun is one run.
type syncRun struct {
	*People
	SyncOptions
	c       Connection
	state   SyncState
	counts  SyncCounts
	began   time.Time
	latest  time.Time // change that was seen
	leavers *leavers
	bad     []SyncTrouble
	parted  bool // a link is gone
}

// ended notes how the run went.
func (r *syncRun) ended(err error) SyncState {
	s := r.state
	s.Ran, s.Last, s.Troubles = r.began, r.counts, r.bad
	s.Total = s.Total.plus(r.counts)
	if r.parted {
		s.Unlinked = r.Now()
	}
	if errors.Is(err, ErrLost) { // nothing of the Odoo's
		s.Groups = time.Time{} // everybody again
		return s
	}
	if err != nil {
		why := Why(err)
		s.Failures, s.Failure, s.Why = s.Failures+1, err.Error(), &why
		s.Groups = time.Time{} // everybody again
		return s
	}
	s.Failures, s.Failure, s.Why, s.Succeeded = 0, "", nil, r.began
	if r.latest.After(s.Mark) {
		s.Mark = r.latest
	}
	if r.Full {
		s.Swept = r.began
	}
	return s
}

func (r *syncRun) all(ctx context.Context) error {
	client, err := r.client(ctx, r.c)
	if err != nil {
		return err
	}
	from, err := OpenRPC(ctx, client, wanted(r.c))
	if err != nil {
		return err
	}
	from.SignUp(r.c.Facts.OpenSignup)
	if r.state.Mark.IsZero() || r.began.Sub(r.state.Swept) >= syncSweep {
		r.Full = true
	}
	groups, err := from.written(ctx)
	if err != nil {
		return err
	}
	if !groups.Equal(r.state.Groups) {
		r.Full, r.state.Groups = true, groups
	}
	if err := r.incoming(ctx, from); err != nil {
		return err
	}
	if err := r.leavers.disable(ctx); err != nil {
		return err
	}
	return outgoing{r, client}.all(ctx)
}

// incoming reads what changed in Odoo, or everybody.
func (r *syncRun) incoming(ctx context.Context, from *RPC) error {
	after := int64(0)
	if err := from.Begin(ctx, false); err != nil {
		return err
	}
	for {
		if err := r.goesOn(ctx); err != nil {
			return err
		}
		read := from.Next
		if !r.Full {
			read = func(ctx context.Context) ([]Person, error) {
				return from.changed(ctx, r.state.Mark.Add(-syncBack), after)
			}
		}
		all, err := read(ctx)
		if err != nil {
			return err
		}
		if r.Full {
			if err := r.leavers.missing(ctx, after, all); err != nil {
				return err
			}
		}
		if len(all) == 0 {
			return nil
		}
		if err := r.page(ctx, all, from.open); err != nil {
			return err
		}
		after = all[len(all)-1].ID
	}
}

// goesOn keeps the work for this instance, if whoever set it going may do it yet.
func (r *syncRun) goesOn(ctx context.Context) error {
	if r.still != nil {
		if err := r.still(ctx); err != nil {
			return err
		}
	}
	return r.Connections.Claim(ctx, r.c.ID, syncTask, r.Holder, r.Now().Add(syncLease))
}

// page brings some people in step.
func (r *syncRun) page(ctx context.Context, all []Person, open bool) error {
	var ids []int64
	for _, p := range all {
		ids = append(ids, p.ID)
		if p.Written.After(r.latest) {
			r.latest = p.Written
		}
	}
	r.counts.Read += len(all)
	ties, err := r.Ties.ByOdoo(ctx, r.c.ID, ids)
	if err != nil {
		return err
	}
	var who []idp.UserID
	for _, h := range ties {
		if !h.Gone {
			who = append(who, h.User)
		}
	}
	us, err := r.Directory.People(ctx, who)
	if err != nil {
		return err
	}
	people := map[idp.UserID]idp.User{}
	for _, u := range us {
		people[u.ID] = u
	}
	if err := r.strange(all, ties); err != nil {
		return err
	}
	var fresh []Person
	for _, p := range all {
		held, ok := ties[p.ID]
		switch {
		case !ok:
			fresh = append(fresh, p)
		case !held.Gone:
			if err := pairOf(r, p, held, people[held.User]).step(ctx); err != nil {
				return err
			}
		}
	}
	return r.create(ctx, fresh, open)
}

// trouble notes somebody who could not be brought in step.
func (r *syncRun) trouble(odoo int64, login string, n Note) {
	r.counts.Failed++
	r.note(odoo, login, "", n)
}

// note keeps the first few, for people to look at.
func (r *syncRun) note(odoo int64, login string, class Class, n Note) {
	const most = 20
	if class != "" {
		n.Text = string(class) + ": " + n.Text
	}
	if len(r.bad) < most {
		r.bad = append(r.bad, SyncTrouble{odoo, login, n.Text, class, n.Said})
	}
}

func (r *syncRun) tell(what string, h Held, n Note) error {
	if r.Found == nil {
		return nil
	}
	return r.Found(SyncChange{What: what, Odoo: h.Odoo, Login: h.Login, Text: n.Text, Said: n.Said})
}

// do tells of a change and makes it, unless this is a dry run.
func (r *syncRun) do(what string, held Held, n Note, change func() error) error {
	if err := r.tell(what, held, n); err != nil || r.DryRun {
		return err
	}
	return change()
}
