package sms_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/store/storetest"
	"latchkey/mfa/sms"
)

// sink is a gateway on loopback that behaves as it is told.
type sink struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	act    func(w http.ResponseWriter)
	unlock chan struct{}
}

type request struct {
	*http.Request
	body string
}

func listen(t *testing.T, act func(w http.ResponseWriter)) *sink {
	t.Helper()
	s := &sink{act: act, unlock: make(chan struct{})}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.got = append(s.got, request{r, string(b)})
		act := s.act
		s.mu.Unlock()
		if act == nil {
			<-s.unlock
			return
		}
		act(w)
	}))
	t.Cleanup(func() { close(s.unlock); s.CloseClientConnections(); s.Close() })
	return s
}

func (s *sink) requests() []request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]request(nil), s.got...)
}

func (s *sink) behave(act func(w http.ResponseWriter)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.act = act
}

func says(status int, body string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

var accepts = says(200, `{"id": "r-1"}`)

// raw takes the line over, as a handler cannot hang in the middle of a header.
func raw(do func(c net.Conn)) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		c, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer c.Close()
		do(c)
	}
}

// drips says yes, one byte every 100 ms.
var drips = raw(func(c net.Conn) {
	for _, b := range []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"id\":\"r-1\"}") {
		if _, err := c.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
})

func viaHTTP(name, url string, prefixes ...string) sms.Settings {
	return sms.Settings{Name: name, Type: "http", Prefixes: prefixes, Values: map[string]any{"url": url}}
}

const patience = 300 * time.Millisecond

