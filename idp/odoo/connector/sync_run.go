package connector

import (
	"context"
	"errors"
	"time"

	"latchkey/idp"
)

// syncRun is one run.
type syncRun struct {
	*Synchroniser
	SyncOptions
	c       Connection
	state   SyncState
	counts  SyncCounts
	began   time.Time
	latest  time.Time // change that was seen
	leavers *leavers
	bad     []SyncTrouble
	parted  bool // a link is gone
	keeper  *keeper
	came    []newcomer
	open    func(context.Context) (bool, error) // sign-up there, now
}

// ended notes how the run went.
func (r *syncRun) ended(err error) SyncState {
	s := r.state
	s.Ran, s.Last, s.Troubles = r.began, r.counts, r.bad
	s.Total = s.Total.plus(r.counts)
	if r.parted {
		s.Unlinked = r.book.now()
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
	client, err := r.lines.client(ctx, r.c)
	if err != nil {
		return err
	}
	from, err := OpenRPC(ctx, client, wanted(r.c))
	if err != nil {
		return err
	}
	r.open = once(func(ctx context.Context) (bool, error) { return signUpNow(ctx, client, r.c.Facts) })
	if r.keeper, err = r.keeps(ctx, client); err != nil {
		return err
	}
	if r.keeper.on {
		from.SignIns()
	}
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
	if err := (outgoing{r, client}).all(ctx); err != nil {
		return err
	}
	return r.keeper.lock(ctx)
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
		if err := r.page(ctx, all); err != nil {
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
	return r.book.connections.Claim(ctx, r.c.ID, syncTask, r.holder, r.book.now().Add(syncLease))
}

// page brings some people in step.
func (r *syncRun) page(ctx context.Context, all []Person) error {
	var ids []int64
	for _, p := range all {
		ids = append(ids, p.ID)
		if p.Written.After(r.latest) {
			r.latest = p.Written
		}
	}
	r.counts.Read += len(all)
	r.keeper.see(all)
	ties, err := r.ties.ByOdoo(ctx, r.c.ID, ids)
	if err != nil {
		return err
	}
	var who []idp.UserID
	for _, h := range ties {
		if !h.Gone {
			who = append(who, h.User)
		}
	}
	us, err := r.directory.People(ctx, who)
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
	return r.create(ctx, fresh)
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
