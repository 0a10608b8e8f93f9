package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/oidc"
)

// door stands before a running Odoo: it counts what this provider asks, and can
// be shut.
type door struct {
	shut  atomic.Bool
	calls atomic.Int64 // of the API

	mu    sync.Mutex
	asked []string // bodies of questions about passwords
}

// door puts a door before the Odoo, which from now on is found at its address.
func (o *liveOdoo) door() *door {
	o.t.Helper()
	behind, err := url.Parse(o.url)
	if err != nil {
		o.t.Fatal(err)
	}
	d := &door{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(behind)
		r.Out.Host = r.In.Host
	}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.shut.Load() {
			http.Error(w, "shut", http.StatusBadGateway)
			return
		}
		if strings.HasPrefix(r.URL.Path, "/xmlrpc/") || strings.HasPrefix(r.URL.Path, "/json/2/") {
			d.calls.Add(1)
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if bytes.Contains(body, []byte("<methodName>authenticate<")) {
				d.mu.Lock()
				d.asked = append(d.asked, string(body))
				d.mu.Unlock()
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	o.t.Cleanup(s.Close)
	o.url = s.URL
	return d
}

// about is how often Odoo was asked about somebody's password.
func (d *door) about(login string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, body := range d.asked {
		if strings.Contains(body, ">"+login+"<") {
			n++
		}
	}
	return n
}

// member makes a user in Odoo, with a password there, who is gone with the test.
func (o *liveOdoo) member(login, email, password string) float64 {
	o.t.Helper()
	id := o.create("res.users", map[string]any{
		"name": "Live " + login, "login": login, "email": email, "password": password, o.groups: []any{[]any{6, 0, []any{o.group("group_portal")}}},
	})
	o.t.Cleanup(func() {
		o.call("res.users", "write", []any{[]any{id}, map[string]any{"active": false, "login": login + "-gone", "email": "gone-" + email}}, nil)
	})
	return id
}

// one reads fields of one record.
func (o *liveOdoo) one(model string, id float64, fields ...string) map[string]any {
	o.t.Helper()
	rows, _ := o.call(model, "read", []any{[]any{id}, fields}, nil).([]any)
	if len(rows) != 1 {
		o.t.Fatalf("%s %v: %v", model, id, rows)
	}
	return rows[0].(map[string]any)
}

// count counts what a search finds, archived or not.
func (o *liveOdoo) count(model string, domain ...any) float64 {
	o.t.Helper()
	n, _ := o.call(model, "search_count", []any{domain}, map[string]any{"context": map[string]any{"active_test": false}}).(float64)
	return n
}

// configure changes settings of a connection.
func (w *world) configure(c connector.Connection, change func(*connector.Settings)) {
	w.t.Helper()
	if _, err := w.odoo.office().Register.Configure(w.t.Context(), host, c.ID, change); err != nil {
		w.t.Fatal(err)
	}
}

// knock goes from Odoo's login page to ours, toward a place in Odoo.
func (o *liveOdoo) knock(w *world, p *person, toward string) *person {
	o.t.Helper()
	p.open(o.url + "/web/login?redirect=" + url.QueryEscape(toward))
	to, ok := p.page.Find(`a[href*="` + w.url + oidc.PathAuthorize + `"]`).Attr("href")
	if !ok {
		o.t.Fatalf("Odoo's login page has no link to us: %s", p.text())
	}
	return p.open(to)
}

// known is somebody here, with an e-mail that they have proven.
func (w *world) known(t *testing.T, email string) string {
	t.Helper()
	return string(w.user(email, func(in *account.New) { in.Kind = "portal" }).ID)
}

// several goes to Odoo as somebody whom two users there may be, and as an
// administrator to the page of the connection.
func (b tab) several(w *world, o *liveOdoo, email, owner, scheme string, width int64) {
	b.t.Helper()
	b.scheme(scheme)
	picture := fmt.Sprintf("live-several-%d-%s", width, scheme)
	b.do(chromedp.EmulateViewport(width, 844), chromedp.Navigate(o.url+"/web/login"), chromedp.WaitVisible(chromedp.CSS(`a[href^="`+w.url+oidc.PathAuthorize+`"]`)))
	b.follow(`a[href^="` + w.url + oidc.PathAuthorize + `"]`)
	b.do(chromedp.WaitVisible(chromedp.CSS("form#login")))
	b.fill("input[name=login]", email)
	b.fill("input[name=password]", rightPassword)
	b.follow("form#login #submit")
	b.see("main h1", picture)
	if at := b.eval(`location.origin`); at != w.url {
		b.t.Errorf("at %s", at)
	}
	text := b.eval(`document.querySelector("main").innerText`)
	if want := map[string]string{"en": "It is not clear which Odoo account is yours", "fr": "Votre compte Odoo n’a pas pu être déterminé"}[b.name]; !strings.Contains(text, want) {
		b.t.Errorf("%s", text)
	}
	if wide := b.eval(`String(document.documentElement.scrollWidth)`); wide != strconv.FormatInt(width, 10) {
		b.t.Errorf("the page is %s wide on %d", wide, width)
	}
	b.do(chromedp.Navigate(w.url + "/logout"))
	b.follow("form#logout #submit")
	all, err := w.db.Connections.All(b.t.Context())
	if err != nil || len(all) != 1 {
		b.t.Fatal(err)
	}
	b.signInAs(w, owner, "/admin/odoo/"+all[0].ID, "#cases li")
	b.see("#cases li", picture+"-admin")
}
