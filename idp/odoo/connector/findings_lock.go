package connector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/idp/odoo/rpc"
)

// past finds who came into Odoo past us though they are locked, and leaves an
// event about it.
func (p *patient) past(ctx context.Context) ([]Finding, error) {
	of := passers{p.book, p.journal, p.c, p.locked}
	var linked []odooUser
	except := p.c.exempt()
	for _, u := range p.people {
		if p.c.knows(u) && !slices.Contains(except, strings.ToLower(u.Login)) {
			linked = append(linked, u)
		}
	}
	past, err := of.among(ctx, linked)
	if err != nil || len(past) == 0 {
		return nil, err
	}
	keys, err := keyed(ctx, p.r, p.c.Facts, past)
	if err != nil {
		return nil, err
	}
	var with, without []string
	var ids []int64
	for _, u := range past {
		line := fmt.Sprintf("%s (%s)", u.Login, u.Came.UTC().Format(time.RFC3339))
		if keys[u.ID] {
			with = append(with, line)
		} else {
			without, ids = append(without, line), append(ids, u.ID)
		}
	}
	var out []Finding
	const cure = "`latchkey odoo lock` replaces their passwords again; `latchkey odoo set --keep-locked on` does it by itself"
	if len(without) > 0 {
		f := one("signed_in_past_us.password", Problem, cure, len(without), some(without))
		f.which = ids
		out = append(out, f)
	}
	if len(with) > 0 {
		out = append(out, one("signed_in_past_us.key", Advice, cure+"; it comes back as long as they have the key: remove it in Odoo, or leave it be", len(with), some(with)))
	}
	return out, of.tell(ctx, past)
}

// screens are groups of an Odoo whose people have their screen locked when they
// are away; Odoo 19 has a module for it. The way out is a password of Odoo's.
func screens(ctx context.Context, r *rpc.Client, f Facts) (names []string, err error) {
	if !f.Has("auth_timeout") {
		return nil, nil
	}
	var all []struct{ Name string }
	err = r.SearchRead(ctx, "res.groups", rpc.Domain{rpc.Is("lock_timeout_inactivity", ">", 0)}, []string{"name"}, rpc.Page{Limit: 100, Order: "id"}, &all)
	for _, g := range all {
		names = append(names, g.Name)
	}
	return names, err
}

func (s settings) screenLock(ctx context.Context) ([]Finding, error) {
	names, err := screens(ctx, s.r, s.of.Facts)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	l := Advice
	if !s.of.Lock.At.IsZero() {
		l = Problem // they have no such password any more
	}
	return []Finding{one("screen_lock", l, "switch it off in Odoo, in the group (Settings, Users & Companies, Groups, Inactivity timeout), or set a session timeout there instead: it leads to Latchkey; until then people sign out and in again", len(names), some(names))}, nil
}

// lacks is what people who have no password of Odoo's cannot do there.
func lacks(ctx context.Context, r *rpc.Client, f Facts) ([]Note, error) {
	out := []Note{say("note.control")}
	names, err := screens(ctx, r, f)
	if len(names) > 0 {
		out = append(out, say("note.screen", some(names)))
	}
	return out, err
}

// copied finds another connection with the same database.
func (p *patient) copied(ctx context.Context) ([]Finding, error) {
	other, err := p.book.twin(ctx, p.c)
	if err != nil || other == "" {
		return nil, err
	}
	return []Finding{one("copy", Advice, "give the copy a database.uuid of its own (Settings, Technical, System Parameters), and a connection with a provider row of its own; see \"Staging copies\" in docs/odoo.md", other)}, nil
}

// twin names another connection whose Odoo has the same database.uuid: one was
// copied from the other, with its provider row, its links and its keys.
func (b *Book) twin(ctx context.Context, c Connection) (string, error) {
	if c.Facts.UUID == "" {
		return "", nil
	}
	all, err := b.connections.All(ctx)
	for _, other := range all {
		if other.ID != c.ID && other.Facts.UUID == c.Facts.UUID {
			return other.ID, err
		}
	}
	return "", err
}
