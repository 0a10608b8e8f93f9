package main

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/url"
	"sync"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/mail"
	"latchkey/idp/texts"
	"latchkey/mfa"
	"latchkey/mfa/code"
	"latchkey/ui/admin"
	rooms "latchkey/ui/admin/house"
	"latchkey/ui/api"
	"latchkey/ui/message"
)

// messageSide is mails and text messages: what they say, and how they leave.
type messageSide struct {
	*ground
	notices  *message.Notices
	codes    *message.Codes
	gateways *textGateways
	brands   *brand.Service
	// server is the operator's mail server, one for all that send by it.
	server func() (*mail.SMTP, error)
}

func newMessages(g *ground, c *choiceSide) *messageSide {
	m := &messageSide{
		ground: g, brands: c.brands, gateways: &textGateways{cfg: g.cfg, settings: c.settings, now: g.now},
		notices: &message.Notices{Outbox: g.db.Outbox(), Links: g.db.Links, Issuer: g.cfg.Issuer, Brand: g.cfg.Branding.Name, House: c.brands.House, Now: g.now},
		codes: &message.Codes{
			Outbox: g.db.Outbox(), Issuer: g.cfg.Issuer, Brand: g.cfg.Branding.Name, House: c.brands.House, Admin: g.cfg.Mail.Admin, Now: g.now,
		},
	}
	m.server = sync.OnceValues(func() (*mail.SMTP, error) { return mailServer(g.cfg, g.now) })
	m.notices.Texts = m.own()
	m.codes.Texts = m.notices.Texts
	return m
}

// own is what administrators say in messages in our place.
func (m *messageSide) own() *texts.Service {
	return &texts.Service{
		Store: m.db.Texts, Messages: message.Choices(), Users: m.db.Users, Outbox: m.db.Outbox(), Log: m.db.Log, Atomic: m.db.Atomic, Now: m.now,
		Limiter: m.db.Limiter, Day: m.textCodes().Day,
	}
}

// deliveries is what administrators see of messages.
func (m *messageSide) deliveries() *mail.Deliveries {
	return &mail.Deliveries{Ledger: m.db.Deliveries, Log: m.db.Log, Atomic: m.db.Atomic, Now: m.now}
}

// factors are the factors whose codes are sent, as far as there is a way to
// send them. They are in the order in which people are offered them.
func (m *messageSide) factors() []mfa.Factor {
	text := m.textCodes()
	text.Courier, text.Able = m.codes, m.gateways.able
	out := []mfa.Factor{text}
	if m.cfg.Mail.SMTPURL != "" {
		out = append(out, code.Factor{Channel: code.Email, Courier: m.codes, Limiter: m.db.Limiter, Now: m.now})
	}
	return out
}

// textCodes are codes by SMS as far as they are a matter of limits.
func (m *messageSide) textCodes() code.Factor {
	return code.Factor{
		Channel: code.SMS, Limiter: m.db.Limiter, Now: m.now, Countries: m.cfg.SMS.Countries, Alarm: m.halted,
		Rates: code.Rates{Daily: m.cfg.SMS.Daily, CountryDay: m.cfg.SMS.DailyPerCountry, UnconfirmedHour: m.cfg.SMS.Unconfirmed},
	}
}

// halted tells the house that no more codes are sent by SMS, to a country or
// at all.
func (m *messageSide) halted(ctx context.Context, h code.Halt) error {
	slog.WarnContext(ctx, "codes by SMS were stopped", "reason", h.Reason, "country", h.Country, "until", stamp(h.Until))
	return m.db.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(m.codes.Halted(ctx, h), m.db.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: m.now(), What: "sms.stop", Result: string(h.Reason), Detail: map[string]string{"country": h.Country, "until": stamp(h.Until)},
		}))
	})
}

// senders empty the outbox. Each channel has its own, so that a mail server
// that hangs holds up no SMS. Codes wait for none of their looks.
func (m *messageSide) senders() ([]*mail.Sender, error) {
	var out []*mail.Sender
	if m.cfg.Mail.SMTPURL != "" {
		t, err := m.server()
		if err != nil {
			return nil, err
		}
		out = append(out, &mail.Sender{Outbox: m.db.Outbox(mail.Mail), Transports: map[mail.Channel]mail.Transport{mail.Mail: t}, Now: m.now, Told: m.counts.message})
	}
	out = append(out, &mail.Sender{Outbox: m.db.Outbox(mail.SMS), Transports: map[mail.Channel]mail.Transport{mail.SMS: mail.Texts{By: m.gateways}}, Now: m.now, Told: m.counts.message})
	m.codes.Nudge = func() {
		for _, s := range out {
			s.Nudge()
		}
	}
	return out, nil
}

// api is the use cases about mails and text messages, for programs.
func (m *messageSide) api() api.Messages {
	out := api.Messages{
		Own: m.own(), Deliveries: m.deliveries(), Texts: m.gateways,
		Sampler: func(context.Context) message.Sampler {
			return message.Sampler{Issuer: m.cfg.Issuer, Brand: m.brands.House().Name, House: m.brands.House, Texts: m.notices.Texts, Now: m.now}
		},
	}
	if m.cfg.Mail.SMTPURL == "" {
		return out
	}
	if server, err := m.server(); err == nil { // the sender itself says so when it starts
		out.Mail = server
	}
	return out
}

// sections are the pages about the house itself: what it says, and how it looks.
func (m *messageSide) sections(c *choiceSide) []admin.Section {
	p := &rooms.Pages{
		Settings: c.settings, Texts: m.gateways, Brands: c.brands, Clients: c.brandable, Own: m.own(), Deliveries: m.deliveries(), Tokens: m.tokens(),
		Issuer: m.cfg.Issuer, Brand: func(context.Context) string { return c.brands.House().Name },
	}
	if m.cfg.Mail.SMTPURL == "" {
		return p.Sections()
	}
	server, err := m.server()
	if err != nil { // the sender itself says so when it starts
		slog.Warn("the administration cannot send test mails", "err", err)
		return p.Sections()
	}
	p.Mail, p.MailServer = server, "SMTP"
	if u, err := url.Parse(m.cfg.Mail.SMTPURL); err == nil { // never what is before the host: it is a password
		p.MailServer = u.Host + " · " + server.Sender()
	}
	return p.Sections()
}
