package connector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// Disabling so many at once, and such a part of those who were read, is taken
// for an accident: a restored backup, a wrong database.
const (
	accidentLeast = 20
	accidentPart  = 4 // a quarter
)

// ErrAccident means that a run would disable more people than is likely to be
// meant.
var ErrAccident = errors.New("this would disable so many people that it is taken for an accident")

// SyncState is how a connection that is kept in step stands.
type SyncState struct {
	Mark      time.Time     `json:"mark"`      // the latest change in Odoo that is known here
	Swept     time.Time     `json:"swept"`     // when everybody was compared last
	Groups    time.Time     `json:"groups"`    // when a group that matters was written last, at that time
	Ran       time.Time     `json:"ran"`       // the last run
	Succeeded time.Time     `json:"succeeded"` // the last that worked
	Failures  int           `json:"failures"`  // in a row
	Failure   string        `json:"failure,omitempty"`
	Last      SyncCounts    `json:"last"`  // what the last run did
	Total     SyncCounts    `json:"total"` // what all runs did
	Troubles  []SyncTrouble `json:"troubles,omitempty"`
}

// SyncTrouble is somebody who could not be brought in step.
type SyncTrouble struct {
	Odoo  int64  `json:"odoo_id"`
	Login string `json:"login"`
	Text  string `json:"message"`
}

// due is when a connection runs again: later and later while nothing works.
func (s SyncState) due() time.Time {
	wait := syncEvery
	for range s.Failures {
		wait = min(2*wait, syncWorst)
	}
	return s.Ran.Add(wait)
}

// SyncOptions say how one run goes.
type SyncOptions struct {
	DryRun bool
	Full   bool // look at everybody
	Force  bool // what looks like an accident is meant
	// Found, if set, is told what is done to whom.
	Found func(SyncChange) error
}

