package otlp

import (
	"encoding/json"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The JSON of OTLP (opentelemetry-proto, ExportTraceServiceRequest, with the
// exceptions of the OTLP specification, "JSON Protobuf Encoding"): ids are
// hexadecimal, enumerations are numbers, 64-bit integers are texts.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   described    `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	described struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	span struct {
		TraceID  string     `json:"traceId"`
		SpanID   string     `json:"spanId"`
		ParentID string     `json:"parentSpanId,omitempty"`
		Flags    uint32     `json:"flags"`
		Name     string     `json:"name"`
		Kind     int        `json:"kind"`
		Start    string     `json:"startTimeUnixNano"`
		End      string     `json:"endTimeUnixNano"`
		Attrs    []keyValue `json:"attributes,omitempty"`
		Dropped  int        `json:"droppedAttributesCount,omitempty"`
		Status   status     `json:"status"`
	}
	status struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	keyValue struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	// value has one field.
	value struct {
		String *string  `json:"stringValue,omitempty"`
		Bool   *bool    `json:"boolValue,omitempty"`
		Int    string   `json:"intValue,omitempty"`
		Double *float64 `json:"doubleValue,omitempty"`
	}
)

// Numbers of trace.proto: enum SpanKind, enum StatusCode, enum SpanFlags.
var (
	kinds = map[trace.SpanKind]int{
		trace.SpanKindInternal: 1, trace.SpanKindServer: 2, trace.SpanKindClient: 3, trace.SpanKindProducer: 4, trace.SpanKindConsumer: 5,
	}
	states = map[codes.Code]int{codes.Ok: 1, codes.Error: 2}
)

const (
	knowsRemote  = 0x100 // whether the parent is remote is told …
	remoteParent = 0x200 // … and it is
)

// encode writes a request. All spans are of one program, so of one resource.
func encode(spans []sdk.ReadOnlySpan) ([]byte, error) {
	var of []scopeSpans
	place := map[scope]int{}
	for _, s := range spans {
		from := s.InstrumentationScope()
		k := scope{from.Name, from.Version}
		i, known := place[k]
		if !known {
			i = len(of)
			place[k], of = i, append(of, scopeSpans{Scope: k})
		}
		of[i].Spans = append(of[i].Spans, spanOf(s))
	}
	r := resourceSpans{ScopeSpans: of}
	if len(spans) > 0 {
		r.Resource.Attributes = attributes(spans[0].Resource().Attributes())
	}
	return json.Marshal(request{[]resourceSpans{r}})
}

func spanOf(s sdk.ReadOnlySpan) span {
	c, above := s.SpanContext(), s.Parent()
	out := span{
		TraceID: c.TraceID().String(), SpanID: c.SpanID().String(), Flags: uint32(c.TraceFlags()) | knowsRemote,
		Name: s.Name(), Kind: kinds[s.SpanKind()], Start: nanos(s.StartTime()), End: nanos(s.EndTime()),
		Attrs: attributes(s.Attributes()), Dropped: s.DroppedAttributes(),
		Status: status{states[s.Status().Code], s.Status().Description},
	}
	if above.HasSpanID() {
		out.ParentID = above.SpanID().String()
	}
	if above.IsRemote() {
		out.Flags |= remoteParent
	}
	return out
}

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

func attributes(list []attribute.KeyValue) []keyValue {
	out := make([]keyValue, len(list))
	for i, a := range list {
		out[i] = keyValue{string(a.Key), valueOf(a.Value)}
	}
	return out
}

// valueOf writes lists, which nobody here makes, as a text.
func valueOf(v attribute.Value) (out value) {
	switch v.Type() {
	case attribute.BOOL:
		b := v.AsBool()
		out.Bool = &b
	case attribute.INT64:
		out.Int = strconv.FormatInt(v.AsInt64(), 10)
	case attribute.FLOAT64:
		f := v.AsFloat64()
		out.Double = &f
	default:
		s := v.String()
		out.String = &s
	}
	return out
}
