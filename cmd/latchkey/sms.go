package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"latchkey/config"
	"latchkey/idp/trace"
	"latchkey/mfa/sms"
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
	return sms.New(gateways(cfg), sms.Options{Timeout: cfg.SMS.Timeout, Now: now, Watch: trace.Transport})
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
			if !b.messages.gateways.able() {
				return usagef("there is no SMS gateway: add one with `latchkey sms gateway put`, or set sms.gateways or sms.http_url in the configuration")
			}
			if !strings.HasPrefix(args[0], "+") {
				return usagef("%q: a number in international form is expected, such as +33612345678", args[0])
			}
			got, err := b.messages.gateways.Send(ctx, sms.Message{ID: rand.Text(), To: args[0], Text: "Test message from " + b.cfg.Branding.Name + "."})
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
