package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/config"
	"latchkey/idp/trace/otlp"
)

// traceDrain is how long spans under way may take when the server stops, after
// its requests (see drain).
const traceDrain = 3 * time.Second

// collector says where spans go.
func collector(cfg config.Config) otlp.Config {
	c := otlp.Config{
		Endpoint: cfg.Tracing.Endpoint, Headers: http.Header{}, Service: cfg.Tracing.Service, Version: version, Instance: instance, Sample: cfg.Tracing.Sample,
		Warn: func(lost int64, err error) {
			slog.Warn("traces: spans were lost; requests go on as before", "spans", lost, "err", err)
		},
	}
	for _, h := range cfg.Tracing.Headers {
		c.Headers.Add(h.Name, h.Value)
	}
	return c
}

// openTraces begins to trace, if the operator wants that. end sends what waits.
func (g *ground) openTraces() (end func()) {
	if g.cfg.Tracing.Endpoint == "" {
		return func() {}
	}
	p := otlp.Open(collector(g.cfg))
	g.traces, g.lost = p.Tracer(), p.Lost
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), traceDrain)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			slog.Warn("traces: the last spans did not get to the collector in time", "err", err)
		}
	}
}

// tracing watches requests. Those that ask each second whether the server is there
// are left out: they would be most of all.
func tracing(h *house) gin.HandlerFunc {
	own := "" // our name, from the configuration: a request's Host is a stranger's word
	if u, err := url.Parse(h.cfg.Issuer); err == nil {
		own = u.Hostname()
	}
	return func(c *gin.Context) {
		route := c.FullPath()
		if route == "/healthz" || route == "/readyz" {
			return
		}
		ctx, span := h.traces.Serve(c.Request, route, own, proxied(h.cfg, c.RemoteIP()))
		defer func() { span.Answered(c.Writer.Status()) }()
		c.Request = c.Request.WithContext(ctx)
		c.Next()
	}
}

// proxied reports whether a connection comes from a proxy of ours.
func proxied(cfg config.Config, address string) bool {
	ip, err := netip.ParseAddr(address)
	return err == nil && slices.ContainsFunc(cfg.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// lookAtTraces sends the collector nothing, as spans are sent.
func lookAtTraces(ctx context.Context, cfg config.Config) finding {
	if cfg.Tracing.Endpoint == "" {
		return fine("not used")
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := otlp.Probe(ctx, collector(cfg)); err != nil {
		return warn("%v", fmt.Errorf("%w; is tracing.endpoint right, and does it speak OTLP over HTTP (usually port 4318)? Spans are lost until then, and nothing else", err))
	}
	return fine("the collector answers")
}
