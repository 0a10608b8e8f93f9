// Package tracetest shows tests which spans there were. It is for tests only.
package tracetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"latchkey/idp/trace"
)

// Record watches what is done with a context. spans are those that have ended, as
// lines such as "client GET db.system.name=redis !", attributes in the order of their
// names; "!" marks a failure.
func Record(t testing.TB) (ctx context.Context, spans func() []string) {
	t.Helper()
	r := &recorder{}
	p := sdk.NewTracerProvider(sdk.WithSpanProcessor(r))
	t.Cleanup(func() { _ = p.Shutdown(context.Background()) })
	ctx, _ = trace.Root(trace.New(p).In(t.Context()), "test")
	return ctx, r.lines
}

type recorder struct {
	mu    sync.Mutex
	ended []string
}

func (*recorder) OnStart(context.Context, sdk.ReadWriteSpan) {}

func (r *recorder) OnEnd(s sdk.ReadOnlySpan) {
	var attrs []string
	for _, a := range s.Attributes() {
		attrs = append(attrs, fmt.Sprintf("%s=%s", a.Key, a.Value.String()))
	}
	slices.Sort(attrs)
	line := strings.TrimSpace(fmt.Sprintf("%s %s %s", s.SpanKind(), s.Name(), strings.Join(attrs, " ")))
	if s.Status().Code == codes.Error {
		line += " !" + s.Status().Description
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = append(r.ended, line)
}

func (*recorder) Shutdown(context.Context) error   { return nil }
func (*recorder) ForceFlush(context.Context) error { return nil }

func (r *recorder) lines() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ended)
}
