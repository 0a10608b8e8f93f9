package otlp

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/trace"
)

// backend is a collector that remembers what it got.
type backend struct {
	*httptest.Server
	mu     sync.Mutex
	got    []*http.Request
	bodies []string
	answer func(n int, w http.ResponseWriter) // n counts from 1; nil: it takes all
	heard  chan int
}

func collect(t *testing.T, answer func(int, http.ResponseWriter)) *backend {
	b := &backend{answer: answer, heard: make(chan int, 100)}
	b.Server = httptest.NewServer(b)
	t.Cleanup(b.Close)
	return b
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var body []byte
	if z, err := gzip.NewReader(r.Body); err == nil {
		body, _ = io.ReadAll(z)
	}
	b.mu.Lock()
	b.got, b.bodies = append(b.got, r), append(b.bodies, string(body))
	n := len(b.got)
	b.mu.Unlock()
	b.heard <- n
	if b.answer != nil {
		b.answer(n, w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, "{}")
}

func (b *backend) requests() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.got)
}

func (b *backend) config() Config {
	return Config{Endpoint: b.URL, Service: "house", Version: "v1", Instance: "one", Sample: 1, every: time.Hour, pause: time.Millisecond}
}

func end(t *testing.T, p *Pipeline) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := p.Close(ctx); err != nil {
		t.Fatal(err)
	}
}

// one makes a trace of a request with a call inside.
func one(p *Pipeline) {
	r := httptest.NewRequest(http.MethodPost, "/odoo/shop/hush/userinfo?access_token=hush", nil)
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	ctx, serving := p.Tracer().Serve(r, "/odoo/:client_id/:secret/userinfo", "id.example.org", true)
	_, call := trace.Call(ctx, "SELECT users", trace.Number("rows", 3))
	call.End(errors.New("user ann@example.org is hush"))
	serving.Answered(http.StatusServiceUnavailable)
}

// The wire, held against OTLP's specification ("JSON Protobuf Encoding") and
// opentelemetry-proto by hand: ids as hexadecimal digits, 64-bit integers as
// texts, enumerations as numbers, names in lowerCamelCase.
func TestWire(t *testing.T) {
	b := collect(t, nil)
	c := b.config()
	c.Headers = http.Header{"Authorization": {"Bearer key"}}
	p := Open(c)
	before := time.Now()
	one(p)
	end(t, p)
	if n := b.requests(); n != 1 {
		t.Fatalf("%d requests", n)
	}
	r, body := b.got[0], b.bodies[0]
	for name, want := range map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip", "Authorization": "Bearer key"} {
		if r.Header.Get(name) != want {
			t.Errorf("%s: %q", name, r.Header.Get(name))
		}
	}
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" {
		t.Errorf("%s %s", r.Method, r.URL)
	}
	// What differs each time is put in order first.
	ids := regexp.MustCompile(`"spanId":"([0-9a-f]{16})"`).FindAllStringSubmatch(body, -1)
	times := regexp.MustCompile(`UnixNano":"([0-9]{19})"`).FindAllStringSubmatch(body, -1)
	if len(ids) != 2 || len(times) != 4 || times[0][1] < nanos(before) {
		t.Fatalf("ids %v, times %v in %s", ids, times, body)
	}
	body = strings.NewReplacer(ids[0][1], "CALL", ids[1][1], "SERVE").Replace(body)
	body = regexp.MustCompile(`UnixNano":"[0-9]{19}"`).ReplaceAllString(body, `UnixNano":"AT"`)
	const want = `{"resourceSpans":[{"resource":{"attributes":[
		{"key":"service.instance.id","value":{"stringValue":"one"}},{"key":"service.name","value":{"stringValue":"house"}},{"key":"service.version","value":{"stringValue":"v1"}},
		{"key":"telemetry.sdk.language","value":{"stringValue":"go"}},{"key":"telemetry.sdk.name","value":{"stringValue":"opentelemetry"}}]},
	"scopeSpans":[{"scope":{"name":"latchkey"},"spans":[
		{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"CALL","parentSpanId":"SERVE","flags":257,"name":"SELECT users","kind":3,
		 "startTimeUnixNano":"AT","endTimeUnixNano":"AT","attributes":[{"key":"rows","value":{"intValue":"3"}},{"key":"error.type","value":{"stringValue":"_OTHER"}}],"status":{"code":2}},
		{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"SERVE","parentSpanId":"b7ad6b7169203331","flags":769,"name":"POST /odoo/:client_id/:secret/userinfo","kind":2,
		 "startTimeUnixNano":"AT","endTimeUnixNano":"AT","attributes":[{"key":"http.request.method","value":{"stringValue":"POST"}},{"key":"server.address","value":{"stringValue":"id.example.org"}},
		 {"key":"http.route","value":{"stringValue":"/odoo/:client_id/:secret/userinfo"}},{"key":"http.response.status_code","value":{"intValue":"503"}},{"key":"error.type","value":{"stringValue":"503"}}],"status":{"code":2}}
	]}]}]}`
	same(t, body, want)
}

