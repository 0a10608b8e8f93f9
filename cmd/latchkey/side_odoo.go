package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/idp/odoo"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
	"latchkey/idp/rulebook"
	"latchkey/ui/admin"
	odoopages "latchkey/ui/admin/odoo"
	"latchkey/ui/message"
)

// odooSide is connected Odoos: their people, their sessions, their looks.
type odooSide struct {
	*ground
	brands *brand.Service
	// office is the use cases. There is one for the program, for it remembers who
	// is linked. It needs no server to run.
	office func() *connector.Office
}

// newOdoo knows nobody before meet.
func newOdoo(g *ground, c *choiceSide) *odooSide { return &odooSide{ground: g, brands: c.brands} }

// meet introduces the people of this side, who in turn want to know which Odoo
// fills a group.
func (o *odooSide) meet(s *peopleSide) {
	o.office = sync.OnceValue(func() *connector.Office {
		return connector.New(connector.Parts{
			Connections: o.db.Connections, Journal: o.db.Journal, Clients: o.db.Clients, Users: o.db.Users, Log: o.db.Log, Atomic: o.db.Atomic,
			Probes: &odoo.Service{Tokens: o.db.OdooTokens, Now: o.now}, Outbox: o.db.Outbox(mail.Odoo),
			Issuer: o.cfg.Issuer, Brand: o.cfg.Branding.Name, Now: o.now, Say: message.InOdoo, HTTP: ourselves(),
			Accounts: s.accounts, Directory: o.db.Directory, Ties: o.db.Ties, Limiter: o.db.Limiter, Customers: s.companies(), Holder: rand.Text(),
			Invites: s.help.Invitations(),
			Tell:    message.Administrators{Notices: s.notices, Who: o.db.Administrators},
		})
	})
}

// validates is where a connected Odoo asks about tokens.
func (o *odooSide) validates(ctx context.Context, c oidc.Client) (oidc.Note, error) {
	return o.office().Way.Validates(ctx, c)
}

// endings tells Odoos of ended sessions. It is a sender of its own, so that an
// Odoo that is down holds up nothing else.
func (o *odooSide) endings() *mail.Sender {
	return &mail.Sender{Outbox: o.db.Outbox(mail.Odoo), Transports: map[mail.Channel]mail.Transport{mail.Odoo: o.office().Endings}, Now: o.now, Every: time.Second}
}

// connected reports whether an Odoo is connected.
func (o *odooSide) connected(ctx context.Context) (bool, error) {
	all, err := o.db.Connections.All(ctx)
	return len(all) > 0, err
}

// fed names the connected Odoo that fills a group.
func (o *odooSide) fed(ctx context.Context, group string) (string, bool, error) {
	all, err := o.feeds(ctx)
	if err != nil {
		return "", false, err
	}
	for _, f := range all {
		if f.Feeds(group) {
			return f.Name, true, nil
		}
	}
	return "", false, nil
}

func (o *odooSide) feeds(ctx context.Context) ([]rulebook.Feed, error) {
	all, err := o.db.Connections.All(ctx)
	if err != nil {
		return nil, err
	}
	var out []rulebook.Feed
	for _, c := range all {
		out = append(out, rulebook.Feed{Name: c.ID, Feeds: func(group string) bool { return connector.Feeds(c, group) }})
	}
	return out, nil
}

// arriving links somebody before an answer sends them back to Odoo.
func (o *odooSide) arriving() func(context.Context, oidc.Authorized) error {
	p := o.office().Arrivals
	return func(ctx context.Context, a oidc.Authorized) error {
		err := p.Arriving(ctx, a.Client.ID, a.User, a.Origin)
		switch {
		case errors.Is(err, connector.ErrSeveral):
			return oidc.Shown(http.StatusConflict, "odoo_several", err)
		case errors.Is(err, connector.ErrStranger) && odoo.Invited(a.State):
			return nil
		case errors.Is(err, connector.ErrStranger):
			return oidc.Shown(http.StatusForbidden, "odoo_stranger", err)
		}
		return err
	}
}

// follow keeps connected Odoos in step while the server runs.
func (o *odooSide) follow(ctx context.Context) {
	o.office().Sync.Run(ctx, func(connection string, err error) {
		slog.WarnContext(ctx, "synchronisation with Odoo failed; it is tried again, later and later", "connection", connection, "err", err)
	})
}

// sections are the pages of connected Odoos. end ends the sessions of somebody
// here.
func (o *odooSide) sections(end func(ctx context.Context, by idp.Actor, who string) error) []admin.Section {
	p := &odoopages.Pages{
		Odoo: o.office(), Jobs: o.jobs, Sealer: o.ring, End: end,
		Dress: func(ctx context.Context, by idp.Actor, c connector.Connection) (string, error) {
			return o.dress(ctx, by, c, false)
		},
	}
	return p.Sections()
}
