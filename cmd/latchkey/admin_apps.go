package main

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/ui/admin"
	"latchkey/ui/admin/apps"
)

// registrar is what administrators do with applications.
func (b *base) registrar() *oidc.Registrar {
	return &oidc.Registrar{
		Clients: b.db.Clients(), Uses: b.db.ClientUses(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now, Issuer: b.cfg.Issuer, Self: ourselves(),
		Out:  oidc.NewOutbound(oidc.Outbound{Issuer: b.cfg.Issuer}),
		Odoo: func(ctx context.Context, c oidc.Client) (string, error) { return b.connectors().Validates(ctx, c) },
	}
}

// ourselves calls our own issuer as others see it, and follows nothing.
func ourselves() *http.Client {
	return &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// custodian is what administrators do with the keys that sign tokens.
func (b *base) custodian() *oidc.Custodian {
	return &oidc.Custodian{Ring: b.keys, Log: b.db.Log(), Now: b.now}
}

// adminApps are the pages of applications and signing keys.
func (h *house) adminApps() []admin.Section {
	p := &apps.Pages{Clients: h.registrar(), Keys: h.custodian(), Issuer: h.cfg.Issuer, Validation: odoo.ValidationPath}
	return p.Sections()
}
