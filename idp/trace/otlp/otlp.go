// Package otlp brings spans to a collector: OTLP over HTTP with JSON
// (OpenTelemetry Protocol Specification 1.x). It owns the queue between the program
// and the collector, and what goes over the wire.
//
// A collector that is slow, down or broken costs spans, never a request: the queue
// is bounded and nobody waits for room in it. Links and events of spans are not
// sent: nothing here makes any, and those that libraries make quote errors. Texts
// are cut at a length that no word of the program has.
package otlp

import (
	"context"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"

	"latchkey/idp/trace"
)

// Config says where spans go, and which.
type Config struct {
	// Endpoint is the collector's base address; /v1/traces is added. Without
	// TLS it must lead to this machine or into a private network.
	Endpoint string
	Headers  http.Header // sent along, such as a key; secret
	Service  string      // service.name
	Version  string      // service.version
	Instance string      // service.instance.id: which of several servers
	Sample   float64     // 0 to 1: the share of traces that are kept
	// Warn hears of spans that were lost since it heard last, and of the last
	// reason; at most once a minute. It must be quick; nil: nobody.
	Warn func(lost int64, err error)
	Now  func() time.Time // for Warn; nil: time.Now

	room, batch int           // spans in the queue, and sent together; 0: the defaults
	every       time.Duration // how long a span waits for others
	pause       time.Duration // before the second try; doubled each time
}

// Defaults of the queue. A span is about a kilobyte.
const (
	room  = 2048
	batch = 512
	every = 2 * time.Second
	// pause and tries make a quarter of a minute in which a collector may be started anew.
	pause = time.Second
	tries = 5
	// maxPause bounds what a collector asks for (Retry-After): the queue is full
	// long before.
	maxPause = 30 * time.Second
	// warnEvery is how often spans that are lost are told.
	warnEvery = time.Minute
)

// limits keep one span small, whatever variables of the environment say.
var limits = sdk.SpanLimits{
	AttributeValueLengthLimit: 200, AttributeValueDepthLimit: 2, AttributeCountLimit: 20, EventCountLimit: 1, LinkCountLimit: 1,
	AttributePerEventCountLimit: 1, AttributePerLinkCountLimit: 1,
}

// Pipeline is the way from spans to the collector.
type Pipeline struct {
	provider *sdk.TracerProvider
	queue    *queue
}

// Open makes a pipeline. It does not connect: the program starts without a
// collector, too.
func Open(c Config) *Pipeline {
	q := newQueue(c, newCollector(c))
	p := sdk.NewTracerProvider(
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(c.Sample))),
		sdk.WithRawSpanLimits(limits),
		sdk.WithSpanProcessor(q),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", c.Service), attribute.String("service.version", c.Version), attribute.String("service.instance.id", c.Instance),
			attribute.String("telemetry.sdk.name", "opentelemetry"), attribute.String("telemetry.sdk.language", "go"),
		)),
	)
	go q.run()
	return &Pipeline{provider: p, queue: q}
}

// Tracer makes spans that go this way.
func (p *Pipeline) Tracer() *trace.Tracer { return trace.New(p.provider) }

// Lost counts spans that did not get to the collector.
func (p *Pipeline) Lost() int64 { return p.queue.lost.Load() }

// Close sends what waits, until ctx ends. What is left then is lost.
func (p *Pipeline) Close(ctx context.Context) error { return p.provider.Shutdown(ctx) }

// Probe sends nothing, in the way in which spans are sent, and fails with what the
// collector, or the way to it, has against it.
func Probe(ctx context.Context, c Config) error {
	answer := newCollector(c).post(ctx, []byte(`{"resourceSpans":[]}`))
	return answer.err
}

func address(endpoint string) string {
	const path = "/v1/traces"
	return strings.TrimSuffix(strings.TrimRight(endpoint, "/"), path) + path
}
