package trace

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Attributes have the names of OpenTelemetry's semantic conventions.
const (
	methodKey = "http.request.method"
	routeKey  = "http.route"
	statusKey = "http.response.status_code"
	serverKey = "server.address"
	portKey   = "server.port"
)

// Serve begins the span of a request that we answer. route is its pattern, never
// its path: paths carry tickets, tokens and Odoo's secrets. server is our own
// name. Only of a caller that is trusted (a proxy of ours) the trace goes on that
// its header names: a stranger could have each request kept, or none, or put it
// into another one's trace.
func (t *Tracer) Serve(r *http.Request, route, server string, trusted bool) (context.Context, Span) {
	ctx := r.Context()
	if t == nil {
		return ctx, Span{}
	}
	if trusted {
		ctx = continued(ctx, r.Header)
	}
	name, method := methodOf(r.Method), methodOf(r.Method)
	if method == otherMethod {
		name = "HTTP"
	}
	attrs := []Attr{Text(methodKey, method), Text(serverKey, server)}
	if route != "" {
		name += " " + route
		attrs = append(attrs, Text(routeKey, route))
	}
	ctx, s := t.of.Start(t.In(ctx), name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attrs...))
	return ctx, Span{s}
}

// Answered ends the span of a request. Statuses below 500 are no errors of ours.
func (s Span) Answered(status int) {
	if s.of == nil {
		return
	}
	s.Note(Number(statusKey, status))
	if status >= http.StatusInternalServerError {
		s.fail(strconv.Itoa(status))
	}
	s.of.End()
}

const otherMethod = "_OTHER"

// methodOf keeps out what strangers invent.
func methodOf(m string) string {
	switch m {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return m
	}
	return otherMethod
}

// continued takes over the trace of a header "traceparent" (W3C Trace Context
// §3.2): version, trace, parent and flags. What is not well-formed is as good as
// none; "tracestate" is free text and is left.
func continued(ctx context.Context, h http.Header) context.Context {
	v := h.Values("traceparent")
	if len(v) != 1 {
		return ctx
	}
	part := strings.Split(v[0], "-")
	if len(part) < 4 || len(part[0]) != 2 || len(part[3]) != 2 || part[0] == "ff" || part[0] == "00" && len(part) != 4 {
		return ctx
	}
	_, err0 := strconv.ParseUint(part[0], 16, 8)
	id, err1 := trace.TraceIDFromHex(part[1])
	parent, err2 := trace.SpanIDFromHex(part[2])
	flags, err3 := strconv.ParseUint(part[3], 16, 8)
	if err0 != nil || err1 != nil || err2 != nil || err3 != nil || strings.ToLower(v[0]) != v[0] {
		return ctx
	}
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: parent, TraceFlags: trace.TraceFlags(flags) & trace.FlagsSampled, Remote: true,
	}))
}

// Transport watches calls to others: the method, the server and the status, and
// nothing of what is said. It sends no trace along: the other side is somebody
// else's.
func Transport(next http.RoundTripper) http.RoundTripper { return watching{next} }

type watching struct{ next http.RoundTripper }

func (w watching) RoundTrip(r *http.Request) (*http.Response, error) {
	if !Watched(r.Context()) {
		return w.next.RoundTrip(r)
	}
	method := methodOf(r.Method)
	ctx, s := Call(r.Context(), method, append(server(r.URL), Text(methodKey, method))...)
	resp, err := w.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		s.End(err)
		return resp, err
	}
	s.Note(Number(statusKey, resp.StatusCode))
	if resp.StatusCode >= http.StatusBadRequest {
		s.fail(strconv.Itoa(resp.StatusCode))
	}
	s.of.End()
	return resp, nil
}

// CloseIdleConnections is http.Client's.
func (w watching) CloseIdleConnections() {
	if c, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func server(u *url.URL) []Attr {
	out := []Attr{Text(serverKey, u.Hostname())}
	if n, err := strconv.Atoi(u.Port()); err == nil {
		out = append(out, Number(portKey, n))
	}
	return out
}

// Server says which server a [Call] goes to that is not made by HTTP.
func Server(host string) Attr { return Text(serverKey, host) }
