package connector

import (
	"context"
	"errors"

	"latchkey/idp"
)

// Disabling so many at once, and such a part of those who were read, is taken
// for an accident: a restored backup, a wrong database.
const (
	accidentLeast = 20
	accidentPart  = 4 // a quarter
)

// endBatch is how many are disabled between two looks at who set it going.
const endBatch = 50

// ErrAccident means that a run would do more to people than is likely to be meant.
var ErrAccident = errors.New("this would change so many people that it is taken for an accident")

// ending is somebody who is to be disabled here.
type ending struct {
	held Held
	seen Seen
}

// leavers are those whom Odoo has archived or deleted; a run disables them here.
type leavers struct {
	run *syncRun
	all []ending
}

// add notes somebody with what is then known of them.
func (l *leavers) add(held Held, seen Seen) { l.all = append(l.all, ending{held, seen}) }

// missing finds those whose user was deleted in Odoo: ties within a page that
// reads everybody, of users who are not on it.
func (l *leavers) missing(ctx context.Context, after int64, all []Person) error {
	there := map[int64]bool{}
	for _, p := range all {
		there[p.ID] = true
	}
	for {
		ties, err := l.run.ties.Page(ctx, TieQuery{Connection: l.run.c.ID, After: after})
		if err != nil || len(ties) == 0 {
			return err
		}
		for _, h := range ties {
			if len(all) > 0 && h.Odoo > all[len(all)-1].ID {
				return nil
			}
			if !there[h.Odoo] && h.Closed == Open && !h.Gone && !h.Disabled {
				l.add(h, h.Seen)
			}
			after = h.Odoo
		}
	}
}

// disable shuts out whom Odoo has archived or deleted, and ends their sessions.
func (l *leavers) disable(ctx context.Context) error {
	if err := l.spare(ctx); err != nil {
		return err
	}
	if n := len(l.all); n > accidentLeast && !l.run.Force {
		all, err := l.run.ties.Count(ctx, l.run.c.ID)
		if err != nil {
			return err
		}
		if n > all/accidentPart {
			return refuse("accident.ended", ErrAccident, n, all)
		}
	}
	for i, e := range l.all {
		if i%endBatch == 0 {
			if err := l.run.goesOn(ctx); err != nil {
				return err
			}
		}
		if err := l.run.tell("disable", e.held, Note{}); err != nil {
			return err
		}
		l.run.counts.Disabled++
		if l.run.DryRun {
			continue
		}
		tie := e.held.Tie
		tie.Closed, tie.Seen = ClosedThere, e.seen
		err := l.run.accounts.Atomic(ctx, func(ctx context.Context) error {
			return errors.Join(l.run.accounts.Disable(ctx, syncActor(l.run.c), tie.User), l.run.ties.Save(ctx, tie))
		})
		if err != nil && !errors.Is(err, idp.ErrNotFound) {
			return err
		}
	}
	return nil
}

// spare takes those out who have a role here: an Odoo shuts nobody out who
// administers this house, least of all its last owner (SECURITY.md D-02, D-05).
func (l *leavers) spare(ctx context.Context) error {
	held := map[int64]Held{}
	for _, e := range l.all {
		held[e.held.Odoo] = e.held
	}
	roles, err := staff(ctx, l.run.directory, held)
	if err != nil {
		return err
	}
	var stay []ending
	for _, e := range l.all {
		if !roles[e.held.User] {
			stay = append(stay, e)
			continue
		}
		l.run.counts.LeftOut++
		l.run.note(e.held.Odoo, e.held.Login, "", say("sync.spared"))
	}
	l.all = stay
	return nil
}

// strange refuses users of whom most have another login than they had: that is
// another database under the same name, and its people are others.
func (r *syncRun) strange(all []Person, ties map[int64]Held) error {
	const few = 5
	renamed := 0
	for _, p := range all {
		if h, ok := ties[p.ID]; ok && !h.Gone && h.Login != p.Login {
			renamed++
		}
	}
	if renamed > few && renamed > len(ties)/2 && !r.Force {
		return refuse("accident.renamed", ErrAccident, renamed, len(ties))
	}
	return nil
}
