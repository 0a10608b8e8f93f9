package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestTracing(t *testing.T) {
	c, err := load(t, "tracing: {endpoint: 'http://collector:4318', sample: 0.25, headers: ['Authorization: Basic YTpi', 'X-Scope-OrgID: 1']}")
	if err != nil {
		t.Fatal(err)
	}
	want := Tracing{Endpoint: "http://collector:4318", Sample: 0.25, Service: "latchkey", Headers: []Header{{"Authorization", "Basic YTpi"}, {"X-Scope-OrgID", "1"}}}
	if !reflect.DeepEqual(c.Tracing, want) {
		t.Errorf("got %+v", c.Tracing)
	}
	for _, s := range c.Masked() {
		if strings.Contains(s.Value, "YTpi") {
			t.Errorf("%s shows the key: %s", s.Key, s.Value)
		}
	}
	if c, err = load(t, ""); err != nil || c.Tracing.Endpoint != "" || c.Tracing.Sample != 1 {
		t.Errorf("by default: %+v, %v", c.Tracing, err)
	}
}

// C-07, C-08: nothing crosses networks of others in clear text, and no mistake
// shows a secret.
func TestTracingMistakes(t *testing.T) {
	for _, c := range []struct{ key, value string }{
		{"tracing.endpoint", "collector:4318"}, {"tracing.endpoint", "grpc://collector:4317"}, {"tracing.endpoint", "https://me:hush@c"}, {"tracing.endpoint", "https://c/?key=hush"},
		{"tracing.endpoint", "http://192.0.2.1:4318"}, {"tracing.endpoint", "http://[2001:db8::1]:4318"},
		{"tracing.headers", "hush"}, {"tracing.headers", ": hush"}, {"tracing.headers", "Author ization: hush"}, {"tracing.headers", "A:"}, {"tracing.headers", "A: hüsh"},
		{"tracing.headers", "A: hush, content-type: x"}, {"tracing.headers", "A: hush\nB: c"},
		{"tracing.sample", "1.1"}, {"tracing.sample", "-0.1"}, {"tracing.sample", "NaN"}, {"tracing.sample", "10%"},
		{"tracing.service_name", "a b"}, {"tracing.service_name", strings.Repeat("x", 65)},
	} {
		k, _ := find(c.key)
		_, err := load(t, "", k.Variable()+"="+c.value)
		if err == nil {
			t.Errorf("%s=%q is taken", c.key, c.value)
			continue
		}
		if says := mistakes(t, err)[c.key]; !strings.Contains(says, "allowed: ") {
			t.Errorf("%s=%q: %v", c.key, c.value, err)
		}
		if strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: the mistake shows a secret: %v", c.key, err)
		}
	}
	for _, fine := range []string{"http://127.0.0.1:4318", "http://[::1]:4318/", "http://10.1.2.3", "https://192.0.2.1/otlp", "http://otel-collector:4318/v1/traces"} {
		if _, err := load(t, "", "LATCHKEY_TRACING_ENDPOINT="+fine); err != nil {
			t.Errorf("%s: %v", fine, err)
		}
	}
}
