package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"sync"
	"time"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/audit"
	"latchkey/idp/audit/forward"
	"latchkey/idp/oidc"
	"latchkey/idp/trace"
)

// instance is this process among those on one database.
var instance = rand.Text()

// How often rows get their places and are sent on, and how often is looked for
// what is too old and whether the log must be checked.
const (
	chainEvery = time.Second
	tidyEvery  = time.Hour
)

// forged tells the operator at once: a daily check would come late.
func forged(e audit.Entry) {
	slog.Error("audit: an event in the database was not written by this server, or was changed", "id", e.ID, "time", e.At, "event", e.What)
}

// targetsOf names where events are sent on to.
func targetsOf(cfg config.Config) []string {
	var out []string
	if cfg.Audit.Webhook.URL != "" {
		out = append(out, forward.Webhook{}.Name())
	}
	if cfg.Audit.Syslog.Address != "" {
		out = append(out, (&forward.Syslog{}).Name())
	}
	return out
}

func (r *recordSide) targets() ([]audit.Target, error) {
	var out []audit.Target
	if c := r.cfg.Audit.Webhook; c.URL != "" {
		out = append(out, forward.Webhook{
			URL: c.URL, Secret: []byte(c.Secret), HTTP: oidc.NewOutbound(oidc.Outbound{Issuer: r.cfg.Issuer, Networks: r.cfg.Outbound.Networks}), Now: r.now,
		})
	}
	c := r.cfg.Audit.Syslog
	if c.Address == "" {
		return out, nil
	}
	to, err := url.Parse(c.Address) // the configuration is checked
	if err != nil {
		return nil, err
	}
	s := &forward.Syslog{Network: to.Scheme, Address: to.Host, Host: hostName(r.cfg.Issuer)}
	if c.Roots != "" {
		pem, err := os.ReadFile(c.Roots)
		if err != nil {
			return nil, fmt.Errorf("audit.syslog.roots: %w", err)
		}
		s.Roots = x509.NewCertPool()
		if !s.Roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("audit.syslog.roots: there is no certificate in %s", c.Roots)
		}
	}
	return append(out, s), nil
}

func hostName(issuer string) string {
	u, err := url.Parse(issuer)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// keep starts what goes on with the log beside the requests.
func (r *recordSide) keep(ctx context.Context, all *sync.WaitGroup) error {
	log, err := r.log(ctx)
	if err != nil {
		return err
	}
	targets, err := r.targets()
	if err != nil {
		return err
	}
	if err := r.noteConfig(ctx, log); err != nil {
		return err
	}
	all.Go(func() {
		steadily(ctx, "giving events their places", log.Sequencer.Step)
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer cancel()
		if err := log.Sequencer.Finish(end); err != nil {
			slog.Warn("audit: the last events have no place yet; the next start gives them one", "err", err)
		}
	})
	for _, t := range targets {
		f := &audit.Forwarder{Chain: r.db.Audit, Work: r.db.AuditWork, Target: t, Holder: instance, Now: r.now}
		all.Go(func() { steadily(ctx, "sending events on to "+t.Name(), f.Step) })
	}
	all.Go(func() { r.tidy(ctx, log) })
	return nil
}

// steadily takes a step each second, and at once while there is more.
func steadily(ctx context.Context, task string, step func(context.Context) (bool, error)) {
	tick := time.NewTicker(chainEvery)
	defer tick.Stop()
	failing := false
	for {
		more, err := step(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			slog.WarnContext(ctx, "audit: "+task+" failed; it is tried again each second", "err", err)
		case err == nil && failing:
			slog.InfoContext(ctx, "audit: "+task+" works again")
		}
		failing = err != nil
		if more && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// tidy cuts off what is too old, and checks the log once a day.
func (r *recordSide) tidy(ctx context.Context, log *audit.Service) {
	old := &audit.Retention{
		Chain: r.db.Audit, Work: r.db.AuditWork, Log: r.db.Log, Atomic: r.db.Atomic, Keys: log.Keys, Holder: instance, Keep: r.cfg.Audit.Keep, Now: r.now,
	}
	tick := time.NewTicker(tidyEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		run, span := trace.Root(ctx, "look after the log")
		err := old.Run(run)
		found, also := log.Daily(run, instance)
		err = errors.Join(err, also)
		span.End(err)
		if err != nil && ctx.Err() == nil {
			slog.WarnContext(ctx, "audit: looking after the log failed; it is tried again in an hour", "err", err)
		}
		if found != nil && !found.Well() {
			slog.ErrorContext(ctx, "audit: the log is not as it was written", "finding", verdict(*found))
		}
	}
}

// own are keys that instances on one database set each for itself.
var own = map[string]bool{"listen": true, "metrics_listen": true, "data_dir": true, "secrets.keyring_file": true, "log.level": true, "log.format": true}

// noteConfig leaves an event when the server starts with another configuration
// than the last time (SECURITY.md D-07). Secrets are compared masked: that one was
// replaced does not show, what it belongs to does.
func (r *recordSide) noteConfig(ctx context.Context, log *audit.Service) error {
	now := map[string]string{}
	for _, s := range r.cfg.Masked() {
		if !own[s.Key] {
			now[s.Key] = s.Value
		}
	}
	const task = "config"
	text, err := log.Work.State(ctx, task)
	if err != nil {
		return err
	}
	before := map[string]string{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &before); err != nil {
			return err
		}
	}
	if maps.Equal(before, now) {
		return nil
	}
	is, err := json.Marshal(now)
	if err != nil {
		return err
	}
	return r.db.Atomic(ctx, func(ctx context.Context) error {
		err := log.Work.SetState(ctx, task, string(is))
		if text == "" {
			return err // the first start changes nothing
		}
		return errors.Join(err, log.Log.Append(ctx, idp.Event{
			ID: rand.Text(), At: r.now(), What: "config.change", Origin: host.Origin, Result: "ok", Detail: idp.Diff(before, now),
		}))
	})
}