// SyncChange is one thing that was done, or in a dry run would be.
type SyncChange struct {
	What  string `json:"what"` // create, change, disable, enable, archive, restore, failed
	Odoo  int64  `json:"odoo_id"`
	Login string `json:"login"`
	Text  string `json:"message,omitempty"`
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
		all, err := p.Connections.All(ctx)
		if err != nil && ctx.Err() == nil {
			fault("", err)
		}
		for _, c := range all {
			p.links.forget(noConnection(c.Client))
			if !c.Settings.Sync {
				continue
			}
			if err := p.syncDue(ctx, c); err != nil && ctx.Err() == nil {
				fault(c.ID, err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// syncDue runs a connection if it is due and nobody else has it.
func (p *People) syncDue(ctx context.Context, c Connection) error {
	s, err := p.SyncState(ctx, c.ID)
	if err != nil || p.Now().Before(s.due()) {
		return err
	}
	_, err = p.Sync(ctx, c, SyncOptions{})
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
	err = run.all(ctx)
	state := run.ended(err)
	done := context.WithoutCancel(ctx)
	if !o.DryRun {
		text, bad := json.Marshal(state)
		if bad == nil {
			bad = p.Connections.SetState(done, c.ID, syncTask, string(text))
		}
		err = errors.Join(err, bad)
		if !errors.Is(err, context.Canceled) {
			err = errors.Join(err, p.Connections.Heard(done, c.ID, p.Now(), err))
		}
	}
	return state, errors.Join(err, p.Connections.Claim(done, c.ID, syncTask, p.Holder, p.Now()))
}

// syncRun is one run.
type syncRun struct {
	*People
	SyncOptions
	c      Connection
	state  SyncState
	counts SyncCounts
	began  time.Time
	latest time.Time // change that was seen
	ending []ending
	bad    []SyncTrouble
}

// ending is somebody who is to be disabled here.
type ending struct {
	held Held
	seen Seen
}

// ended notes how the run went.
func (r *syncRun) ended(err error) SyncState {
	s := r.state
	s.Ran, s.Last, s.Troubles = r.began, r.counts, r.bad
	s.Total = s.Total.plus(r.counts)
	if err != nil {
		s.Failures, s.Failure = s.Failures+1, err.Error()
		s.Groups = time.Time{} // everybody again
		return s
	}
	s.Failures, s.Failure, s.Succeeded = 0, "", r.began
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
	if err := r.end(ctx); err != nil {
		return err
	}
	return r.outgoing(ctx, client)
}

// incoming reads what changed in Odoo, or everybody.
func (r *syncRun) incoming(ctx context.Context, from *RPC) error {
	after := int64(0)
	if err := from.Begin(ctx, false); err != nil {
		return err
	}
	for {
		if err := r.Connections.Claim(ctx, r.c.ID, syncTask, r.Holder, r.Now().Add(syncLease)); err != nil {
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
			if err := r.missing(ctx, after, all); err != nil {
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
	var fresh []Person
	for _, p := range all {
		held, ok := ties[p.ID]
		switch {
		case !ok:
			fresh = append(fresh, p)
		case !held.Gone:
			if err := r.step(ctx, p, held, people[held.User]); err != nil {
				return err
			}
		}
	}
	return r.create(ctx, fresh, open)
}

// create brings in who is new, by the same rules as the import.
func (r *syncRun) create(ctx context.Context, all []Person, open bool) error {
	all = slices.DeleteFunc(all, func(p Person) bool { return !candidateThere(p) })
	if len(all) == 0 {
		return nil
	}
	i := Import{Accounts: r.Accounts, Directory: r.Directory, Ties: r.Ties, Connection: r.c, DryRun: r.DryRun}
	var out []ImportFinding
	i.Found = func(f ImportFinding) error {
		if f.Out {
			out = append(out, f)
		}
		return nil
	}
	report, err := i.Run(ctx, syncActor(r.c), &listed{all: all, open: open})
	r.counts.Created += report.Added
	if err != nil {
		return err
	}
	for _, f := range out {
		if f.Class != Template && f.Class != NoKind {
			r.counts.LeftOut++
			r.note(f.Odoo, f.Login, string(f.Class)+": "+f.Text)
		}
	}
	for _, p := range all {
		left := slices.ContainsFunc(out, func(f ImportFinding) bool { return f.Odoo == p.ID })
		if r.Found != nil && !left {
			if err := r.Found(SyncChange{What: "create", Odoo: p.ID, Login: p.Login}); err != nil {
				return err
			}
		}
	}
	return nil
}

// trouble notes somebody who could not be brought in step.
func (r *syncRun) trouble(odoo int64, login, text string) {
	r.counts.Failed++
	r.note(odoo, login, text)
}

// note keeps the first few, for people to look at.
func (r *syncRun) note(odoo int64, login, text string) {
	const most = 20
	if len(r.bad) < most {
		r.bad = append(r.bad, SyncTrouble{odoo, login, text})
	}
}

func (r *syncRun) tell(what string, h Held, text string) error {
	if r.Found == nil {
		return nil
	}
	return r.Found(SyncChange{What: what, Odoo: h.Odoo, Login: h.Login, Text: text})
}

// missing finds those whose user was deleted in Odoo: ties within a page that
// reads everybody, of users who are not on it.
func (r *syncRun) missing(ctx context.Context, after int64, all []Person) error {
	there := map[int64]bool{}
	for _, p := range all {
		there[p.ID] = true
	}
	for {
		ties, err := r.Ties.Page(ctx, TieQuery{Connection: r.c.ID, After: after})
		if err != nil || len(ties) == 0 {
			return err
		}
		for _, h := range ties {
			if len(all) > 0 && h.Odoo > all[len(all)-1].ID {
				return nil
			}
			if !there[h.Odoo] && h.Closed == Open && !h.Gone && !h.Disabled {
				r.ending = append(r.ending, ending{held: h, seen: h.Seen})
			}
			after = h.Odoo
		}
	}
}

// end disables whom Odoo has archived or deleted, and ends their sessions.
func (r *syncRun) end(ctx context.Context) error {
	if n := len(r.ending); n > accidentLeast && !r.Force {
		all, err := r.Ties.Count(ctx, r.c.ID)
		if err != nil {
			return err
		}
		if n > all/accidentPart {
			return fmt.Errorf("%w: %d of %d; if it is meant, run `latchkey odoo sync %s --once --force`", ErrAccident, n, all, r.c.ID)
		}
	}
	for _, e := range r.ending {
		if err := r.tell("disable", e.held, ""); err != nil {
			return err
		}
		r.counts.Disabled++
		if r.DryRun {
			continue
		}
		tie := e.held.Tie
		tie.Closed, tie.Seen = ClosedThere, e.seen
		err := r.Accounts.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(r.Accounts.Disable(ctx, syncActor(r.c), tie.User), r.Ties.Save(ctx, tie))
		})
		if err != nil && !errors.Is(err, idp.ErrNotFound) {
			return err
		}
	}
	return nil
}

// listed are users that were read already.
type listed struct {
	all  []Person
	open bool
	done bool
}

func (l *listed) Begin(context.Context, bool) error { l.done = false; return nil }

func (l *listed) Next(context.Context) ([]Person, error) {
	if l.done {
		return nil, nil
	}
	l.done = true
	return slices.Clone(l.all), nil
}

func (l *listed) Part() float64 { return 1 }

func (l *listed) OpenSignUp() bool { return l.open }
