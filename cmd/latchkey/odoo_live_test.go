package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
)

// liveOdoo is a running Odoo, administered by RPC.
type liveOdoo struct {
	t                        *testing.T
	url, db, login, password string
	uid                      float64
	groups                   string // the field of res.users
	provider                 float64
}

// openOdoo uses the Odoo that LATCHKEY_TEST_ODOO_URL, _DB, _LOGIN and _PASSWORD
// name. Without one there is nothing to test here: the requests that Odoo sends
// are tested everywhere else without it.
func openOdoo(t *testing.T) *liveOdoo {
	t.Helper()
	o := &liveOdoo{
		t: t, url: os.Getenv("LATCHKEY_TEST_ODOO_URL"), db: os.Getenv("LATCHKEY_TEST_ODOO_DB"),
		login: os.Getenv("LATCHKEY_TEST_ODOO_LOGIN"), password: os.Getenv("LATCHKEY_TEST_ODOO_PASSWORD"),
	}
	if o.url == "" {
		t.Skip("LATCHKEY_TEST_ODOO_URL names no running Odoo")
	}
	o.uid, _ = o.rpc("common", "authenticate", o.db, o.login, o.password, map[string]any{}).(float64)
	if o.uid == 0 {
		t.Fatal("Odoo does not let the test's administrator in")
	}
	fields, _ := o.call("res.users", "fields_get", []any{}, map[string]any{"attributes": []string{"type"}}).(map[string]any)
	o.groups = "groups_id"
	if _, new := fields["group_ids"]; new { // 19
		o.groups = "group_ids"
	}
	return o
}

