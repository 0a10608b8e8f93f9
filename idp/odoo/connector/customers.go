package connector

import (
	"context"
	"fmt"
	"slices"

	"latchkey/idp"
	companies "latchkey/idp/company"
	"latchkey/idp/odoo/rpc"
)

// Customers keeps to which customer company people belong; package company has
// one.
type Customers interface {
	// Follow joins the Atomic in ctx.
	Follow(ctx context.Context, by idp.Actor, f companies.Feed) error
}

// Customer is the company whose contact somebody is: Odoo's commercial partner.
// Somebody who buys for themselves belongs to none, for they would be the main
// contact of a company of one, and anybody can become that by signing up.
type Customer struct {
	ID   int64 // of its own contact; 0: there is none
	Name string
	Main bool // the person is this contact
}

// feedOf is what is told of a person.
func feedOf(c Connection, p Person, id idp.UserID) companies.Feed {
	f := companies.Feed{Connection: c.ID, User: id}
	if p.kind() == idp.Portal {
		f.Partner, f.Name, f.Lead = p.Customer.ID, p.Customer.Name, p.Customer.Main && c.Settings.Leads
	}
	return f
}

// customerText is what a fingerprint is taken of.
func customerText(c Connection, p Person) string {
	f := feedOf(c, p, "")
	if f.Partner == 0 {
		return ""
	}
	return fmt.Sprintf("%d %t %s", f.Partner, f.Lead, f.Name)
}

// customer notes the company of somebody who has just come in.
func (r *importRun) customer(ctx context.Context, p Person, id idp.UserID) error {
	f := feedOf(r.Connection, p, id)
	if r.Customers == nil || f.Partner == 0 {
		return nil
	}
	return r.Customers.Follow(ctx, syncActor(r.Connection), f)
}

// customer notes that somebody belongs to another company than before.
func (p *pair) customer(ctx context.Context) error {
	f := feedOf(p.run.c, p.there, p.held.User)
	if p.run.customers == nil || f.Partner == 0 && p.held.Seen[seenCustomer] == "" { // nor did they before
		return nil
	}
	p.run.counts.Changed++
	return p.run.do("change", p.held, say("sync.company", f.Name), func() error { return p.run.customers.Follow(ctx, syncActor(p.run.c), f) })
}

// customers reads of which companies users are.
func (s *RPC) customers(ctx context.Context, rows []userRow, out []Person) error {
	var ids []int64
	for i, r := range rows {
		if out[i].Portal && r.Commercial.ID != 0 {
			ids = append(ids, r.Commercial.ID)
		}
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil
	}
	var all []struct {
		ID   int64
		Name rpc.Text
	}
	err := s.client.SearchRead(ctx, "res.partner", rpc.Domain{rpc.Is("id", "in", ids), rpc.Is("is_company", "=", true)}, []string{"name"}, rpc.Page{Archived: true}, &all)
	if err != nil {
		return err
	}
	names := map[int64]string{}
	for _, p := range all {
		names[p.ID] = string(p.Name)
	}
	for i, r := range rows {
		if name, is := names[r.Commercial.ID]; is && out[i].Portal {
			out[i].Customer = Customer{ID: r.Commercial.ID, Name: plain(name), Main: r.Partner.ID == r.Commercial.ID}
		}
	}
	return nil
}

// customer reads the same in Odoo's database, and customerJoin is what that takes.
func (s *SQL) customer() string {
	if s.customerJoin() == "" {
		return `0::bigint, '', false`
	}
	return `coalesce(k.id, 0)::bigint, coalesce(k.name, ''), coalesce(k.id = u.partner_id, false)`
}

func (s *SQL) customerJoin() string {
	if !s.has["res_partner.commercial_partner_id"] || !s.has["res_partner.is_company"] {
		return ""
	}
	return `LEFT JOIN res_partner k ON k.id = p.commercial_partner_id AND k.is_company`
}
