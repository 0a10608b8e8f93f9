package main

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"latchkey/config"
	"latchkey/idp/oidc"
	"latchkey/idp/settings"
	"latchkey/idp/trace"
	"latchkey/mfa/sms"
)

// textGateways hands text messages to the gateways that administrators have set up,
// in their order, and after them to those of the configuration. What they
// change counts for the next message.
type textGateways struct {
	cfg      config.Config
	settings *settings.Service
	now      func() time.Time

	mu      sync.Mutex
	version int64 // of the administrators' list behind router
	router  *sms.Router
	any     bool
}

// Send is a [mail.Texter].
func (t *textGateways) Send(ctx context.Context, m sms.Message) (sms.Receipt, error) {
	r, _, err := t.current(ctx)
	if err != nil {
		return sms.Receipt{}, err
	}
	return r.Send(ctx, m)
}

// Probe connects to every gateway and sends nothing.
func (t *textGateways) Probe(ctx context.Context) ([]sms.Probe, error) {
	r, _, err := t.current(ctx)
	if err != nil {
		return nil, err
	}
	return r.Probe(ctx), nil
}

// able reports whether there is a gateway at all.
func (t *textGateways) able() bool {
	_, any, err := t.current(context.Background())
	if err != nil {
		slog.Warn("the SMS gateways cannot be read; codes by SMS are not offered", "err", err)
	}
	return err == nil && any
}

// current is the router for the lists as they are. The list is held in memory
// by the store, so that this costs no query.
func (t *textGateways) current(ctx context.Context) (*sms.Router, bool, error) {
	all, version, err := t.settings.Gateways(ctx)
	if err != nil {
		return nil, false, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.router != nil && t.version == version {
		return t.router, t.any, nil
	}
	var list []sms.Settings
	names := map[string]bool{}
	public := t.public()
	for _, g := range all {
		if !g.Off {
			of := g.Settings()
			of.Client = public
			list, names[g.Name] = append(list, of), true
		}
	}
	for _, g := range gateways(t.cfg) {
		if !names[g.Name] { // an administrator's takes the place of one of that name
			list = append(list, g)
		}
	}
	r, err := sms.New(list, sms.Options{Timeout: t.cfg.SMS.Timeout, Now: t.now, Watch: trace.Transport})
	if err != nil {
		return nil, false, err
	}
	t.router, t.version, t.any = r, version, len(list) > 0
	return r, t.any, nil
}

// public calls the gateways that administrators set up: whoever may change
// settings on a page must not reach the networks of the server by it
// (SECURITY.md P-28). The router ends what takes too long, and knows why; the
// limit of the client is behind its longest.
func (t *textGateways) public() *http.Client {
	return oidc.NewOutbound(oidc.Outbound{Issuer: t.cfg.Issuer, Networks: t.cfg.Outbound.Networks, Limit: 4*t.cfg.SMS.Timeout + 10*time.Second})
}
