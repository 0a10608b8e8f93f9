package connector

import (
	"context"
	"errors"
	"fmt"

	"latchkey/idp"
)

// Disabling so many at once, and such a part of those who were read, is taken
// for an accident: a restored backup, a wrong database.
const (
	accidentLeast = 20
	accidentPart  = 4 // a quarter
)

// ErrAccident means that a run would do more to people than is likely to be meant.
var ErrAccident = errors.New("this would change so many people that it is taken for an accident")

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
	if err := r.spareEnding(ctx); err != nil {
		return err
	}
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

// spareEnding takes those out of ending who have a role here: an Odoo shuts nobody
// out who administers this house, least of all its last owner (SECURITY.md D-02,
// D-05).
func (r *syncRun) spareEnding(ctx context.Context) error {
	held := map[int64]Held{}
	for _, e := range r.ending {
		held[e.held.Odoo] = e.held
	}
	staff, err := r.staff(ctx, held)
	if err != nil {
		return err
	}
	var stay []ending
	for _, e := range r.ending {
		if !staff[e.held.User] {
			stay = append(stay, e)
			continue
		}
		r.counts.LeftOut++
		r.note(e.held.Odoo, e.held.Login, spared)
	}
	r.ending = stay
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
		return fmt.Errorf("%w: %d of %d users have another login than before: is this another database?", ErrAccident, renamed, len(ties))
	}
	return nil
}
