package rulebook

import (
	"context"
	"errors"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// Rename renames a group; policies, drafts and applications that name it follow,
// all at once.
func (g *Groups) Rename(ctx context.Context, by idp.Actor, from, to string) error {
	is, err := g.own(ctx, by, "group.rename", from)
	if err != nil {
		return err
	}
	if to, err = checkGroup(to); err != nil {
		return err
	}
	if to == from {
		return nil
	}
	if err := g.open(ctx, to); err != nil {
		return err
	}
	if len(is.Policies) > 0 {
		err = errors.Join(err, by.May(idp.EditRules))
	}
	if len(is.Clients) > 0 {
		err = errors.Join(err, by.May(idp.EditClients))
	}
	if err != nil {
		return err
	}
	steps, drafts, clients, err := g.followers(ctx, is, to)
	if err != nil {
		return err
	}
	who, err := g.who(ctx, by)
	if err != nil {
		return err
	}
	err = g.Atomic(ctx, func(ctx context.Context) error {
		errs := []error{g.Groups.Rename(ctx, from, to), g.event(ctx, by, "group.rename", "ok", map[string]string{"name.before": from, "name.after": to})}
		for _, st := range steps {
			_, err := g.write(ctx, by, st, who, from+" → "+to)
			errs = append(errs, err)
		}
		for _, d := range drafts {
			errs = append(errs, g.Store.SaveDraft(ctx, d))
		}
		for _, c := range clients {
			errs = append(errs, g.Clients.Save(ctx, c), g.event(ctx, by, "client.update", "ok", map[string]string{"client": string(c.ID), "groups.before": from, "groups.after": to}))
		}
		return errors.Join(errs...)
	})
	if errors.Is(err, idp.ErrSpent) {
		return g.quicker(ctx, steps, err)
	}
	return err
}

// followers are what names a group, as it will be when that has another name.
func (g *Groups) followers(ctx context.Context, is Group, to string) (steps []step, drafts []Draft, clients []oidc.Client, err error) {
	follow := func(names []string) []string {
		out := slices.Clone(names)
		for i, n := range out {
			if strings.EqualFold(n, is.Name) {
				out[i] = to
			}
		}
		return out
	}
	// What follows is for the house to know: renaming takes no right to read it.
	there, fresh, err := g.Service.List(ctx, idp.Actor{Host: true})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, e := range there {
		base := 0 // how far a draft's own base moves on
		if after := follow(e.Policy.Whom.Groups); !slices.Equal(after, e.Policy.Whom.Groups) {
			p := e.Policy
			p.Whom.Groups = after
			steps = append(steps, step{act: Renamed, was: e.Policy, is: p, last: e.Version, known: true})
			base = max(e.Version, 1) + 1
		}
		if d := e.Draft; d != nil {
			moved := *d
			moved.Policy.Whom.Groups = follow(d.Policy.Whom.Groups)
			if base > 0 && d.Base == e.Version {
				moved.Base = base // nobody published anything else
			}
			if moved.Base != d.Base || !slices.Equal(moved.Policy.Whom.Groups, d.Policy.Whom.Groups) {
				moved.Version++
				drafts = append(drafts, moved)
			}
		}
	}
	for _, d := range fresh {
		if after := follow(d.Policy.Whom.Groups); !slices.Equal(after, d.Policy.Whom.Groups) {
			d.Policy.Whom.Groups = after
			d.Version++
			drafts = append(drafts, d)
		}
	}
	clients, err = g.opened(ctx, is, to)
	return steps, drafts, clients, err
}

// opened are the applications that are for a group alone, as they will be.
func (g *Groups) opened(ctx context.Context, is Group, to string) (out []oidc.Client, err error) {
	for _, c := range is.Clients {
		client, err := g.Clients.ByID(ctx, idp.ClientID(c.ID))
		if err != nil {
			return nil, err
		}
		client.Groups = slices.Clone(client.Groups)
		for i, n := range client.Groups {
			if n == is.Name {
				client.Groups[i] = to
			}
		}
		out = append(out, client)
	}
	return out, nil
}
