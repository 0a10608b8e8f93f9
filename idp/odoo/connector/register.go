package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"latchkey/idp"
)

// masked is a connection without its key (SECURITY.md D-06).
func masked(c Connection) Connection {
	c.Key = ""
	return c
}

// Register is what administrators see of connections, and choose for them.
type Register struct {
	book    *Book
	journal Journal
}

// List returns all connections by id, without their keys.
func (r *Register) List(ctx context.Context, by idp.Actor) ([]Connection, error) {
	if err := by.May(idp.SeeOdoo); err != nil {
		return nil, err
	}
	all, err := r.book.connections.All(ctx)
	for i := range all {
		all[i] = masked(all[i])
	}
	return all, err
}

// Get returns one connection without its key, or idp.ErrNotFound.
func (r *Register) Get(ctx context.Context, by idp.Actor, id string) (Connection, error) {
	if err := by.May(idp.SeeOdoo); err != nil {
		return Connection{}, err
	}
	c, err := r.book.connections.ByID(ctx, id)
	return masked(c), err
}

// Runs lists the last runs of the synchronisation that did something or failed.
func (r *Register) Runs(ctx context.Context, by idp.Actor, id string) ([]SyncRun, error) {
	if err := by.May(idp.SeeOdoo); err != nil {
		return nil, err
	}
	return r.journal.Runs(ctx, id, JournalKeep)
}

// Cases lists people of whom nobody can tell which user of that Odoo they are. It
// needs the right to see people, too (SECURITY.md D-01).
func (r *Register) Cases(ctx context.Context, by idp.Actor, id string) ([]Case, error) {
	if err := errors.Join(by.May(idp.SeeOdoo), by.May(idp.SeePeople)); err != nil {
		return nil, err
	}
	const most = 50
	return r.journal.Cases(ctx, id, most)
}

// CloseCase forgets a case that an administrator has looked at. It comes back when
// it is not solved.
func (r *Register) CloseCase(ctx context.Context, by idp.Actor, id string, u idp.UserID) error {
	if err := may(by); err != nil {
		return err
	}
	c, err := r.book.connections.ByID(ctx, id)
	if err != nil {
		return err
	}
	return r.book.atomic(ctx, func(ctx context.Context) error {
		return errors.Join(r.journal.Settled(ctx, id, u), r.book.note(ctx, by, "odoo.case_settled", c, map[string]string{"user": string(u)}))
	})
}

// mayPeople is may for what an Odoo does to people here: it acts as the house,
// so whoever sets it going must be allowed to change people themselves
// (SECURITY.md D-01).
func mayPeople(by idp.Actor) error { return errors.Join(may(by), by.May(idp.EditPeople)) }

// Configure changes the settings of a connection. They say what its Odoo does to
// people, so it needs the right to change people, too.
func (r *Register) Configure(ctx context.Context, by idp.Actor, id string, change func(*Settings)) (Connection, error) {
	if err := mayPeople(by); err != nil {
		return Connection{}, err
	}
	c, err := r.book.connections.ByID(ctx, id)
	if err != nil {
		return c, err
	}
	kept := c
	kept.Settings.Groups = maps.Clone(c.Settings.Groups) // a change may write into it
	was := recorded(c.Settings)
	change(&c.Settings)
	if err := errors.Join(c.Settings.Import.Check(), r.unfed(ctx, by, kept, c.Settings.Groups)); err != nil {
		return masked(c), err
	}
	detail := idp.Diff(was, recorded(c.Settings))
	if len(detail) == 0 {
		return masked(c), nil
	}
	return masked(c), r.book.atomic(ctx, func(ctx context.Context) error {
		errs := []error{r.book.connections.Save(ctx, c)}
		if kept.Settings.Invite && !c.Settings.Invite { // who waits is not mailed when it is turned on again
			errs = append(errs, r.book.connections.SetState(ctx, c.ID, inviteState, ""))
		}
		return errors.Join(append(errs, r.book.note(ctx, by, "odoo.settings", c, detail))...)
	})
}

// recorded is what the log says of settings.
func recorded(s Settings) map[string]string {
	out := map[string]string{"only": string(s.Import.Only)}
	for name, on := range map[string]bool{"archive": s.Archive, "contacts": s.Contacts, "newcomers": s.Newcomers, "trickle": s.Trickle, "leads": s.Leads, "sync": s.Sync, "invite": s.Invite, "keep_locked": s.KeepLocked, "companies": s.Import.Companies} {
		out[name] = fmt.Sprint(on)
	}
	for there, here := range s.Groups {
		out["group "+there] = here
	}
	for class, choice := range s.Import.On {
		out["on "+string(class)] = string(choice)
	}
	return out
}

// unfed refuses groups here that another connection fills, unless they were this
// one's before: one Odoo must not put people into another's groups (SECURITY.md
// D-02). Like everything about groups that are filled, it does not keep the host.
func (r *Register) unfed(ctx context.Context, by idp.Actor, kept Connection, groups map[string]string) error {
	if by.Host {
		return nil
	}
	all, err := r.book.connections.All(ctx)
	if err != nil {
		return err
	}
	next := kept
	next.Settings.Groups = groups
	for _, there := range slices.Sorted(maps.Keys(groups)) {
		here := groupHere(next, there)
		if follows(kept, here) {
			continue
		}
		for _, other := range all {
			if other.ID != kept.ID && follows(other, here) {
				err = errors.Join(err, refuse("refused.fed", idp.ErrInvalid, here, other.ID))
			}
		}
	}
	return err
}
