package connector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
)

// masked is a connection without its key (SECURITY.md D-06).
func masked(c Connection) Connection {
	c.Key = ""
	return c
}

// List returns all connections by id, without their keys.
func (s *Service) List(ctx context.Context, by idp.Actor) ([]Connection, error) {
	if err := by.May(idp.SeeOdoo); err != nil {
		return nil, err
	}
	all, err := s.Connections.All(ctx)
	for i := range all {
		all[i] = masked(all[i])
	}
	return all, err
}

// Get returns one connection without its key, or idp.ErrNotFound.
func (s *Service) Get(ctx context.Context, by idp.Actor, id string) (Connection, error) {
	if err := by.May(idp.SeeOdoo); err != nil {
		return Connection{}, err
	}
	c, err := s.Connections.ByID(ctx, id)
	return masked(c), err
}

// Runs lists the last runs of the synchronisation that did something or failed.
func (s *Service) Runs(ctx context.Context, by idp.Actor, id string) ([]SyncRun, error) {
	if err := by.May(idp.SeeOdoo); err != nil {
		return nil, err
	}
	return s.Journal.Runs(ctx, id, JournalKeep)
}

// Cases lists people of whom nobody can tell which user of that Odoo they are. It
// needs the right to see people, too (SECURITY.md D-01).
func (s *Service) Cases(ctx context.Context, by idp.Actor, id string) ([]Case, error) {
	if err := errors.Join(by.May(idp.SeeOdoo), by.May(idp.SeePeople)); err != nil {
		return nil, err
	}
	const most = 50
	return s.Journal.Cases(ctx, id, most)
}

// CloseCase forgets a case that an administrator has looked at. It comes back when
// it is not solved.
func (s *Service) CloseCase(ctx context.Context, by idp.Actor, id string, u idp.UserID) error {
	if err := may(by); err != nil {
		return err
	}
	c, err := s.Connections.ByID(ctx, id)
	if err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Journal.Settled(ctx, id, u), s.note(ctx, by, "odoo.case_settled", c, map[string]string{"user": string(u)}))
	})
}

// Databases lists the databases of an Odoo that is not connected yet; none
// where it does not say. Odoo Online has one, and names it in its address.
func (s *Service) Databases(ctx context.Context, by idp.Actor, address string) ([]string, error) {
	if err := may(by); err != nil {
		return nil, err
	}
	at, err := addressOf(address)
	if err != nil {
		return nil, err
	}
	all, err := rpc.Databases(ctx, s.config(Connection{URL: at}))
	if errors.Is(err, rpc.ErrDenied) || errors.Is(err, rpc.ErrNotOdoo) {
		return nil, nil // it does not list them; whether it is an Odoo shows when somebody signs in
	}
	return all, err
}

// addressOf reads what somebody typed for an Odoo's address.
func addressOf(typed string) (string, error) {
	at := strings.TrimRight(strings.TrimSpace(typed), "/")
	if !strings.Contains(at, "://") {
		at = "https://" + at
	}
	if origin(at) == "" {
		return "", refuse("refused.url", idp.ErrInvalid, typed)
	}
	return at, nil
}

// mayPeople is may for what an Odoo does to people here: it acts as the house,
// so whoever sets it going must be allowed to change people themselves
// (SECURITY.md D-01).
func mayPeople(by idp.Actor) error { return errors.Join(may(by), by.May(idp.EditPeople)) }

// Configure changes the settings of a connection. They say what its Odoo does to
// people, so it needs the right to change people, too.
func (s *Service) Configure(ctx context.Context, by idp.Actor, id string, change func(*Settings)) (Connection, error) {
	if err := mayPeople(by); err != nil {
		return Connection{}, err
	}
	c, err := s.Connections.ByID(ctx, id)
	if err != nil {
		return c, err
	}
	kept := c
	kept.Settings.Groups = maps.Clone(c.Settings.Groups) // a change may write into it
	was := recorded(c.Settings)
	change(&c.Settings)
	if err := errors.Join(c.Settings.Import.Check(), s.unfed(ctx, by, kept, c.Settings.Groups)); err != nil {
		return masked(c), err
	}
	detail := idp.Diff(was, recorded(c.Settings))
	if len(detail) == 0 {
		return masked(c), nil
	}
	return masked(c), s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Connections.Save(ctx, c), s.note(ctx, by, "odoo.settings", c, detail))
	})
}

// recorded is what the log says of settings.
func recorded(s Settings) map[string]string {
	out := map[string]string{"only": string(s.Import.Only)}
	for name, on := range map[string]bool{"archive": s.Archive, "contacts": s.Contacts, "trickle": s.Trickle, "leads": s.Leads, "sync": s.Sync, "companies": s.Import.Companies} {
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

// SyncNow is Sync at an administrator's word. It needs the right to change people,
// too. What the house would not do by itself, because it does not keep that Odoo
// in step or takes it for an accident, and what is only looked at, ends when they lose one, or what
// let them in (SECURITY.md D-04). The rest goes on: the house would do it again
// within seconds.
func (p *People) SyncNow(ctx context.Context, by idp.Actor, id string, o SyncOptions) (SyncState, error) {
	if err := mayPeople(by); err != nil {
		return SyncState{}, err
	}
	c, err := p.Connections.ByID(ctx, id)
	if err != nil {
		return SyncState{}, err
	}
	if o.Force || o.DryRun || !c.Settings.Sync {
		o.still = func(ctx context.Context) (err error) {
			by, err = p.still(ctx, by, o.Callers, mayPeople)
			return err
		}
		if err := o.still(ctx); err != nil {
			return SyncState{}, err
		}
	}
	if !o.DryRun {
		if err := p.note(ctx, by, "odoo.sync", c, map[string]string{"full": fmt.Sprint(o.Full), "force": fmt.Sprint(o.Force)}); err != nil {
			return SyncState{}, err
		}
	}
	return p.Sync(ctx, c, o)
}

// LinkAll is Link for a connection by its id. It needs the right to change people, too.
func (p *People) LinkAll(ctx context.Context, by idp.Actor, id string, run Linking) (LinkReport, error) {
	if err := mayPeople(by); err != nil {
		return LinkReport{}, err
	}
	c, err := p.Connections.ByID(ctx, id)
	if err != nil {
		return LinkReport{}, err
	}
	return p.Link(ctx, by, c, run)
}
