package main

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/apitoken"
	"latchkey/idp/oidc"
)

// fetch sends a request that is made already.
func (w *world) fetch(r *http.Request) reply {
	w.t.Helper()
	p := w.person().do(r)
	return reply{w.t, p.status, p.header, []byte(p.body)}
}

// D-04, D-13: what ends a token ends it at once, and what it may is decided at
// each use.
func TestTokenLife(t *testing.T) {
	w := newWorld(t, "sqlite")
	owner := w.staff("owner@example.org", idp.Owner)
	me := func(secret string, status int) reply {
		t.Helper()
		return w.send(secret, http.MethodGet, "/api/v1/me", nil).want(status)
	}
	for name, end := range map[string]func(u idp.User, id string) error{
		"revoked":       func(_ idp.User, id string) error { return w.tokens().Revoke(t.Context(), host, id) },
		"disabled":      func(u idp.User, _ string) error { return w.people.accounts.Disable(t.Context(), host, u.ID) },
		"factors reset": func(u idp.User, _ string) error { return w.people.accounts.ResetFactors(t.Context(), host, u.ID) },
		"password": func(u idp.User, _ string) error {
			return w.people.accounts.SetPassword(t.Context(), host, u.ID, "another horse battery")
		},
		"removed": func(u idp.User, _ string) error { return w.people.accounts.Remove(t.Context(), host, u.ID) },
		"enabled in vain": func(u idp.User, _ string) error {
			return errors.Join(w.people.accounts.Disable(t.Context(), host, u.ID), w.people.accounts.Enable(t.Context(), host, u.ID))
		},
	} {
		u := w.staff(strings.ReplaceAll(name, " ", "")+"@example.org", idp.Admin)
		tok, secret, err := w.tokens().Make(t.Context(), host, apitoken.New{Name: name, Owner: u.ID, Scopes: []idp.Right{idp.SeePeople}})
		if err != nil {
			t.Fatal(err)
		}
		me(secret, http.StatusOK)
		if err := end(u, tok.ID); err != nil {
			t.Fatal(name, err)
		}
		if a := me(secret, http.StatusUnauthorized); !strings.Contains(a.header.Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("%s: %v", name, a.header)
		}
	}
	// A role that is taken limits at once.
	u := w.staff("fallen@example.org", idp.Admin)
	secret := w.apiToken(u, idp.EditPeople, idp.SeeAudit)
	w.send(secret, http.MethodGet, "/api/v1/audit", nil).want(http.StatusOK)
	role := idp.HelpDesk
	if _, err := w.people.accounts.Update(t.Context(), host, u.ID, account.Change{Role: &role}); err != nil {
		t.Fatal(err)
	}
	w.send(secret, http.MethodGet, "/api/v1/audit", nil).want(http.StatusForbidden)
	w.send(secret, http.MethodGet, "/api/v1/users", nil).want(http.StatusOK)
	// It expires, and its last use is known to the minute.
	tok, secret, err := w.tokens().Make(t.Context(), host, apitoken.New{Name: "short", Owner: owner.ID, Scopes: []idp.Right{idp.MakeTokens}, Life: 24 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	first := me(secret, http.StatusOK).at("token", "used")
	w.later(30 * time.Second)
	if again := w.send(secret, http.MethodGet, "/api/v1/tokens/"+tok.ID, nil).at("used"); again == "null" || first == "" {
		t.Error(first, again)
	}
	w.later(24 * time.Hour)
	me(secret, http.StatusUnauthorized)
}

// a cookie never opens the API, and only JSON is taken; so there is
// nothing that another site can send through somebody's browser.
func TestOnlyTokensAndJSON(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.staff("owner@example.org", idp.Owner)
	p := w.person().open("/login").want("form#login").submit("form#login", "login", "owner@example.org", "password", rightPassword)
	if p.open("/my/security").status != http.StatusOK {
		t.Fatal("not signed in")
	}
	if p.open("/api/v1/me"); p.status != http.StatusUnauthorized || p.header.Get("WWW-Authenticate") == "" || p.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%d %v", p.status, p.header)
	}
	u, _ := w.people.accounts.Find(t.Context(), "owner@example.org")
	token := w.apiToken(u)
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml", ""} {
		w.send(token, http.MethodPost, "/api/v1/groups", m{"name": "x"}, "Content-Type", kind).want(http.StatusUnsupportedMediaType)
	}
	w.send(token, http.MethodPost, "/api/v1/groups", m{"name": strings.Repeat("x", 70<<10)}).want(http.StatusRequestEntityTooLarge)
	w.send(token, http.MethodOptions, "/api/v1/groups", nil).want(http.StatusMethodNotAllowed)
	w.send(token, http.MethodGet, "/api/v1/nonsense", nil).want(http.StatusNotFound)
	w.send(token, http.MethodPut, "/api/v1/groups", nil).want(http.StatusMethodNotAllowed)
	w.send("", http.MethodGet, "/api/v1/users?access_token="+token, nil).want(http.StatusUnauthorized)
	for _, bad := range []string{"lka_nonsense", token[:len(token)-1] + "x", "x", "lk_at_x.y"} {
		a := w.send(bad, http.MethodGet, "/api/v1/users", nil).want(http.StatusUnauthorized)
		if a.header.Get("Content-Type") != "application/problem+json" || a.at("type") != "urn:latchkey:problem:token" || !strings.HasSuffix(a.at("instance"), a.header.Get("X-Request-Id")) {
			t.Errorf("%v %s", a.header, a.body)
		}
	}
	// A person's access token opens nothing, whatever its scopes are called.
	if a := w.send(token, http.MethodPost, "/api/v1/groups", []byte(`{"name":"x"`)).want(http.StatusBadRequest); a.at("status") != "400" {
		t.Errorf("%s", a.body)
	}
}

