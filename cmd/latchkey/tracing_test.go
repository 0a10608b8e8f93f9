package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"latchkey/config"
	"latchkey/idp/mail"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/idp/trace"
)

// tracesGot is a collector that keeps what it is sent.
type tracesGot struct {
	mu    sync.Mutex
	bytes bytes.Buffer
	spans []spanGot
}

type spanGot struct {
	TraceID, SpanID, ParentSpanID, Name string
	Kind                                int
}

func (g *tracesGot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	start := g.bytes.Len()
	_, err = io.Copy(&g.bytes, z)
	var all struct {
		ResourceSpans []struct{ ScopeSpans []struct{ Spans []spanGot } }
	}
	if err != nil || json.Unmarshal(g.bytes.Bytes()[start:], &all) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	for _, rs := range all.ResourceSpans {
		for _, ss := range rs.ScopeSpans {
			g.spans = append(g.spans, ss.Spans...)
		}
	}
}

// overheard notes every value that a browser sends, and what it is told to send
// elsewhere: passwords, codes, tickets, cookies, tokens.
type overheard struct {
	through string // X-Forwarded-For
	values  []string
}

func (o *overheard) RoundTrip(r *http.Request) (*http.Response, error) {
	o.note(r.URL)
	for _, c := range r.Cookies() {
		o.values = append(o.values, c.Value)
	}
	if r.Body != nil {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		o.note(&url.URL{RawQuery: string(body)})
	}
	r.Header.Set("X-Forwarded-For", o.through)
	r.Header.Set("User-Agent", "overheard-browser")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		if to, err := resp.Location(); err == nil {
			o.note(to)
			o.note(&url.URL{RawQuery: to.Fragment})
		}
		for _, c := range resp.Cookies() {
			o.values = append(o.values, c.Value)
		}
	}
	return resp, err
}

func (o *overheard) note(u *url.URL) {
	for _, vs := range u.Query() {
		o.values = append(o.values, vs...)
	}
}

// C-09: a collector gets no password, code, token, ticket, cookie, secret of a
// path, e-mail address, name or address of a person, nor who it was; and it gets
// where the time went.
func TestTracesHoldNoSecrets(t *testing.T) {
	got := &tracesGot{}
	collector := httptest.NewServer(got)
	t.Cleanup(collector.Close)
	out := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(out.Close)
	w := newWorld(t, "sqlite", "LATCHKEY_TRACING_ENDPOINT="+collector.URL, "LATCHKEY_TRUSTED_PROXIES=127.0.0.1", "LATCHKEY_SMS_HTTP_URL="+out.URL+"/overheard-key")
	u := w.user("ada@example.org", withApp)
	w.demandMFA()
	shop := w.odooClient("odoo")
	web := w.client(oidc.Input{
		ID: "web", Name: "Overheard web", Type: oidc.Web, RedirectURIs: []string{"https://app.example.org/cb"}, Trusted: true, IDTokenAlg: "ES256",
		GrantTypes: []string{"authorization_code", "refresh_token"},
	})
	ear := &overheard{through: "203.0.113.77"}
	p := w.person()
	p.c.Transport = ear

	p.open(w.odooLink("odoo"))
	p.submit("form#login", "login", "ada@example.org", "password", "wrong, and long enough")
	p.submit("form#login", "login", "ada@example.org", "password", rightPassword)
	p.submit("form#factor", "code", "123987")
	p.submit("form#factor", "code", w.code(appSecret))
	token := p.answer().Get("access_token")
	if status, _ := validate(t, w.url+odoo.ValidationPath(shop.Client), token); status != http.StatusOK {
		t.Fatalf("validation: %d", status)
	}
	validate(t, w.url+odoo.ValidationPath(shop.Client), "another-token")
	w.codeFlow(p, web)
	traced := func(path string) { // by a proxy that has begun a trace
		r, _ := http.NewRequest(http.MethodGet, w.url+path, nil)
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		p.do(r)
	}
	traced("/nowhere/overheard-path?overheard=query-overheard")
	w.callOut(out.URL)
	w.flush()

	got.mu.Lock()
	defer got.mu.Unlock()
	all := got.bytes.String()
	for _, v := range append(ear.values, string(u.ID), rightPassword, "wrong, and long enough", "123987", w.code(appSecret), token, "another-token", shop.Client.ValidationSecret, shop.Secret, web.Secret,
		"ada@", "Ada", "example.org", "203.0.113.77", "+33612345678", "998877", "overheard", appSecret, strings.Repeat("v", 43)) {
		if len(v) >= 3 && !slices.Contains(notSecret, v) && strings.Contains(all, v) {
			t.Errorf("the collector got %q", v)
		}
	}
	got.check(t)
}

