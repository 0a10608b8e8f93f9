package main

import (
	"context"
	"errors"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/export"
	"latchkey/idp/oidc"
	"latchkey/ui/message"
)

// wireSelf puts together what people do about their own accounts.
func (b *base) wireSelf() {
	b.help.Title = b.title
	b.self = &account.Self{Help: b.help, Pictures: b.db.Pictures(), Issuer: b.cfg.Issuer}
	if b.cfg.Accounts.Closing == "request" {
		b.self.Desk = message.Desk{Notices: b.notices, Admin: b.cfg.Mail.Admin}
	}
	b.apps = &oidc.Apps{
		Clients: b.db.Clients(), Consents: b.db.Consents(), Uses: b.db.Uses(), Grants: b.db.Grants(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now,
	}
}

// title is what people call an application, or nothing where there is none.
func (b *base) title(ctx context.Context, id idp.ClientID) (string, error) {
	c, err := b.db.Clients().ByID(ctx, id)
	if errors.Is(err, idp.ErrNotFound) {
		return "", nil
	} else if err != nil {
		return "", err
	}
	return c.Title(), nil
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
