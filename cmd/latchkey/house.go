package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/keyring"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/idp/place"
	"latchkey/idp/security"
	"latchkey/idp/signin"
	"latchkey/mfa/trust"
	"latchkey/ui/api"
	"latchkey/ui/locale"
	"latchkey/ui/page"
	"latchkey/ui/protocol"
	protect "latchkey/ui/security"
	pages "latchkey/ui/signin"
)

// base is the house without its doors: what the command line and the server
// share, by subject.
type base struct {
	*ground
	choices  *choiceSide
	messages *messageSide
	proofs   *proofs
	protocol *protocolSide
	odoo     *odooSide
	people   *peopleSide
	rules    *ruleSide
	records  *recordSide
}

// openBase opens the database and brings it up to date.
func openBase(ctx context.Context, cfg config.Config) (*base, error) {
	return openAt(ctx, cfg, clock(), true)
}

// openAt puts the use cases on top of the database, see openGround.
func openAt(ctx context.Context, cfg config.Config, now func() time.Time, migrate bool) (*base, error) {
	passkeys, err := passkeyFactor(cfg, now)
	if err != nil {
		return nil, err
	}
	g, err := openGround(ctx, cfg, now, migrate)
	if err != nil {
		return nil, err
	}
	b := &base{ground: g, choices: newChoices(g)}
	b.messages = newMessages(g, b.choices)
	b.proofs = newProofs(b.messages, passkeys)
	b.odoo = newOdoo(g, b.choices)
	b.protocol = newProtocol(g, b.odoo.validates)
	b.people = newPeople(b.proofs, b.messages, b.choices, b.protocol, b.odoo.fed)
	b.odoo.meet(b.people)
	b.choices.settings.Fed = b.odoo.fed
	b.rules = newRules(b.people, b.odoo)
	b.records = &recordSide{ground: g, rules: b.rules, odoo: b.odoo}
	return b, nil
}

// house is the whole product: what is in base, behind its doors.
type house struct {
	*base
	http.Handler
	site      *page.Site
	signIn    *signin.Service
	security  *security.Service
	devices   *trust.Book
	behind    background
	provider  *oidc.Provider
	validator *odoo.Service
	audit     *audit.Service
	api       func() *api.API
}

// build adds the doors.
//
// extra adds pages that only some modes have.
func build(ctx context.Context, b *base, extra ...func(*house, gin.IRouter)) (*house, error) {
	root, err := b.db.Secret(ctx, "root")
	if err != nil {
		return nil, err
	}
	if err := b.protocol.keys.Ensure(ctx); err != nil {
		return nil, err
	}
	site, err := page.New(page.Config{
		Issuer: b.cfg.Issuer, CSRFKey: keyring.Derive(root, "csrf"), Name: b.cfg.Branding.Name, Brands: b.choices.brands, Leads: b.people.contacts().Leads, Now: b.now,
	})
	if err != nil {
		return nil, err
	}
	if b.proofs.passkey != nil {
		b.proofs.passkey.Secret = keyring.Derive(root, "passkeys")
	}
	h := &house{base: b, site: site, behind: background{traces: b.traces}}
	if h.audit, err = b.records.log(ctx); err != nil {
		return nil, err
	}
	h.devices = &trust.Book{Devices: b.db.Devices, Secret: keyring.Derive(root, "devices"), Now: b.now}
	if file := b.cfg.Places.File; file != "" {
		places, err := place.Open(file, b.now)
		if err != nil {
			return nil, fmt.Errorf("places.file: %w", err)
		}
		h.devices.Place = places.Of
	}
	origin := func(r *http.Request) idp.Origin { return site.From(nil, r).Origin() }
	h.signIn = &signin.Service{
		Users: b.db.Users, Sessions: b.db.Sessions, Flows: b.db.Flows, Policies: b.db.Policies, Factors: b.proofs.engine,
		Passwords: b.proofs.hasher, Limiter: b.db.Limiter, Log: b.db.Log, Tokens: b.db.SessionTokens, Devices: h.devices, Links: b.db.Links, Notify: b.messages.notices, Atomic: b.db.Atomic, Sealer: b.ring,
		Secret: keyring.Derive(root, "known"), Rules: rules(b.cfg), Now: b.now, Offers: b.db.Offers, Elsewhere: b.odoo.office().Trickle, Limit: b.choices.sessionLimit,
	}
	h.security = b.people.protection(h.devices, h.signIn)
	h.validator = &odoo.Service{
		Tokens: b.db.OdooTokens, Grants: b.db.Grants, Users: b.db.Users, Clients: b.db.Clients, Log: b.db.Log, Atomic: b.db.Atomic,
		Secret: keyring.Derive(root, "odoo"), Now: b.now, Origin: origin, Fault: fault, Note: refusal, LastUses: b.protocol.lastUses,
	}
	h.provider, err = oidc.New(oidc.Config{
		Issuer: b.cfg.Issuer, Secret: keyring.Derive(root, "oidc"), Grants: b.db.Grants, Clients: b.db.Clients, Consents: b.db.Consents, Logins: b.db.Logins,
		Keys: b.protocol.keys, Browser: pages.Browser{Site: site, Service: h.signIn, Registers: b.choices.registers}, Creating: b.choices.creating, Pages: protocol.Pages{Site: site},
		Lifetimes: oidc.Lifetimes(b.cfg.Tokens), Log: b.db.Log, Atomic: b.db.Atomic, Now: b.now, Locales: tags(), Origin: origin, Fault: fault, Implicit: h.validator.Issue, Prepare: b.odoo.arriving(), LastUses: b.protocol.lastUses,
		Devices: &oidc.Devices{Limiter: b.db.Limiter, Network: signin.Network, Place: h.devices.Place},
		Out:     b.protocol.outbound(), Dynamic: b.enrolment(),
	})
	if err != nil {
		return nil, err
	}
	h.Handler, err = routes(h, extra)
	return h, err
}

// protectionPages are those on which people see what protects an account.
func (h *house) protectionPages() *protect.Pages {
	return &protect.Pages{Site: h.site, SignIn: h.signIn, Security: h.security, Elsewhere: h.odoo.connected}
}

// fault logs what went wrong inside and is never shown. Addresses are left
// out: they carry tokens.
func fault(r *http.Request, err error) {
	slog.ErrorContext(r.Context(), "request failed", "method", r.Method, "err", err)
}

// refusal logs why an Odoo was refused. Odoo shows nothing of it, so that this
// line is where an operator finds the cause.
func refusal(r *http.Request, c oidc.ClientID, why string) {
	slog.WarnContext(r.Context(), "Odoo's validation was refused", "client", c, "why", why)
}

// tags lists the languages of the pages.
func tags() []string { return locale.Tags() }

func rules(cfg config.Config) signin.Rules {
	r := signin.DefaultRules
	r.AccountTries, r.AddressTries, r.Per = cfg.Limits.PasswordTries, cfg.Limits.AddressTries, cfg.Limits.LockFor
	r.Idle, r.Absolute = cfg.Sessions.Idle, cfg.Sessions.Absolute
	return r
}