// B-05: wrong tokens of one network are heard so often, and leave so many lines.
func TestWrongTokens(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_LIMITS_ADDRESS_TRIES=10")
	for range 10 {
		w.send("lka_wrong", http.MethodGet, "/api/v1/me", nil).want(http.StatusUnauthorized)
	}
	if a := w.send("lka_wrong", http.MethodGet, "/api/v1/me", nil).want(http.StatusTooManyRequests); a.header.Get("Retry-After") == "" {
		t.Errorf("%v", a.header)
	}
	n := 0
	err := w.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"api.token"}}, func(e idp.Event) error {
		n++
		if e.Result != "wrong" || e.Origin.Address == "" {
			t.Errorf("%+v", e)
		}
		return nil
	})
	if err != nil || n != 10 {
		t.Errorf("%d lines, %v", n, err)
	}
	// Who has a good one is let in all the same.
	w.send(w.apiToken(w.staff("owner@example.org", idp.Owner)), http.MethodGet, "/api/v1/me", nil).want(http.StatusOK)
}

// Requests are counted by token, and the answer says how many are left.
func TestRateLimit(t *testing.T) {
	w := newWorld(t, "sqlite", "LATCHKEY_LIMITS_API_PER_MINUTE=10")
	u := w.staff("owner@example.org", idp.Owner)
	one, other := w.apiToken(u), w.apiToken(u)
	for i := range 10 {
		a := w.send(one, http.MethodGet, "/api/v1/me", nil).want(http.StatusOK)
		if a.header.Get("RateLimit-Limit") != "10" || a.header.Get("RateLimit-Remaining") != jsonNumber(9-i) {
			t.Errorf("%v", a.header)
		}
	}
	if a := w.send(one, http.MethodGet, "/api/v1/me", nil).want(http.StatusTooManyRequests); a.header.Get("Retry-After") != "60" {
		t.Errorf("%v", a.header)
	}
	w.send(other, http.MethodGet, "/api/v1/me", nil).want(http.StatusOK)
	w.later(time.Minute)
	w.send(one, http.MethodGet, "/api/v1/me", nil).want(http.StatusOK)
}

