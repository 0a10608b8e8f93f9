package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/config"
	"latchkey/migrations"
)

var (
	waitingMetric = prometheus.NewDesc("latchkey_audit_unchained_events", "Events that have no place in the chain yet, up to 100000.", nil, nil)
	brokenMetric  = prometheus.NewDesc("latchkey_audit_broken", "1 when the last check of the log found it changed.", nil, nil)
	behindMetric  = prometheus.NewDesc("latchkey_audit_forward_lag_events", "Events that wait to be sent on.", []string{"target"}, nil)
	failureMetric = prometheus.NewDesc("latchkey_audit_forward_failures", "Failures in a row of sending events on.", []string{"target"}, nil)
)

// measure is how the log stands, as gauges.
func (r *recordSide) measure(ctx context.Context, gauge gauging) error {
	log, err := r.log(ctx)
	if err != nil {
		return err
	}
	st, err := log.Status(ctx, host)
	if err != nil {
		return err
	}
	gauge(waitingMetric, float64(st.Waiting))
	gauge(brokenMetric, truth(st.Verified != nil && !st.Verified.Well()))
	for _, t := range st.Targets {
		gauge(behindMetric, float64(t.Behind), t.Name)
		gauge(failureMetric, float64(t.Failures), t.Name)
	}
	return nil
}

// lookAtLog tells what the last check of the log found, and where sending on
// fails.
func lookAtLog(ctx context.Context, cfg config.Config) finding {
	return lookInside(ctx, cfg, func(b *base) finding { return b.records.finding(ctx) })
}

// lookInside looks at what takes the database and the keyring.
func lookInside(ctx context.Context, cfg config.Config, look func(*base) finding) finding {
	if path := cfg.Database.File(); path != "" && blank(path) {
		return warn("there is no database yet")
	}
	if _, err := os.Stat(cfg.Secrets.KeyringFile); err != nil {
		return warn("not looked at, as it takes the keyring")
	}
	b, err := openAt(ctx, cfg, clock(), false)
	switch {
	case errors.Is(err, migrations.ErrPending):
		return warn("not looked at, as the database is older than this program")
	case err != nil:
		return broken(err)
	}
	f := look(b)
	if err := b.close(); err != nil {
		return broken(err)
	}
	return f
}

func (r *recordSide) finding(ctx context.Context) finding {
	log, err := r.log(ctx)
	if err != nil {
		return broken(err)
	}
	st, err := log.Status(ctx, host)
	if err != nil {
		return broken(err)
	}
	if v := st.Verified; v != nil && !v.Well() {
		return broken(fmt.Errorf("%s (found %s): find out who could write to the database; `latchkey audit verify` looks again", verdict(*v), stamp(v.At)))
	}
	for _, t := range st.Targets {
		if t.Failure != "" {
			return warn("%d events wait to be sent on to %s, which failed %d times: %s", t.Behind, t.Name, t.Failures, t.Failure)
		}
	}
	if st.Verified == nil {
		return fine("%d events; the server checks them once a day, `latchkey audit verify` does at once", st.Head.Seq)
	}
	return fine("%d events, checked %s", st.Head.Seq, stamp(st.Verified.At))
}
