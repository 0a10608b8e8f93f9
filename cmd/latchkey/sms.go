package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/mfa"
	"latchkey/mfa/code"
	"latchkey/mfa/sms"
	"latchkey/ui/message"
)

// gateways lists the configured SMS gateways, the simple one last.
func gateways(cfg config.Config) []sms.Settings {
	var out []sms.Settings
	for _, g := range cfg.SMS.Gateways {
		out = append(out, sms.Settings{Name: g.Name, Type: g.Type, Prefixes: g.Prefixes, Values: g.Values})
	}
	if cfg.SMS.HTTPURL != "" {
		out = append(out, sms.Settings{Name: "sms.http_url", Type: "http", Values: map[string]any{"url": cfg.SMS.HTTPURL}})
	}
	return out
}

// judgeGateways is a [config.Judge]: which settings a type of gateway has is
// known to package sms alone.
func judgeGateways(cfg config.Config) (out config.Mistakes) {
	cfg.SMS.HTTPURL = "" // config has judged it
	_, err := router(cfg, time.Now)
	var ms sms.Mistakes
	if errors.As(err, &ms) {
		for _, m := range ms {
			out = append(out, config.Mistake{Key: fmt.Sprintf("sms.gateways[%d].%s", m.Index, m.Setting), Value: m.Value, Allowed: m.Allowed})
		}
	}
	for i, g := range cfg.SMS.Gateways {
		if g.Type == "log" && !config.LoopbackIssuer(cfg.Issuer) {
			out = append(out, config.Mistake{
				Key: fmt.Sprintf("sms.gateways[%d].type", i), Value: g.Type, Allowed: "a gateway; log writes codes into the log, and is only for an issuer on a loopback address (T-08)",
			})
		}
	}
	return out
}

func router(cfg config.Config, now func() time.Time) (*sms.Router, error) {
	return sms.New(gateways(cfg), sms.Options{Timeout: cfg.SMS.Timeout, Now: now})
}

// codeFactors are the factors whose codes are sent, as far as there is a way to
// send them. They are in the order in which people are offered them.
func (b *base) codeFactors() []mfa.Factor {
	b.codes = &message.Codes{
		Outbox: b.db.Outbox(), Issuer: b.cfg.Issuer, Brand: b.cfg.Branding.Name, Admin: b.cfg.Mail.Admin, Now: b.now,
	}
	text := b.textCodes()
	text.Courier, text.Able = b.codes, b.texts.able
	out := []mfa.Factor{text}
	if b.cfg.Mail.SMTPURL != "" {
		out = append(out, code.Factor{Channel: code.Email, Courier: b.codes, Limiter: b.db.Limiter(), Now: b.now})
	}
	return out
}

// textCodes are codes by SMS as far as they are a matter of limits.
func (b *base) textCodes() code.Factor {
	return code.Factor{
		Channel: code.SMS, Limiter: b.db.Limiter(), Now: b.now, Countries: b.cfg.SMS.Countries, Alarm: b.halted,
		Rates: code.Rates{Daily: b.cfg.SMS.Daily, CountryDay: b.cfg.SMS.DailyPerCountry, UnconfirmedHour: b.cfg.SMS.Unconfirmed},
	}
}

// halted tells the house that no more codes are sent by SMS, to a country or
// at all.
func (b *base) halted(ctx context.Context, h code.Halt) error {
	slog.WarnContext(ctx, "codes by SMS were stopped", "reason", h.Reason, "country", h.Country, "until", stamp(h.Until))
	return b.db.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(b.codes.Halted(ctx, h), b.db.Log().Append(ctx, idp.Event{
			ID: rand.Text(), At: b.now(), What: "sms.stop", Result: string(h.Reason), Detail: map[string]string{"country": h.Country, "until": stamp(h.Until)},
		}))
	})
}

// senders empty the outbox. Each channel has its own, so that a mail server
// that hangs holds up no SMS. Codes wait for none of their looks.
func (b *base) senders() ([]*mail.Sender, error) {
	var out []*mail.Sender
	if b.cfg.Mail.SMTPURL != "" {
		t, err := mailServer(b.cfg)
		if err != nil {
			return nil, err
		}
		out = append(out, &mail.Sender{Outbox: b.db.Outbox(mail.Mail), Transports: map[mail.Channel]mail.Transport{mail.Mail: t}, Now: b.now})
	}
	out = append(out, &mail.Sender{Outbox: b.db.Outbox(mail.SMS), Transports: map[mail.Channel]mail.Transport{mail.SMS: mail.Texts{By: b.texts}}, Now: b.now})
	b.codes.Nudge = func() {
		for _, s := range out {
			s.Nudge()
		}
	}
	return out, nil
}

func smsCommands(a *app) *cobra.Command {
	return group("sms", "Text messages", "  latchkey sms test +33612345678", smsTest(a), smsGateway(a))
}

func smsTest(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "test NUMBER", Short: "Send a text message now, to see whether the gateways work", Args: exactly(1),
		Long:    "Send a text message to a number in international form now, by the first gateway that takes it, and say which one did.",
		Example: "  latchkey sms test +33612345678",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			if !b.texts.able() {
				return usagef("there is no SMS gateway: add one with `latchkey sms gateway put`, or set sms.gateways or sms.http_url in the configuration")
			}
			if !strings.HasPrefix(args[0], "+") {
				return usagef("%q: a number in international form is expected, such as +33612345678", args[0])
			}
			got, err := b.texts.Send(ctx, sms.Message{ID: rand.Text(), To: args[0], Text: "Test message from " + b.cfg.Branding.Name + "."})
			if err != nil {
				return err
			}
			receipt := ""
			if got.ID != "" {
				receipt = ", as " + clean(got.ID)
			}
			return a.say(cmd, map[string]any{"gateway": got.Gateway, "receipt": got.ID}, "gateway %s took the message%s", got.Gateway, receipt)
		}),
	}
}

// lookAtSMS connects to every gateway.
func lookAtSMS(ctx context.Context, cfg config.Config) finding {
	if len(gateways(cfg)) == 0 {
		return fine("not used; no codes are sent by text message")
	}
	r, err := router(cfg, clock())
	if err != nil {
		return broken(err)
	}
	var ill []string
	all := r.Probe(ctx)
	for _, p := range all {
		if p.Err != nil {
			ill = append(ill, fmt.Sprintf("%s: %v", p.Gateway, p.Err))
		}
	}
	says := strings.Join(ill, "; ")
	switch {
	case len(ill) == 0:
		return fine("every gateway answers (%s); no message was sent, `latchkey sms test` sends one", strings.Join(names(all), ", "))
	case len(ill) < len(all):
		return warn("%s; the others answer", says)
	}
	return broken(errors.New(says))
}

func names(all []sms.Probe) []string {
	out := make([]string, 0, len(all))
	for _, p := range all {
		out = append(out, p.Gateway)
	}
	return out
}
