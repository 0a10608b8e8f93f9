package main

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/export"
	"latchkey/idp/oidc"
	"latchkey/ui/message"
)

// wireSelf puts together what people do about their own accounts.
func (b *base) wireSelf() {
	b.self = &account.Self{Help: b.help, Pictures: b.db.Pictures(), Issuer: b.cfg.Issuer}
	if b.cfg.Accounts.Closing == "request" {
		b.self.Desk = message.Desk{Notices: b.notices, Admin: b.cfg.Mail.Admin}
	}
	b.apps = &oidc.Apps{
		Clients: b.db.Clients(), Consents: b.db.Consents(), Uses: b.db.Uses(), Grants: b.db.Grants(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now,
	}
}

// export writes down what is held about somebody.
func (b *base) export() *export.Service {
	return &export.Service{
		Self: b.self, Sessions: b.db.Sessions(), Factors: b.engine, Devices: b.db.Devices(), Apps: b.apps, Log: b.db.Log(), Notify: b.notices,
		Atomic: b.db.Atomic, Now: b.now,
	}
}

// door is where a person enters an application.
func (h *house) door(ctx context.Context, u idp.User, id idp.ClientID) (name, address string, err error) {
	app, err := h.apps.Door(ctx, u, id)
	return app.Client.Title(), app.Address, err
}
