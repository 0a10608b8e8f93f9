package rpc_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"latchkey/idp/odoo/odootest"
	"latchkey/idp/odoo/rpc"
)

// each runs f against every version of Odoo.
func each(t *testing.T, f func(t *testing.T, o *odootest.Odoo, cfg rpc.Config)) {
	t.Helper()
	for series := 16; series <= 19; series++ {
		t.Run(fmt.Sprint(series), func(t *testing.T) {
			o := odootest.New(t, odootest.Options{Series: series})
			f(t, o, rpc.Config{URL: o.URL, Database: o.Database, Login: odootest.Login, Key: o.Key})
		})
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func dial(t testing.TB, cfg rpc.Config) *rpc.Client {
	t.Helper()
	c, err := rpc.Dial(t.Context(), cfg)
	must(t, err)
	return c
}

// The same calls mean the same with both protocols.
func TestEveryVersion(t *testing.T) {
	each(t, func(t *testing.T, o *odootest.Odoo, cfg rpc.Config) {
		ctx, c := t.Context(), dial(t, cfg)
		want := rpc.XMLRPC
		if o.Series >= 19 {
			want = rpc.JSON2
		}
		if c.Protocol() != want || c.Version().Series != o.Series || c.UID() != odootest.Admin {
			t.Errorf("%s %+v %d", c.Protocol(), c.Version(), c.UID())
		}
		const name = "Zoé <&> \"Müller\" ]]>"
		id, err := c.Create(ctx, "res.partner", rpc.Args{"name": name, "email": "zoe@example.org"}, nil)
		must(t, err)
		must(t, c.Write(ctx, "res.partner", []int64{id}, rpc.Args{"phone": "+33 1"}, nil))
		var got []struct {
			ID     int64
			Name   string
			Phone  rpc.Text
			Lang   rpc.Text
			Parent rpc.Ref  `json:"parent_id"`
			Write  rpc.Time `json:"write_date"`
		}
		must(t, c.SearchRead(ctx, "res.partner", rpc.Domain{rpc.Is("id", "=", id)}, []string{"name", "phone", "lang", "parent_id", "write_date"}, rpc.Page{}, &got))
		if len(got) != 1 || got[0].Name != name || got[0].Phone != "+33 1" || got[0].Lang != "" || got[0].Parent.ID != 0 || time.Since(got[0].Write.Time) > time.Minute {
			t.Errorf("%+v", got)
		}
		all, err := c.Count(ctx, "res.users", nil, rpc.Page{Archived: true})
		must(t, err)
		active, err := c.Count(ctx, "res.users", nil, rpc.Page{})
		must(t, err)
		if all != 4 || active != 1 {
			t.Errorf("%d users, %d active", all, active)
		}
		two, err := c.Search(ctx, "res.users", rpc.Or(rpc.Is("login", "=", "admin"), rpc.Is("login", "=", "public")), rpc.Page{Archived: true, Order: "id desc"})
		must(t, err)
		if len(two) != 2 || two[0] < two[1] {
			t.Errorf("%v", two)
		}
		must(t, c.SetParam(ctx, "some.key", "1"))
		if v, err := c.Param(ctx, "some.key"); err != nil || v != "1" {
			t.Errorf("%q %v", v, err)
		}
		must(t, c.SetParam(ctx, "some.key", ""))
		if v, err := c.Param(ctx, "some.key"); err != nil || v != "" {
			t.Errorf("%q %v", v, err)
		}
		fields, err := c.Fields(ctx, "res.users")
		must(t, err)
		if !fields[c.Version().GroupsField()] {
			t.Errorf("no field %s", c.Version().GroupsField())
		}
		must(t, c.Unlink(ctx, "res.partner", []int64{id}))
		if err := c.Read(ctx, "res.partner", []int64{id}, []string{"name"}, &got); !errors.Is(err, rpc.ErrNotFound) && !errors.Is(err, rpc.ErrFault) {
			t.Errorf("read what is gone: %v", err)
		}
	})
}

// ODOO.md §3: on 19, JSON-2 takes keys only; a password still works by XML-RPC.
func TestPasswordOn19(t *testing.T) {
	o := odootest.New(t, odootest.Options{Series: 19})
	c := dial(t, rpc.Config{URL: o.URL, Database: o.Database, Login: odootest.Login, Key: odootest.Password})
	if c.Protocol() != rpc.XMLRPC {
		t.Error(c.Protocol())
	}
	// An answer of nothing is a fault that XML-RPC has to make up (ODOO.md §3).
	must(t, c.Call(t.Context(), "res.users", "remove_oauth_access_token", []int64{odootest.Admin}, nil, nil))
}

// Each refusal is an error that a caller can tell from the others, and none
// holds the key.
func TestRefusals(t *testing.T) {
	each(t, func(t *testing.T, o *odootest.Odoo, cfg rpc.Config) {
		ctx, c := t.Context(), dial(t, cfg)
		is := func(err, want error) {
			t.Helper()
			if !errors.Is(err, want) || strings.Contains(err.Error(), cfg.Key) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		wrong := cfg
		wrong.Key = "wrong-key-of-mine"
		_, err := rpc.Dial(ctx, wrong)
		is(err, rpc.ErrWrongKey)
		if strings.Contains(err.Error(), wrong.Key) {
			t.Error("the key is in the error")
		}
		if o.Series < 19 { // JSON-2 serves the one database of a key
			other := cfg
			other.Database = "nosuch"
			_, err = rpc.Dial(ctx, other)
			is(err, rpc.ErrNoDatabase)
		}
		_, err = c.Fields(ctx, "no.model")
		is(err, rpc.ErrNotFound)
		is(c.Write(ctx, "res.users", []int64{odootest.Admin}, rpc.Args{"nofield": 1}, nil), rpc.ErrFault)
		is(c.Write(ctx, "res.users", []int64{odootest.Admin}, rpc.Args{"totp_secret": "x"}, nil), rpc.ErrDenied)
		is(c.Call(ctx, "res.users", "_private", []int64{odootest.Admin}, nil, nil), rpc.ErrDenied)
		_, err = rpc.Databases(ctx, cfg)
		is(err, rpc.ErrDenied)
		if _, err := rpc.CheckPassword(ctx, cfg, "admin", "admin"); err != nil {
			t.Error(err)
		}
		_, err = rpc.CheckPassword(ctx, cfg, "admin", "wrong")
		is(err, rpc.ErrWrongKey)
	})
}

// What fails on the way is tried again if it reads, and never if it writes.
func TestFaults(t *testing.T) {
	each(t, func(t *testing.T, o *odootest.Odoo, cfg rpc.Config) {
		ctx, c := t.Context(), dial(t, cfg)
		for _, way := range []odootest.Fault{odootest.Gateway, odootest.CutOff} {
			o.Break(way, way)
			if _, err := c.Param(ctx, "web.base.url"); err != nil {
				t.Errorf("%d: a read was not tried again: %v", way, err)
			}
			o.Calls()
			o.Break(way)
			if err := c.SetParam(ctx, "once", "1"); !errors.Is(err, rpc.ErrUnreachable) {
				t.Errorf("%d: %v", way, err)
			}
			if n := len(o.Calls()); n != 0 {
				t.Errorf("%d: a write was sent again", way)
			}
		}
		for _, way := range []odootest.Fault{odootest.Error, odootest.HTML} {
			o.Break(way)
			if _, err := c.Param(ctx, "x"); !errors.Is(err, rpc.ErrNotOdoo) || !strings.Contains(err.Error(), "text/html") {
				t.Errorf("%d: %v", way, err)
			}
		}
		short := cfg
		short.Timeout = 300 * time.Millisecond
		impatient := dial(t, short)
		o.Break(odootest.Slow, odootest.Slow, odootest.Slow)
		began := time.Now()
		if _, err := impatient.Param(ctx, "x"); !errors.Is(err, rpc.ErrUnreachable) || !strings.Contains(err.Error(), "in time") {
			t.Errorf("slow: %v", err)
		}
		if d := time.Since(began); d > time.Second {
			t.Errorf("waited %s", d)
		}
		o.Break()
		small := cfg
		small.MaxAnswer = 2000
		o.SetParam("large", strings.Repeat("x", 3000))
		if _, err := dial(t, small).Param(ctx, "large"); !errors.Is(err, rpc.ErrFault) || !strings.Contains(err.Error(), "2000 bytes") {
			t.Errorf("a large answer: %v", err)
		}
	})
}

// The key goes to the server that was named, encrypted unless it is near, and
// never to where clouds keep their secrets.
func TestGuard(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer elsewhere.Close()
	moved := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusPermanentRedirect))
	defer moved.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for at, want := range map[string]error{
		moved.URL: rpc.ErrNotOdoo, secure.URL: rpc.ErrUnreachable, "http://169.254.169.254": rpc.ErrUnreachable, "http://[fe80::1]": rpc.ErrUnreachable,
		"http://0.0.0.0": rpc.ErrUnreachable, "ftp://example.org": rpc.ErrNotOdoo, "https://user:pw@example.org": rpc.ErrNotOdoo, "https://example.org/odoo": rpc.ErrNotOdoo,
		"http://127.0.0.1:1": rpc.ErrUnreachable, "http://192.0.2.1": rpc.ErrUnreachable, "": rpc.ErrNotOdoo,
	} {
		_, err := rpc.Dial(ctx, rpc.Config{URL: at, Database: "d", Login: "l", Key: "k-e-y", Timeout: 3 * time.Second})
		if !errors.Is(err, want) || strings.Contains(err.Error(), "k-e-y") {
			t.Errorf("%s: %v", at, err)
		}
		if at == "http://192.0.2.1" && !strings.Contains(err.Error(), "clear text") {
			t.Errorf("%s: %v", at, err)
		}
		if at == secure.URL && !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: %v", at, err)
		}
		if at == moved.URL && !strings.Contains(err.Error(), elsewhere.URL) {
			t.Errorf("%s: the error does not say where: %v", at, err)
		}
	}
}