// A request that is sent again does nothing again, and its secrets are gone
// (D-06).
func TestIdempotency(t *testing.T) {
	w := newWorld(t, "sqlite")
	token := w.apiToken(w.staff("owner@example.org", idp.Owner))
	in := m{"client_id": "shop", "type": "web", "redirect_uris": []string{"https://shop.example.org/cb"}}
	first := w.send(token, http.MethodPost, "/api/v1/clients", in, "Idempotency-Key", "k1").want(http.StatusCreated)
	again := w.send(token, http.MethodPost, "/api/v1/clients", in, "Idempotency-Key", "k1").want(http.StatusCreated)
	if again.header.Get("Idempotent-Replayed") != "true" || again.header.Get("Location") != first.header.Get("Location") || again.at("client", "client_id") != "shop" {
		t.Errorf("%v %s", again.header, again.body)
	}
	if first.at("secret") == "null" || strings.Contains(string(again.body), "\"secret\"") {
		t.Errorf("%s", again.body)
	}
	in["client_name"] = "Other"
	w.send(token, http.MethodPost, "/api/v1/clients", in, "Idempotency-Key", "k1").want(http.StatusUnprocessableEntity)
	// Keys are each caller's own, and what was refused may be tried again.
	other := w.apiToken(w.staff("other@example.org", idp.Owner))
	w.send(other, http.MethodPost, "/api/v1/clients", in, "Idempotency-Key", "k1").want(http.StatusConflict)
	in["client_id"] = "other"
	w.send(other, http.MethodPost, "/api/v1/clients", in, "Idempotency-Key", "k1").want(http.StatusCreated)
	w.send(token, http.MethodPost, "/api/v1/clients", in, "Idempotency-Key", strings.Repeat("x", 200)).want(http.StatusUnprocessableEntity)
	// Of many at once one does it.
	var wg sync.WaitGroup
	var mu sync.Mutex
	count := map[int]int{}
	for range 8 {
		wg.Go(func() {
			a := w.send(token, http.MethodPost, "/api/v1/users", m{"email": "race@example.org"}, "Idempotency-Key", "k2")
			mu.Lock()
			defer mu.Unlock()
			count[a.status]++
		})
	}
	wg.Wait()
	if count[http.StatusCreated] < 1 || count[http.StatusCreated]+count[http.StatusConflict] != 8 {
		t.Errorf("%v", count)
	}
	// After a day it is another request.
	w.later(25 * time.Hour)
	w.send(token, http.MethodPost, "/api/v1/users", m{"email": "later@example.org"}, "Idempotency-Key", "k1").want(http.StatusCreated)
}

// A service acts in its own name, ends with its client, and its tokens narrow
// with its registration (D-04).
func TestServiceOfTheHouse(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.staff("owner@example.org", idp.Owner)
	token := w.machine("people:write", "people:read")
	w.send(token, http.MethodPost, "/api/v1/users", m{"email": "ada@example.org"}).want(http.StatusCreated)
	if me := w.send(token, http.MethodGet, "/api/v1/me", nil).want(http.StatusOK); me.at("client") != "machine-people" || me.at("rights", 0) != "people:read" {
		t.Errorf("%s", me.body)
	}
	found := false
	_ = w.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"user.add"}}, func(e idp.Event) error {
		found = found || e.Actor == "client:machine-people"
		return nil
	})
	if !found {
		t.Error("the log does not say who did it")
	}
	c, err := w.protocol.registrar().Get(t.Context(), host, "machine-people")
	if err != nil {
		t.Fatal(err)
	}
	c.Scopes = []string{"people:read"}
	if _, err := w.protocol.registrar().Update(t.Context(), host, c); err != nil {
		t.Fatal(err)
	}
	w.send(token, http.MethodPost, "/api/v1/users", m{"email": "bob@example.org"}).want(http.StatusForbidden)
	if err := w.protocol.registrar().Disable(t.Context(), host, "machine-people"); err != nil {
		t.Fatal(err)
	}
	w.send(token, http.MethodGet, "/api/v1/me", nil).want(http.StatusUnauthorized)
	// Who registers a service gives it no more than they have.
	limited := idp.Actor{User: "x", Role: idp.Admin, Scopes: []idp.Right{idp.EditClients}}
	if _, err := w.protocol.registrar().Add(t.Context(), limited, oidc.Input{Type: oidc.Service, Scopes: []string{"audit:read"}}); !errors.Is(err, idp.ErrDenied) {
		t.Error(err)
	}
	if _, err := w.protocol.registrar().Add(t.Context(), host, oidc.Input{Type: oidc.Service, Scopes: []string{"tokens:write"}}); !errors.Is(err, idp.ErrInvalid) {
		t.Error(err)
	}
}