// callOut sends a text message, tells an application, and asks a server of its own,
// as work in the background does.
func (w *world) callOut(to string) {
	w.t.Helper()
	ctx, span := trace.Root(w.traces.In(w.t.Context()), "calls")
	defer span.End(nil)
	m := mail.New(mail.SMS, "+33612345678", w.clock())
	m.Text = "overheard 998877"
	w.must(mail.Texts{By: w.messages.gateways}.Send(ctx, m))
	for _, c := range []oidc.Caller{w.protocol.outbound(), ourselves()} {
		r, err := http.NewRequestWithContext(ctx, http.MethodPut, to+"/overheard?secret=overheard", strings.NewReader("overheard"))
		w.must(err)
		resp, err := c.Do(r)
		w.must(err)
		w.must(resp.Body.Close())
	}
}

// notSecret are words of the protocols that stand in names of routes, too.
var notSecret = []string{"code", "token", "odoo"}

// check looks at what there is: every kind of span that a sign-in has, each below
// one that is there, too.
func (g *tracesGot) check(t *testing.T) {
	names, ids := map[string]int{}, map[string]bool{"b7ad6b7169203331": true, "": true}
	for _, s := range g.spans {
		names[s.Name]++
		ids[s.SpanID] = true
	}
	for _, want := range []string{
		"GET /oauth2/authorize", "POST /oauth2/token", "GET /odoo/:client_id/:secret/userinfo", "GET", "password wait", "password hash", "SELECT users", "Fosite.NewAccessRequest",
	} {
		if names[want] == 0 {
			t.Errorf("no span %q among %v", want, names)
		}
	}
	if names["POST"] != 1 || names["PUT"] != 2 {
		t.Errorf("calls out: %v", names)
	}
	kept := false
	for _, s := range g.spans {
		if !ids[s.ParentSpanID] {
			t.Errorf("%s is below a span that nobody sent", s.Name)
		}
		if s.Kind == 2 && s.ParentSpanID != "" {
			kept = kept || s.TraceID == "0af7651916cd43dd8448eb211c80319c"
		}
	}
	if !kept {
		t.Error("the trace of a trusted proxy does not go on")
	}
}

// B-10: only a proxy of ours says which trace a request belongs to.
func TestStrangersSteerNoTraces(t *testing.T) {
	got := &tracesGot{}
	collector := httptest.NewServer(got)
	t.Cleanup(collector.Close)
	w := newWorld(t, "sqlite", "LATCHKEY_TRACING_ENDPOINT="+collector.URL)
	for _, flags := range []string{"00", "01"} {
		r, _ := http.NewRequest(http.MethodGet, w.url+"/", nil)
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-"+flags)
		w.person().do(r)
	}
	w.person().open(w.url + "/healthz")
	w.flush()
	got.mu.Lock()
	defer got.mu.Unlock()
	requests := 0
	for _, s := range got.spans {
		if s.Kind == 2 && s.Name == "GET /" {
			requests++
		}
		if s.TraceID == "0af7651916cd43dd8448eb211c80319c" || strings.Contains(s.Name, "healthz") {
			t.Errorf("%+v", s)
		}
	}
	if requests != 2 {
		t.Errorf("%d requests in %+v", requests, got.spans)
	}
}

// The doctor asks the collector, as spans are sent, and shows no key.
func TestDoctorLooksAtTraces(t *testing.T) {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" || r.Header.Get("Authorization") != "Bearer right" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	t.Cleanup(collector.Close)
	for key, want := range map[string]struct{ state, says string }{
		"right": {"ok", "answers"}, "hush": {"warn", "status 401; is tracing.endpoint right"}, "": {"ok", "not used"},
	} {
		var cfg config.Config
		if key != "" {
			cfg.Tracing = config.Tracing{Endpoint: collector.URL, Headers: []config.Header{{Name: "Authorization", Value: "Bearer " + key}}}
		}
		f := lookAtTraces(t.Context(), cfg)
		if f.State != want.state || !strings.Contains(f.Says, want.says) || strings.Contains(f.Says, "hush") {
			t.Errorf("%q: %+v", key, f)
		}
	}
}