func same(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := errors.Join(json.Unmarshal([]byte(got), &g), json.Unmarshal([]byte(want), &w)); err != nil {
		t.Fatal(err)
	}
	a, _ := json.MarshalIndent(g, "", " ")
	b, _ := json.MarshalIndent(w, "", " ")
	if string(a) != string(b) {
		t.Errorf("got %s\nwant %s", a, b)
	}
}

// A header replaces none that the exporter sets, and an address may have the
// path already.
func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"http://c:4318": "http://c:4318/v1/traces", "https://c/otlp/": "https://c/otlp/v1/traces", "https://c/v1/traces": "https://c/v1/traces",
	} {
		if got := address(in); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// Those statuses, and no others, are tried again ("Failures"), a number of times.
func TestRetry(t *testing.T) {
	for status, want := range map[int]int{429: 3, 502: 3, 503: 3, 504: 3, 400: 1, 401: 1, 404: 1, 500: 1, 302: 1} {
		b := collect(t, func(n int, w http.ResponseWriter) {
			if n < 3 {
				w.Header().Set("Location", "https://elsewhere.example.org/")
				w.WriteHeader(status)
			}
		})
		p := Open(small(b))
		one(p) // fills a batch
		for n := range want {
			if got := <-b.heard; got != n+1 {
				t.Fatalf("%d: request %d", status, got)
			}
		}
		end(t, p)
		lost := int64(2)
		if want == 3 {
			lost = 0
		}
		if b.requests() != want || p.Lost() != lost {
			t.Errorf("%d: %d requests, %d lost", status, b.requests(), p.Lost())
		}
		if want == 3 && b.bodies[0] != b.bodies[2] {
			t.Errorf("%d: not the same was sent again", status)
		}
	}
}

// small sends two spans at once.
func small(b *backend) Config {
	c := b.config()
	c.batch = 2
	return c
}

func TestRetryAfter(t *testing.T) {
	in := time.Now().Add(20 * time.Second).UTC().Format(http.TimeFormat)
	for v, want := range map[string]time.Duration{"": 0, "7": 7 * time.Second, "86400": maxPause, "-1": 0, "soon": 0, in: 20 * time.Second} {
		got := retryAfter(http.Header{"Retry-After": {v}})
		if (got-want).Abs() > 2*time.Second || want < maxPause && got > want {
			t.Errorf("%q: %v", v, got)
		}
	}
	b := collect(t, func(n int, w http.ResponseWriter) {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(503)
	})
	if a := newCollector(b.config()).post(t.Context(), []byte("{}")); !a.again || a.after != time.Second || a.err == nil {
		t.Errorf("%+v", a)
	}
}

// A collector that takes some and refuses others ("Partial Success"): nothing is
// sent again, and what it refused is counted and told.
func TestPartialSuccess(t *testing.T) {
	for _, number := range []string{`"1"`, `1`} {
		b := collect(t, func(_ int, w http.ResponseWriter) {
			io.WriteString(w, `{"partialSuccess":{"rejectedSpans":`+number+`,"errorMessage":"too\nold"}}`)
		})
		c, told := b.config(), ""
		c.Warn = func(lost int64, err error) { told = err.Error() }
		p := Open(c)
		one(p)
		end(t, p)
		if p.Lost() != 1 || b.requests() != 1 || told != "the collector took not all: too old" {
			t.Errorf("%s: %d lost, %d requests, %q", number, p.Lost(), b.requests(), told)
		}
	}
}

// A collector that hangs holds up nobody: what finds no room is counted, and one
// warning is enough for a minute.
func TestFull(t *testing.T) {
	hang := make(chan struct{})
	b := collect(t, func(_ int, w http.ResponseWriter) { <-hang })
	c := small(b)
	c.room = 4
	warnings, lost, now := 0, int64(0), time.Now()
	c.Now = func() time.Time { return now }
	c.Warn = func(n int64, _ error) { warnings++; lost += n }
	p := Open(c)
	one(p)
	<-b.heard // it has hung up on the first two
	start := time.Now()
	for range 50 {
		one(p)
	}
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("requests were held up for %v", took)
	}
	if p.Lost() != 96 {
		t.Errorf("%d lost", p.Lost())
	}
	close(hang)
	end(t, p)
	if warnings != 1 || lost != 96 {
		t.Errorf("%d warnings of %d spans", warnings, lost)
	}
}