func router(t *testing.T, clock *storetest.Clock, list ...sms.Settings) *sms.Router {
	t.Helper()
	r, err := sms.New(list, sms.Options{Timeout: patience, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var hello = sms.Message{ID: "m1", To: "+33612345678", Text: "123456 is your code"}

func closed(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

// §3: whatever the first gateway does instead of taking the message, the
// second one gets it, soon, and each is asked once.
func TestFailover(t *testing.T) {
	for name, act := range map[string]func(http.ResponseWriter){
		"refuses":      says(500, "no"),
		"says no":      says(422, `{"message":"no"}`),
		"is forbidden": says(403, ""),
		"hangs":        nil,
		"drips":        drips,
		"redirects":    func(w http.ResponseWriter) { w.Header().Set("Location", "/elsewhere"); w.WriteHeader(307) },
		"floods the header": raw(func(c net.Conn) {
			w := bufio.NewWriter(c)
			_, _ = w.WriteString("HTTP/1.1 500 no\r\nX: " + strings.Repeat("x", 1<<20))
			_ = w.Flush()
			time.Sleep(time.Second)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			first, second := listen(t, act), listen(t, accepts)
			r := router(t, storetest.NewClock(), viaHTTP("first", first.URL), viaHTTP("second", second.URL))
			start := time.Now()
			got, err := r.Send(t.Context(), hello)
			if name == "floods the header" { // it had the message and broke off
				if !errors.Is(err, sms.ErrUncertain) || len(second.requests()) != 0 {
					t.Errorf("%+v, %v; the second was asked %d times", got, err, len(second.requests()))
				}
				return
			}
			if err != nil || got != (sms.Receipt{Gateway: "second", ID: "r-1"}) {
				t.Fatalf("%+v, %v", got, err)
			}
			if took := time.Since(start); took > 5*patience {
				t.Errorf("it took %v", took)
			}
			if a, b := len(first.requests()), len(second.requests()); a != 1 || b != 1 {
				t.Errorf("asked %d and %d times", a, b)
			}
		})
	}
	t.Run("is not there", func(t *testing.T) {
		second := listen(t, accepts)
		got, err := router(t, storetest.NewClock(), viaHTTP("first", closed(t)), viaHTTP("second", second.URL)).Send(t.Context(), hello)
		if err != nil || got.Gateway != "second" {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// One that breaks off after it had everything may have sent it: nobody else
// is asked, so that it does not arrive twice.
func TestBreaksOff(t *testing.T) {
	first, second := listen(t, raw(func(net.Conn) {})), listen(t, accepts)
	_, err := router(t, storetest.NewClock(), viaHTTP("first", first.URL), viaHTTP("second", second.URL)).Send(t.Context(), hello)
	if !errors.Is(err, sms.ErrUncertain) || len(first.requests()) != 1 || len(second.requests()) != 0 {
		t.Errorf("%v; asked %d and %d times", err, len(first.requests()), len(second.requests()))
	}
}

// An answer whose status is a yes is a yes, however slow its rest.
func TestSlowReceipt(t *testing.T) {
	first, second := listen(t, func(w http.ResponseWriter) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).Flush()
		time.Sleep(2 * patience)
	}), listen(t, accepts)
	got, err := router(t, storetest.NewClock(), viaHTTP("first", first.URL), viaHTTP("second", second.URL)).Send(t.Context(), hello)
	if err != nil || got.Gateway != "first" || len(second.requests()) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// The last one has more time: there is nobody to turn to.
func TestLastHasTime(t *testing.T) {
	only := listen(t, func(w http.ResponseWriter) { time.Sleep(2 * patience); accepts(w) })
	if got, err := router(t, storetest.NewClock(), viaHTTP("only", only.URL)).Send(t.Context(), hello); err != nil || got.ID != "r-1" {
		t.Errorf("%+v, %v", got, err)
	}
}

// A refusal of the message is told apart from trouble that may pass.
func TestRefused(t *testing.T) {
	no, ill := listen(t, says(400, `{}`)), listen(t, says(503, ``))
	clock := storetest.NewClock()
	if _, err := router(t, clock, viaHTTP("a", no.URL), viaHTTP("b", no.URL)).Send(t.Context(), hello); !errors.Is(err, sms.ErrRefused) {
		t.Error(err)
	}
	if _, err := router(t, clock, viaHTTP("a", no.URL), viaHTTP("b", ill.URL)).Send(t.Context(), hello); err == nil || errors.Is(err, sms.ErrRefused) {
		t.Error(err)
	}
	if _, err := router(t, clock, viaHTTP("a", no.URL, "+49")).Send(t.Context(), hello); !errors.Is(err, sms.ErrNoGateway) {
		t.Error(err)
	}
}

// The longest prefix goes first, then the order of the list.
func TestRoutes(t *testing.T) {
	var sinks []*sink
	for range 4 {
		sinks = append(sinks, listen(t, says(500, "")))
	}
	for number, want := range map[string]string{"+33612345678": "fr mobile, fr, all", "+33112345678": "fr, all", "+4915112345678": "fr, de, all", "+15005550006": "all"} {
		r := router(t, storetest.NewClock(), viaHTTP("all", sinks[0].URL), viaHTTP("fr", sinks[1].URL, "+49", "+33"), viaHTTP("fr mobile", sinks[2].URL, "+336"), viaHTTP("de", sinks[3].URL, "+49"))
		_, err := r.Send(t.Context(), sms.Message{To: number, Text: "x"})
		var asked []string
		for line := range strings.Lines(err.Error()) {
			name, _, _ := strings.Cut(line, ":")
			asked = append(asked, name)
		}
		if got := strings.Join(asked, ", "); got != want {
			t.Errorf("%s: %s, want %s", number, got, want)
		}
	}
}

// nasty is a text that is more than a text to whoever pastes it.
const nasty = "a&b=\"c\"\n{to}{token} é€😀 %20+\\ <x>"

// A text stays one value whatever is in it.
func TestEscaping(t *testing.T) {
	s := listen(t, accepts)
	send := func(values map[string]any) request {
		t.Helper()
		values["token"] = "t&k"
		values["url"] = s.URL + "/p"
		if u, ok := values["own"]; ok {
			values["url"] = s.URL + u.(string)
			delete(values, "own")
		}
		r := router(t, storetest.NewClock(), sms.Settings{Name: "x", Type: "http", Values: values})
		if _, err := r.Send(t.Context(), sms.Message{ID: "m1", To: "+33612345678", Text: nasty}); err != nil {
			t.Fatal(err)
		}
		all := s.requests()
		return all[len(all)-1]
	}
	var as struct {
		To, Text string
		Deep     []any
		N        int
	}
	got := send(map[string]any{"headers": map[string]any{"Authorization": "Bearer {token}"}})
	if err := json.Unmarshal([]byte(got.body), &as); err != nil || as.Text != nasty || as.To != "+33612345678" {
		t.Errorf("%s: %v", got.body, err)
	}
	if got.Method != "POST" || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Idempotency-Key") != "m1" || got.Header.Get("Authorization") != "Bearer t&k" {
		t.Errorf("%s %v", got.Method, got.Header)
	}
	got = send(map[string]any{"json": map[string]any{"deep": []any{"to {to}", true, map[string]any{"m": "{text}"}}, "n": json.Number("7")}})
	if err := json.Unmarshal([]byte(got.body), &as); err != nil || as.N != 7 || as.Deep[0] != "to +33612345678" || as.Deep[2].(map[string]any)["m"] != nasty {
		t.Errorf("%s: %v", got.body, err)
	}
	form, err := url.ParseQuery(send(map[string]any{"form": map[string]any{"msg": "{text}", "k": "{token}"}}).body)
	if err != nil || form.Get("msg") != nasty || form.Get("k") != "t&k" || len(form) != 2 {
		t.Errorf("%v, %v", form, err)
	}
	got = send(map[string]any{"form": map[string]any{"n": json.Number("7"), "a": "x"}, "headers": map[string]any{"X-V": json.Number("1")}, "status": []any{json.Number("200"), "2xx"}})
	if got.body != "a=x&n=7" || got.Header.Get("X-V") != "1" {
		t.Errorf("%s %v", got.body, got.Header)
	}
	got = send(map[string]any{"method": "GET", "own": "/{number}/send?m={text}&n={to}"})
	if q := got.URL.Query(); q.Get("m") != nasty || q.Get("n") != "+33612345678" || len(q) != 2 || got.URL.Path != "/33612345678/send" || got.body != "" {
		t.Errorf("%s", got.URL)
	}
}

// T-08: gateways repeat what they refuse; failures are logged.
func TestFailuresAreDiscreet(t *testing.T) {
	s := listen(t, says(400, `{"error": 21211, "message": "cannot send '123456 is your code' to +33612345678: 123456"}`))
	r := router(t, storetest.NewClock(), sms.Settings{Name: "tw", Type: "twilio", Values: map[string]any{
		"account": "AC" + strings.Repeat("0", 32), "token": "hush", "from": "x", "host": s.URL,
	}})
	_, err := r.Send(t.Context(), hello)
	if !errors.Is(err, sms.ErrRefused) || !strings.Contains(err.Error(), "cannot send") || strings.Contains(err.Error(), "123456") || strings.Contains(err.Error(), "3361") {
		t.Error(err)
	}
	r = router(t, storetest.NewClock(), viaHTTP("x", closed(t)+"/hush?key=hush&m={text}"))
	if _, err := r.Send(t.Context(), hello); err == nil || strings.Contains(err.Error(), "hush") || strings.Contains(err.Error(), "123456") {
		t.Error(err)
	}
}

// C-07: a gateway must prove its name.
func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { accepts(w) }))
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	stranger, err := sms.New([]sms.Settings{viaHTTP("x", s.URL), viaHTTP("y", closed(t))}, sms.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stranger.Send(t.Context(), hello); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Error(err)
	}
	pool := s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	r, err := sms.New([]sms.Settings{viaHTTP("x", s.URL)}, sms.Options{Now: time.Now, Roots: pool})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Send(t.Context(), hello); err != nil {
		t.Error(err)
	}
	for _, p := range r.Probe(t.Context()) {
		if p.Err != nil {
			t.Error(p)
		}
	}
	for _, p := range stranger.Probe(t.Context()) {
		if p.Err == nil {
			t.Errorf("%s is fine", p.Gateway)
		}
	}
}

func TestCancelled(t *testing.T) {
	s := listen(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	second := listen(t, accepts)
	if _, err := router(t, storetest.NewClock(), viaHTTP("x", s.URL), viaHTTP("y", second.URL)).Send(ctx, hello); err == nil || len(second.requests()) != 0 {
		t.Error(err)
	}
}
