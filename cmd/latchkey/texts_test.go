package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/settings"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/sms"
)

// P-28: a gateway that somebody sets up on a page reaches no network of the
// server's own; one of the configuration does, and both do where the issuer is
// on the same machine.
func TestGatewaysOfTheDatabaseStayOutside(t *testing.T) {
	called := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called++ }))
	t.Cleanup(s.Close)
	for _, c := range []struct {
		issuer, url string
		configured  bool
		calls       int
	}{
		{"https://id.example.org", s.URL, false, 0},
		{"https://id.example.org", "https" + strings.TrimPrefix(s.URL, "http"), false, 0},
		{"https://id.example.org", "https://10.0.0.1/", false, 0},
		{"https://id.example.org", s.URL, true, 1},
		{"http://127.0.0.1:8080", s.URL, false, 1},
	} {
		db, called0 := storetest.Open(t), called
		texts := &textGateways{cfg: config.Config{Issuer: c.issuer}, now: time.Now, settings: &settings.Service{Store: db.Settings, Log: db.Log, Atomic: db.Atomic, Now: time.Now}}
		texts.cfg.SMS.Timeout = time.Second
		if c.configured {
			texts.cfg.SMS.HTTPURL = c.url
		} else if _, err := texts.settings.PutGateway(t.Context(), idp.Actor{Host: true}, settings.Gateway{Name: "x", Type: "http", Values: map[string]string{"url": c.url}}); err != nil {
			t.Fatal(err)
		}
		_, err := texts.Send(t.Context(), sms.Message{ID: "1", To: "+33612345678", Text: "x"})
		if called-called0 != c.calls || (err == nil) != (c.calls == 1) {
			t.Errorf("%+v: %d calls, %v", c, called-called0, err)
		}
		if c.calls == 0 && !strings.Contains(err.Error(), "this address is not called") {
			t.Errorf("%+v: %v", c, err)
		}
		probes, err := texts.Probe(t.Context())
		if err != nil || len(probes) != 1 || (probes[0].Err == nil) != (c.calls == 1) {
			t.Errorf("%+v: %v, %v", c, probes, err)
		}
	}
}
