package rpc_test

import (
	"net/url"
	"strings"
	"testing"

	"latchkey/idp/odoo/odootest"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/trace/tracetest"
)

// C-09: a call to Odoo is a span with its host; the key, the login and what is
// asked are in none.
func TestSpans(t *testing.T) {
	o := odootest.New(t, odootest.Options{Series: 19})
	ctx, spans := tracetest.Record(t)
	c, err := rpc.Dial(ctx, rpc.Config{URL: o.URL, Database: o.Database, Login: odootest.Login, Key: o.Key})
	must(t, err)
	_, err = c.Create(ctx, "res.partner", rpc.Args{"name": "Hush"}, nil)
	must(t, err)
	u, err := url.Parse(o.URL)
	must(t, err)
	want := "client POST http.request.method=POST http.response.status_code=200 server.address=" + u.Hostname() + " server.port=" + u.Port()
	got := spans()
	if len(got) < 2 || got[len(got)-1] != want {
		t.Errorf("%q, want %q", got, want)
	}
	all := strings.Join(got, " ")
	for _, secret := range []string{o.Key, odootest.Login, "Hush", "res.partner", o.Database} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is in %q", secret, got)
		}
	}
}
