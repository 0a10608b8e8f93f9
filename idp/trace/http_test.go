package trace

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace"
)

// W3C Trace Context §3.2: what is well-formed is taken over, and nothing else.
func TestTraceparent(t *testing.T) {
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for v, want := range map[string]bool{
		"00-" + id + "-" + parent + "-01":                      true,
		"00-" + id + "-" + parent + "-00":                      true,
		"cc-" + id + "-" + parent + "-01-what-will-be":         true,
		"00-" + id + "-" + parent + "-01-more":                 false,
		"ff-" + id + "-" + parent + "-01":                      false,
		"00-" + strings.ToUpper(id) + "-" + parent + "-01":     false,
		"00-" + strings.Repeat("0", 32) + "-" + parent + "-01": false,
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":     false,
		"00-" + id[1:] + "-" + parent + "-01":                  false,
		"00-" + id + "-" + parent + "-1":                       false,
		"00-" + id + "-" + parent + "-0g":                      false,
		"0-" + id + "-" + parent + "-01":                       false,
		"00" + id + parent + "01":                              false,
		"":                                                     false,
	} {
		h := http.Header{"Traceparent": {v}}
		c := trace.SpanContextFromContext(continued(t.Context(), h))
		if c.IsValid() != want || want && (!c.IsRemote() || c.TraceID().String() != id || c.IsSampled() != (v[53:55] == "01")) {
			t.Errorf("%q: %v", v, c)
		}
	}
	twice := http.Header{"Traceparent": {"00-" + id + "-" + parent + "-01", "00-" + id + "-" + parent + "-01"}}
	if trace.SpanContextFromContext(continued(t.Context(), twice)).IsValid() {
		t.Error("two headers are taken")
	}
}

// Names of spans have no words of strangers.
func TestMethods(t *testing.T) {
	r := httptest.NewRequest("HUSH", "/", nil)
	if methodOf(r.Method) != otherMethod || methodOf(http.MethodPatch) != "PATCH" {
		t.Error(methodOf(r.Method))
	}
}
