package trace_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/trace"
	"latchkey/idp/trace/tracetest"
)

func want(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// C-09: of an error a span has the kind, never the text.
func TestErrors(t *testing.T) {
	ctx, spans := tracetest.Record(t)
	for _, err := range []error{nil, errors.New("hush"), fmt.Errorf("hush: %w", context.DeadlineExceeded), context.Canceled, fmt.Errorf("%w: hush", idp.ErrBusy)} {
		_, s := trace.Start(ctx, "x", trace.Number("n", 1))
		s.End(err)
	}
	want(t, spans(), "internal x n=1", "internal x error.type=_OTHER n=1 !", "internal x error.type=timeout n=1 !", "internal x error.type=canceled n=1 !", "internal x error.type=busy n=1 !")
}

// Nobody watches: nothing is made, and nothing is paid for it.
func TestOff(t *testing.T) {
	ctx := t.Context()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	var none *trace.Tracer
	if n := testing.AllocsPerRun(100, func() {
		c, s := trace.Start(ctx, "x")
		s.End(nil)
		_, s = trace.Root(none.In(c), "x")
		s.Note()
		s.End(nil)
		c, s = none.Serve(r, "/", "h", true)
		s.Answered(500)
		trace.Note(c)
		if trace.Watched(c) || trace.ID(c) != "" || trace.Detached(c) != context.Background() {
			t.Error("something is watched")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	plain := httptest.NewRequest(http.MethodGet, "http://a.example.org/", nil)
	_, err := trace.Transport(seeing(func(r *http.Request) {
		if r != plain {
			t.Error("the request was copied")
		}
	})).RoundTrip(plain)
	if err != nil {
		t.Error(err)
	}
}

type seeing func(*http.Request)

func (s seeing) RoundTrip(r *http.Request) (*http.Response, error) {
	s(r)
	if r.Method == http.MethodDelete {
		return nil, errors.New("hush")
	}
	return &http.Response{StatusCode: map[string]int{http.MethodPut: 404}[r.Method], Request: r, Body: http.NoBody}, nil
}

// Of a call to others a span has method, server and status; nothing is sent along.
func TestTransport(t *testing.T) {
	ctx, spans := tracetest.Record(t)
	c := http.Client{Transport: trace.Transport(seeing(func(r *http.Request) {
		if len(r.Header) != 1 || r.Header.Get("X-Own") == "" {
			t.Errorf("headers: %v", r.Header)
		}
	}))}
	for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, "HUSH"} {
		r, _ := http.NewRequestWithContext(ctx, method, "https://gate.example.org:8443/hush?hush=hush", nil)
		r.Header.Set("X-Own", "hush")
		if resp, err := c.Do(r); err == nil {
			resp.Body.Close()
		}
	}
	const at = "server.address=gate.example.org server.port=8443"
	want(t, spans(),
		"client GET http.request.method=GET http.response.status_code=0 "+at,
		"client PUT error.type=404 http.request.method=PUT http.response.status_code=404 "+at+" !",
		"client DELETE error.type=_OTHER http.request.method=DELETE "+at+" !",
		"client _OTHER http.request.method=_OTHER http.response.status_code=0 "+at)
}

// What outlives a request is a trace of its own.
func TestDetached(t *testing.T) {
	ctx, spans := tracetest.Record(t)
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	out := trace.Detached(ctx)
	if out.Err() != nil || trace.ID(out) != "" {
		t.Error("it hangs on what started it")
	}
	run, s := trace.Root(out, "job")
	if id := trace.ID(run); id == "" || id == trace.ID(ctx) {
		t.Errorf("trace %q", id)
	}
	s.End(nil)
	want(t, spans(), "internal job")
}

func TestLines(t *testing.T) {
	ctx, _ := tracetest.Record(t)
	var out bytes.Buffer
	log := slog.New(trace.Lines(slog.NewTextHandler(&out, nil))).With("a", 1).WithGroup("g")
	log.InfoContext(ctx, "inside", "b", 2)
	log.Info("outside")
	lines := strings.Split(out.String(), "\n")
	if id := trace.ID(ctx); len(id) != 32 || !strings.Contains(lines[0], "trace_id="+id) || strings.Contains(lines[1], "trace_id") {
		t.Errorf("%q: %s", id, out.String())
	}
}
