package main

import (
	"context"
	"log/slog"
	"net/url"

	"latchkey/idp/texts"
	"latchkey/ui/admin"
	rooms "latchkey/ui/admin/house"
	"latchkey/ui/message"
)

// ownTexts is what administrators say in messages in our place.
func (b *base) ownTexts() *texts.Service {
	return &texts.Service{
		Store: b.db.Texts(), Messages: message.Choices(), Users: b.db.Users(), Outbox: b.db.Outbox(), Log: b.db.Log(), Atomic: b.db.Atomic, Now: b.now,
		Limiter: b.db.Limiter(), Day: b.textCodes().Day,
	}
}

// adminHouse is the part about the house itself.
func (h *house) adminHouse() []admin.Section {
	p := &rooms.Pages{
		Settings: h.settings, Texts: h.texts, Brands: h.brands, Clients: h.brandable, Own: h.ownTexts(), Deliveries: h.deliveries(), Tokens: h.tokens(),
		Issuer: h.cfg.Issuer, Brand: func(context.Context) string { return h.brands.House().Name },
	}
	if h.cfg.Mail.SMTPURL == "" {
		return p.Sections()
	}
	server, err := mailServer(h.cfg)
	if err != nil { // the sender itself says so when it starts
		slog.Warn("the administration cannot send test mails", "err", err)
		return p.Sections()
	}
	p.Mail, p.MailServer = server, "SMTP"
	if u, err := url.Parse(h.cfg.Mail.SMTPURL); err == nil { // never what is before the host: it is a password
		p.MailServer = u.Host
	}
	return p.Sections()
}

// brandable lists the applications that may have looks of their own.
func (h *house) brandable(ctx context.Context) ([]rooms.Client, error) {
	all, err := h.db.Clients().All(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]rooms.Client, len(all))
	for i, c := range all {
		out[i] = rooms.Client{ID: c.ID, Name: c.Name}
		if c.Name == "" {
			out[i].Name = string(c.ID)
		}
	}
	return out, nil
}