// A collector that is down: spans are lost after some tries, and the end of the
// program waits for no longer than it must.
func TestDown(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	c := Config{Endpoint: "http://" + ln.Addr().String(), Sample: 1, every: time.Hour, pause: time.Hour}
	p := Open(c)
	one(p)
	end(t, p)
	if p.Lost() != 2 {
		t.Errorf("%d lost", p.Lost())
	}
	if err := Probe(t.Context(), c); err == nil || strings.Contains(err.Error(), "/v1/traces") {
		t.Errorf("probe: %v", err)
	}
	b := collect(t, func(_ int, w http.ResponseWriter) { time.Sleep(time.Millisecond); <-t.Context().Done() })
	p = Open(b.config())
	one(p)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a collector that hangs at the end: %v", err)
	}
}

// Sampling: none, all, and what a trusted proxy says.
func TestSample(t *testing.T) {
	b := collect(t, nil)
	c := b.config()
	c.Sample = 0
	p := Open(c)
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	ctx, s := p.Tracer().Serve(r, "/", "h", true)
	if trace.Watched(ctx) || trace.ID(ctx) == "" {
		t.Error("a request of those that are left is watched, or has no id for the log")
	}
	s.Answered(200)
	one(p) // its proxy wants it
	end(t, p)
	if b.requests() != 1 || strings.Count(b.bodies[0], "spanId\"") != 2 {
		t.Errorf("%d requests: %s", b.requests(), b.bodies)
	}
}

func TestProbe(t *testing.T) {
	b := collect(t, nil)
	if err := Probe(t.Context(), b.config()); err != nil || b.bodies[0] != `{"resourceSpans":[]}` {
		t.Errorf("%v, %q", err, b.bodies)
	}
	b = collect(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusUnauthorized) })
	if err := Probe(t.Context(), b.config()); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("%v", err)
	}
}

// C-07: without TLS spans stay in the own network, wherever a name leads.
func TestClearText(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:4318": true, "10.0.0.5:1": true, "[::1]:1": true, "[fd00::1]:1": true, "192.0.2.1:80": false, "[2001:db8::1]:80": false, "169.254.169.254:80": false, "0.0.0.0:1": false} {
		if got := near("tcp", address, nil) == nil; got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
	err := Probe(t.Context(), Config{Endpoint: "http://192.0.2.1:4318"})
	if !errors.Is(err, errClear) {
		t.Errorf("%v", err)
	}
}

// A text is cut, and a span has no room for many.
func TestLimits(t *testing.T) {
	b := collect(t, nil)
	p := Open(b.config())
	ctx, s := trace.Root(p.Tracer().In(t.Context()), "run")
	trace.Note(ctx, trace.Text("long", strings.Repeat("x", 1000)))
	for i := range 40 {
		s.Note(trace.Number("n"+string(rune('A'+i)), i))
	}
	s.End(nil)
	end(t, p)
	var got request
	if err := json.Unmarshal([]byte(b.bodies[0]), &got); err != nil {
		t.Fatal(err)
	}
	span := got.ResourceSpans[0].ScopeSpans[0].Spans[0]
	if len(span.Attrs) != 20 || span.Dropped != 21 || len(*span.Attrs[0].Value.String) != 200 || span.ParentID != "" {
		t.Errorf("%d attributes, %d dropped", len(span.Attrs), span.Dropped)
	}
}
