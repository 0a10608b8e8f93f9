package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/keyring"
	"latchkey/idp/mail"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/idp/signin"
	"latchkey/idp/trace"
	"latchkey/mfa"
	"latchkey/ui/admin"
	"latchkey/ui/admin/apps"
)

// protocolSide is applications and the keys that sign tokens for them.
type protocolSide struct {
	*ground
	apps     *oidc.Apps
	keys     *oidc.KeyRing
	lastUses *oidc.LastUses
	// validates is where an Odoo that is connected asks about tokens.
	validates func(context.Context, oidc.Client) (oidc.Note, error)
}

func newProtocol(g *ground, validates func(context.Context, oidc.Client) (oidc.Note, error)) *protocolSide {
	return &protocolSide{
		ground: g, validates: validates,
		apps:     &oidc.Apps{Clients: g.db.Clients, Consents: g.db.Consents, Uses: g.db.Uses, Grants: g.db.Grants, Log: g.db.Log, Atomic: g.db.Atomic, Now: g.now, Issuer: g.cfg.Issuer},
		keys:     oidc.NewKeyRing(g.db.Keys, g.db.Atomic, g.now).For(g.db.Clients),
		lastUses: &oidc.LastUses{Store: g.db.ClientUses, Now: g.now},
	}
}

// registrar is what administrators do with applications.
func (p *protocolSide) registrar() *oidc.Registrar {
	return &oidc.Registrar{
		Clients: p.db.Clients, Uses: p.db.ClientUses, Consents: p.db.Consents, Grants: p.db.Grants, Log: p.db.Log, Atomic: p.db.Atomic, Now: p.now, Issuer: p.cfg.Issuer,
		Self: ourselves(),
		Out:  p.outbound(), Odoo: p.validates,
	}
}

// outbound calls addresses that applications have registered.
func (p *protocolSide) outbound() oidc.Calls {
	return oidc.NewCalls(oidc.Outbound{Issuer: p.cfg.Issuer, Networks: p.cfg.Outbound.Networks})
}

// enrolment is how applications register themselves, while the house wants that.
func (b *base) enrolment() *oidc.Dynamic {
	tokens := b.tokens()
	return &oidc.Dynamic{
		Registrar: b.protocol.registrar(), Rules: b.choices.settings.House,
		Bearer: func(ctx context.Context, token string, from idp.Origin) (idp.Actor, error) {
			_, by, err := tokens.Bearer(ctx, token, from)
			return by, err
		},
		Take: func(ctx context.Context, from idp.Origin) error {
			return b.db.Limiter.Take(ctx, mfa.Budget{Key: "enrol:" + signin.Network(from.Address), Max: mostEnrolled, Per: 10 * time.Minute, Shared: true})
		},
		Called: func(ctx context.Context, id oidc.ClientID) (string, error) {
			look, err := b.choices.brands.Look(ctx, id)
			return look.Name, err
		},
	}
}

// subjects are how pairwise applications know people.
func (p *protocolSide) subjects(ctx context.Context) (oidc.Subjects, error) {
	root, err := p.db.Secret(ctx, "root")
	if err != nil {
		return oidc.Subjects{}, err
	}
	return oidc.NewSubjects(keyring.Derive(root, "oidc"))
}

// mostEnrolled is how often one network may register applications in ten minutes.
// A run of the OpenID Foundation's certification registers one for each test.
const mostEnrolled = 300

// ourselves calls our own issuer as others see it, and follows nothing.
func ourselves() *http.Client {
	return &http.Client{Transport: trace.Transport(http.DefaultTransport), Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// custodian is what administrators do with the keys that sign tokens.
func (p *protocolSide) custodian() *oidc.Custodian {
	return &oidc.Custodian{Ring: p.keys, Log: p.db.Log, Now: p.now}
}

// client finds an application for the command line.
func (p *protocolSide) client(ctx context.Context, id string) (oidc.Client, error) {
	c, err := p.registrar().Get(ctx, host, oidc.ClientID(id))
	if errors.Is(err, idp.ErrNotFound) {
		err = fmt.Errorf("%w: there is no client %q; `latchkey client list` prints them", idp.ErrNotFound, id)
	}
	return c, err
}

// title is what people call an application, or nothing where there is none: mails
// and what they lead to know none that registered itself, whose name a stranger
// chose.
func (p *protocolSide) title(ctx context.Context, id idp.ClientID) (string, error) {
	c, err := p.db.Clients.ByID(ctx, id)
	if errors.Is(err, idp.ErrNotFound) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	if c.ByItself() {
		return "", nil
	}
	return c.Title(), nil
}

// farewells tells applications of ended sessions. It is a sender of its own,
// so that a slow application holds up no mail.
func (p *protocolSide) farewells() *mail.Sender {
	t := oidc.Farewells{
		Issuer: p.cfg.Issuer, Clients: p.db.Clients, Keys: p.keys, Now: p.now, HTTP: p.outbound(), Subjects: p.subjects,
	}
	return &mail.Sender{Outbox: p.db.Outbox(mail.Logout), Transports: map[mail.Channel]mail.Transport{mail.Logout: t}, Now: p.now}
}

// sections are the pages of applications and signing keys.
func (p *protocolSide) sections() []admin.Section {
	return (&apps.Pages{Clients: p.registrar(), Keys: p.custodian(), Issuer: p.cfg.Issuer, Validation: odoo.ValidationPath}).Sections()
}