// A service does things to many, in its own name, until it is shut out (D-04);
// it is never one of two administrators (M-10).
func TestServiceAndMany(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.staff("owner@example.org", idp.Owner)
	token := w.machine("people:write", "people:help", "people:read")
	table := []byte("email,name\nfirst@example.org,First\nnext@example.org,Next\n")
	id := w.send(token, http.MethodPost, "/api/v1/imports", table, "Content-Type", "text/csv").want(http.StatusCreated).at("id")
	w.send(token, http.MethodPost, "/api/v1/imports/"+id+"/check", m{"fields": []string{"email", "name"}}).want(http.StatusAccepted)
	w.jobs.Wait()
	w.send(token, http.MethodPost, "/api/v1/imports/"+id+"/start", m{"invite": true}).want(http.StatusAccepted)
	w.jobs.Wait()
	if d := w.send(token, http.MethodGet, "/api/v1/imports/"+id, nil).want(http.StatusOK); d.at("step") != "done" || d.at("sums", "added") != "2" {
		t.Errorf("%s", d.body)
	}
	bulk := w.send(token, http.MethodPost, "/api/v1/bulk", m{"act": "disable", "filter": m{}}).want(http.StatusCreated)
	if bulk.at("todo") != "2" || bulk.at("skipped", "role") != "1" { // D-02
		t.Errorf("%s", bulk.body)
	}
	at := "/api/v1/bulk/" + bulk.at("id")
	c, err := w.protocol.registrar().Get(t.Context(), host, "machine-people")
	w.must(err)
	c.Scopes = []string{"people:help", "people:read"}
	_, err = w.protocol.registrar().Update(t.Context(), host, c)
	w.must(err)
	w.send(token, http.MethodPost, at+"/start", nil).want(http.StatusForbidden)
	u := w.user("helped@example.org")
	w.send(token, http.MethodPost, "/api/v1/users/"+string(u.ID)+"/temporary-code/request", m{"reason": "x"}).want(http.StatusForbidden)
	admin := w.staff("admin@example.org", idp.Admin)
	asked := w.send(w.apiToken(admin), http.MethodPost, "/api/v1/users/"+string(u.ID)+"/temporary-code/request", m{"reason": "x"}).want(http.StatusCreated)
	if err := w.people.approvals().Allow(t.Context(), idp.Actor{User: idp.ServiceUser("machine-people"), Role: idp.Admin, Scopes: []idp.Right{idp.HelpPeople}}, asked.at("id")); !errors.Is(err, account.ErrService) {
		t.Error(err)
	}
	w.must(w.protocol.registrar().Disable(t.Context(), host, "machine-people"))
	if _, err := w.gate().Still(t.Context(), idp.Actor{User: idp.ServiceUser("machine-people"), Scopes: []idp.Right{idp.SeePeople}}); !errors.Is(err, idp.ErrNotFound) {
		t.Error(err)
	}
}

// a file goes where it is asked for and nowhere else, up to its limit, and
// a repeated upload is one import.
func TestUploads(t *testing.T) {
	w := newWorld(t, "sqlite")
	token := w.apiToken(w.staff("owner@example.org", idp.Owner))
	for _, kind := range []string{"text/csv", "image/png"} {
		w.send(token, http.MethodPost, "/api/v1/groups", m{"name": "x"}, "Content-Type", kind).want(http.StatusUnsupportedMediaType)
	}
	w.send(token, http.MethodPost, "/api/v1/imports", []byte("a,b"), "Content-Type", "image/png").want(http.StatusUnsupportedMediaType)
	long := []byte("email\n" + strings.Repeat("somebody@example.org\n", 100<<10))
	first := w.send(token, http.MethodPost, "/api/v1/imports", long, "Content-Type", "text/csv", "Idempotency-Key", "up").want(http.StatusCreated)
	again := w.send(token, http.MethodPost, "/api/v1/imports", long, "Content-Type", "text/csv", "Idempotency-Key", "up").want(http.StatusCreated)
	if first.at("id") != again.at("id") || !strings.Contains(string(first.body), "somebody@") || strings.Contains(string(again.body), "somebody@") { // D-06
		t.Errorf("%s %s", first.body, again.body)
	}
	w.send(token, http.MethodPut, "/api/v1/brand/logo/light", make([]byte, 3<<20), "Content-Type", "image/png").want(http.StatusRequestEntityTooLarge)
}