// A server with a certificate of the company's own is fine when it is vouched for.
func TestOwnAuthority(t *testing.T) {
	o := odootest.New(t, odootest.Options{})
	behind, err := url.Parse(o.URL)
	must(t, err)
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(behind))
	defer front.Close()
	roots := x509.NewCertPool()
	roots.AddCert(front.Certificate())
	v, err := rpc.Ask(t.Context(), rpc.Config{URL: front.URL, Roots: roots})
	if err != nil || v.Series != 18 {
		t.Errorf("%+v %v", v, err)
	}
}

// FuzzAnswer: no answer makes the decoder panic.
func FuzzAnswer(f *testing.F) {
	f.Add("<?xml version='1.0'?><methodResponse><params><param><value><struct><member><name>a</name><value><int>1</int></value></member></struct></value></param></params></methodResponse>")
	f.Add("<methodResponse><fault><value><struct/></value></fault></methodResponse>")
	f.Add("<methodResponse><params><param><value>bare</value></param></params></methodResponse>")
	f.Fuzz(func(t *testing.T, body string) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/xml")
			_, _ = w.Write([]byte(body))
		}))
		defer s.Close()
		_, err := rpc.Ask(t.Context(), rpc.Config{URL: s.URL, Timeout: 2 * time.Second})
		if err == nil && !strings.Contains(body, "server_version") {
			t.Error("made a version of nothing")
		}
	})
}
