// Package trace tells an operator where the time of a request goes: spans of
// requests, of round trips to the database and to Redis, of calls to others, of
// password hashing and of work in the background. It is the only one, with what
// is below it, that knows OpenTelemetry.
//
// What stands in a span is made here and at its callers of words of the program:
// never of a query, a header, an address of a person's, a login, a name, a token or
// a text of an error, all of which a collector would keep without a seal
// (SECURITY.md C-09). It decides nothing, and its failures stop nothing.
package trace

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"latchkey/idp"
)

// scope is what our spans say they are from.
const scope = "latchkey"

// Tracer makes the spans that have nothing above them here. nil makes none.
type Tracer struct{ of trace.Tracer }

// New makes a tracer; package otlp has a provider that sends spans away.
func New(p trace.TracerProvider) *Tracer { return &Tracer{p.Tracer(scope)} }

type key struct{}

// In lets [Root] find the tracer.
func (t *Tracer) In(ctx context.Context) context.Context {
	if t == nil {
		return ctx
	}
	return context.WithValue(ctx, key{}, t)
}

// Detached is for work that outlives what started it: it knows the tracer of ctx
// and nothing else, so that its spans are a trace of their own.
func Detached(ctx context.Context) context.Context {
	t, _ := ctx.Value(key{}).(*Tracer)
	return t.In(context.Background())
}

// Attr is something that a span says.
type Attr = attribute.KeyValue

// Text and Number make attributes. A text is one of the program's own words, or
// the name of a server that the operator or an administrator has named.
func Text(k, v string) Attr { return attribute.String(k, v) }

// Number is for counts, sizes and states.
func Number(k string, n int) Attr { return attribute.Int(k, n) }

// Span is a stretch of work. The zero value is one that nobody watches.
type Span struct{ of trace.Span }

// Start begins a stretch inside of one that is under way. Where none is watched
// it does nothing, and costs a look into ctx.
func Start(ctx context.Context, name string, attrs ...Attr) (context.Context, Span) {
	return begin(ctx, name, trace.SpanKindInternal, attrs)
}

// Call is Start for what another server does.
func Call(ctx context.Context, name string, attrs ...Attr) (context.Context, Span) {
	return begin(ctx, name, trace.SpanKindClient, attrs)
}

func begin(ctx context.Context, name string, kind trace.SpanKind, attrs []Attr) (context.Context, Span) {
	above := trace.SpanFromContext(ctx)
	if !above.IsRecording() {
		return ctx, Span{}
	}
	ctx, s := above.TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attrs...))
	return ctx, Span{s}
}

// Watched reports whether spans that are begun with ctx go anywhere: what is dear
// to find out for one need not be found out otherwise.
func Watched(ctx context.Context) bool { return trace.SpanFromContext(ctx).IsRecording() }

// Root begins one run of work in the background.
func Root(ctx context.Context, name string, attrs ...Attr) (context.Context, Span) {
	t, _ := ctx.Value(key{}).(*Tracer)
	if t == nil {
		return ctx, Span{}
	}
	ctx, s := t.of.Start(ctx, name, trace.WithNewRoot(), trace.WithAttributes(attrs...))
	return ctx, Span{s}
}

// Note adds to the span in ctx.
func Note(ctx context.Context, attrs ...Attr) { trace.SpanFromContext(ctx).SetAttributes(attrs...) }

// Note adds to a span.
func (s Span) Note(attrs ...Attr) {
	if s.of != nil {
		s.of.SetAttributes(attrs...)
	}
}

// End ends a span. Of an error it tells the kind: the text may quote what no
// collector is to have.
func (s Span) End(err error) {
	if s.of == nil {
		return
	}
	if err != nil {
		s.fail(kindOf(err))
	}
	s.of.End()
}

func (s Span) fail(kind string) {
	s.of.SetStatus(codes.Error, "")
	s.of.SetAttributes(Text("error.type", kind))
}

// kindOf is a word for an error. "_OTHER" is that of OpenTelemetry's semantic
// conventions for what has none.
func kindOf(err error) string {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, idp.ErrBusy):
		return "busy"
	}
	return "_OTHER"
}

// ID is that of the trace of ctx, in hexadecimal digits; empty: there is none.
func ID(ctx context.Context) string {
	if c := trace.SpanContextFromContext(ctx); c.HasTraceID() {
		return c.TraceID().String()
	}
	return ""
}
