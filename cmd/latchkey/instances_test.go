package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"

	"latchkey/idp/odoo"
	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
)

// twin is a second instance on the same database, under the same public
// address but on a port of its own.
func (w *world) twin(t *testing.T) (address string) {
	t.Helper()
	b, err := openAt(t.Context(), w.cfg, w.clock, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close() })
	h, err := build(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// Instances hold no state: each request of a sign-in may reach another one.
// Cookies do not know ports, so the same browser can be sent back and forth.
func TestTwoInstances(t *testing.T) {
	w := newWorld(t, "postgres", "LATCHKEY_REDIS_URL="+storetest.Redis(t))
	other := w.twin(t)
	w.user("ada@example.org", withApp)
	c := w.odooClient("odoo") // made here, known there at once
	p := w.person()
	there := func() { p.base = other }
	here := func() { p.base = w.url }
	send := func(selector string, set ...string) {
		action, fields := p.form(selector)
		for i := 0; i < len(set); i += 2 {
			fields.Set(set[i], set[i+1])
		}
		u, err := url.Parse(action)
		if err != nil {
			t.Fatal(err)
		}
		p.post(p.base+u.RequestURI(), fields)
	}
	p.open(w.odooLink("odoo"))
	there()
	send("form#login", "login", "ada@example.org", "password", rightPassword)
	p.want("form#factor")
	here()
	send("form#factor", "code", w.code(appSecret))
	token := p.answer().Get("access_token")
	there()
	again := p.open(strings.Replace(w.odooLink("odoo"), w.url, other, 1)).answer().Get("access_token")
	if again != token {
		t.Error("the other instance makes another token for the same person, client and epoch")
	}
	if status, _ := validate(t, other+strings.TrimPrefix(validationURL(w, c), w.url), token); status != http.StatusOK {
		t.Errorf("validation at the other instance: %d", status)
	}
}

// Redis is a cache: emptied between two tries it changes no decision, and gone
// it costs nobody their sign-in. B-05, B-06.
func TestRedisIsOnlyACache(t *testing.T) {
	address := storetest.Redis(t)
	o, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	r := goredis.NewClient(o)
	defer r.Close()
	for name, at := range map[string]string{"flushed": address, "gone": "redis://127.0.0.1:1/0"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, "postgres", "LATCHKEY_REDIS_URL="+at)
			w.odooClient("odoo")
			w.user("ada@example.org")
			try := func(password string) *person {
				if name == "flushed" {
					if err := r.FlushDB(t.Context()).Err(); err != nil {
						t.Fatal(err)
					}
				}
				return w.person().open(w.odooLink("odoo")).submit("form#login", "login", "ada@example.org", "password", password)
			}
			for range 10 {
				try("wrong")
			}
			if p := try(rightPassword); p.status != http.StatusUnauthorized {
				t.Errorf("the right password after ten wrong ones: %d", p.status)
			}
			w.user("bob@example.org")
			if p := w.person().open(w.odooLink("odoo")).signIn(w, "bob@example.org"); p.at.Host != "shop.example.org" {
				t.Errorf("bob: %d %s", p.status, p.text())
			}
		})
	}
}

func validationURL(w *world, c oidc.Registered) string { return w.url + odoo.ValidationPath(c.Client) }