func (o *liveOdoo) rpc(service, method string, args ...any) any {
	o.t.Helper()
	body, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "method": "call", "params": map[string]any{"service": service, "method": method, "args": args},
	})
	if err != nil {
		o.t.Fatal(err)
	}
	resp, err := http.Post(o.url+"/jsonrpc", "application/json", bytes.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	defer resp.Body.Close()
	var out struct {
		Result any
		Error  any
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || out.Error != nil {
		o.t.Fatalf("%s %s: %v %v", service, method, out.Error, err)
	}
	return out.Result
}

// call runs a method of a model as the administrator.
func (o *liveOdoo) call(model, method string, args []any, kw map[string]any) any {
	o.t.Helper()
	return o.rpc("object", "execute_kw", o.db, o.uid, o.password, model, method, args, kw)
}

func (o *liveOdoo) create(model string, values map[string]any) float64 {
	o.t.Helper()
	id, ok := o.call(model, "create", []any{values}, map[string]any{"context": map[string]any{"no_reset_password": true}}).(float64)
	if !ok {
		o.t.Fatalf("create %s: no id", model)
	}
	return id
}

// group is the id of one of Odoo's own groups.
func (o *liveOdoo) group(name string) float64 {
	o.t.Helper()
	rows, _ := o.call("ir.model.data", "search_read",
		[]any{[]any{[]any{"module", "=", "base"}, []any{"name", "=", name}}}, map[string]any{"fields": []string{"res_id"}}).([]any)
	if len(rows) != 1 {
		o.t.Fatalf("group %s: %v", name, rows)
	}
	return rows[0].(map[string]any)["res_id"].(float64)
}

// connect writes the provider's row, as an administrator does by hand.
func (o *liveOdoo) connect(w *world, c oidc.Registered) {
	o.t.Helper()
	o.provider = o.create("auth.oauth.provider", map[string]any{
		"name": "Latchkey test", "client_id": string(c.Client.ID), "enabled": true, "body": "Latchkey test", "scope": "openid profile email",
		"auth_endpoint": w.url + oidc.PathAuthorize, "validation_endpoint": w.url + odoo.ValidationPath(c.Client), "data_endpoint": false, "css_class": "fa",
	})
	o.t.Cleanup(func() { o.call("auth.oauth.provider", "unlink", []any{[]any{o.provider}}, nil) })
}

// linked makes an Odoo user and links it to a person of ours.
func (o *liveOdoo) linked(login, group string, u idp.User) {
	o.t.Helper()
	id := o.create("res.users", map[string]any{
		"name": u.Name, "login": login, "email": u.Email, o.groups: []any{[]any{6, 0, []any{o.group(group)}}},
		"oauth_provider_id": o.provider, "oauth_uid": string(u.ID),
	})
	o.t.Cleanup(func() {
		o.call("res.users", "write", []any{[]any{id}, map[string]any{"active": false, "login": login + "-gone"}}, nil)
	})
}

// enter goes from Odoo's login page through ours and back, and returns Odoo's
// login of whoever is signed in there, or "". The fragment is moved to the
// query as Odoo's own page does.
func (o *liveOdoo) enter(w *world, p *person, login string) (answer url.Values, who string) {
	o.t.Helper()
	p.open(o.url + "/web/login")
	link := p.page.Find(`a[href*="` + w.url + oidc.PathAuthorize + `"]`)
	to, ok := link.Attr("href")
	if !ok {
		o.t.Fatalf("Odoo's login page has no link to us: %s", p.text())
	}
	p.open(to)
	if p.has("form#login") {
		p.signIn(w, login)
	}
	answer = p.answer()
	o.finish(p, answer)
	return answer, o.whoIs(p)
}

func (o *liveOdoo) finish(p *person, answer url.Values) {
	o.t.Helper()
	p.open(o.url + "/auth_oauth/signin?" + answer.Encode())
}

func (o *liveOdoo) whoIs(p *person) string {
	o.t.Helper()
	r, err := http.NewRequest(http.MethodPost, o.url+"/web/session/get_session_info", strings.NewReader(`{"jsonrpc":"2.0","params":{}}`))
	if err != nil {
		o.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	p.do(r)
	var out struct{ Result struct{ Username string } }
	if err := json.Unmarshal([]byte(p.body), &out); err != nil {
		o.t.Fatal(err)
	}
	return out.Result.Username
}

// A running stock Odoo signs in an internal and a portal user; two browsers of
// one user stay signed in; a replay, another client's token and a late
// validation are refused.
func TestLiveOdoo(t *testing.T) {
	o := openOdoo(t)
	w := newWorld(t, "sqlite")
	run := time.Now().UnixNano()
	ada := w.user(fmt.Sprintf("ada%d@example.org", run), withApp)
	pia := w.user(fmt.Sprintf("pia%d@example.org", run), func(in *account.New) { in.Kind = idp.Portal })
	register := func(id oidc.ClientID) oidc.Registered {
		return w.client(oidc.Input{ID: id, Name: "Odoo", Type: oidc.Odoo, RedirectURIs: []string{o.url + "/auth_oauth/signin"}})
	}
	o.connect(w, register("odoo"))
	register("other")
	o.linked(ada.Email, "group_user", ada)
	o.linked(pia.Email, "group_portal", pia)

	first, second, portal := w.person(), w.person(), w.person()
	if _, who := o.enter(w, first, ada.Email); who != ada.Email {
		t.Errorf("internal user: Odoo says %q", who)
	}
	w.later(time.Minute)
	if _, who := o.enter(w, second, ada.Email); who != ada.Email {
		t.Errorf("second browser: Odoo says %q", who)
	}
	if who := o.whoIs(first); who != ada.Email {
		t.Errorf("the second browser signed the first one out: %q", who)
	}
	answer, who := o.enter(w, portal, pia.Email)
	if who != pia.Email {
		t.Errorf("portal user: Odoo says %q", who)
	}
	refused := func(name string, answer url.Values) {
		t.Helper()
		p := w.person()
		o.finish(p, answer)
		if who := o.whoIs(p); who != "" {
			t.Errorf("%s: Odoo lets %q in", name, who)
		}
	}
	refused("replay", answer)
	q := w.odooLinkTo("other", o.url+"/auth_oauth/signin")
	foreign := portal.open(q).answer()
	foreign.Set("state", answer.Get("state"))
	refused("token of another client", foreign)
	late, err := url.Parse(w.odooLinkTo("odoo", o.url+"/auth_oauth/signin"))
	if err != nil {
		t.Fatal(err)
	}
	stale := portal.open(late.String()).answer()
	stale.Set("state", answer.Get("state"))
	w.later(61 * time.Second)
	refused("late by a second", stale)
}

// The same in a real browser, which runs Odoo's own page that moves the
// fragment, and is held to our content security policy.
func TestLiveOdooInChromium(t *testing.T) {
	o := openOdoo(t)
	w := newWorld(t, "sqlite")
	ada := w.user(fmt.Sprintf("ada%d@example.org", time.Now().UnixNano()), withApp)
	o.connect(w, w.client(oidc.Input{ID: "odoo", Name: "Odoo", Type: oidc.Odoo, RedirectURIs: []string{o.url + "/auth_oauth/signin"}}))
	o.linked(ada.Email, "group_user", ada)
	b := tab{t, chromium(t, "en"), "odoo"}
	b.do(chromedp.Navigate(o.url + "/web/login"))
	b.follow(`a[href^="` + w.url + oidc.PathAuthorize + `"]`)
	b.see("form#login", "")
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=login]"), ada.Email), chromedp.SendKeys(chromedp.CSS("input[name=password]"), rightPassword))
	b.follow("form#login #submit")
	b.see("form#factor", "")
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=code]"), w.code(appSecret)))
	b.follow("form#factor #submit")
	b.see(".o_web_client", "") // Odoo's own application, drawn for somebody who is signed in
	if at := b.eval(`location.origin`); at != o.url {
		t.Errorf("at %s", at)
	}
}

// odooLinkTo is what an Odoo at another address puts on its login page.
func (w *world) odooLinkTo(client, redirect string) string {
	return w.url + oidc.PathAuthorize + "?" + url.Values{
		"response_type": {"token"}, "client_id": {client}, "redirect_uri": {redirect}, "scope": {"openid profile email"}, "state": {odooState},
	}.Encode()
}
