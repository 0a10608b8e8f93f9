package main

import (
	"bytes"
	"encoding/base64"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
)

// cookie is a cookie of the house in a browser.
func (p *person) cookie(name string) string {
	p.t.Helper()
	u, err := url.Parse(p.base)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range p.c.Jar.Cookies(u) {
		if strings.HasSuffix(c.Name, name) {
			return c.Value
		}
	}
	return ""
}

// S-10: a session's token has 256 random bits and is nowhere in the database.
func TestSessionTokens(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.user("ada@example.org")
	seen := map[string]bool{}
	for range 3 {
		p := w.person().open("/my/security").signIn(w, "ada@example.org")
		token := p.cookie("latchkey-session")
		raw, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(raw) < 32 || seen[token] {
			t.Fatalf("%q: %d bytes, %v", token, len(raw), err)
		}
		seen[token] = true
	}
	path := strings.TrimPrefix(w.cfg.Database.URL, "sqlite:")
	for _, file := range []string{path, path + "-wal"} {
		stored, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for token := range seen {
			if bytes.Contains(stored, []byte(token)) {
				t.Errorf("the token is in %s", file)
			}
		}
	}
}

// S-11: with as many sessions as the house allows, one more ends the oldest,
// and the log says why.
func TestSessionsAtOnce(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		w.user("ada@example.org")
		w.user("bob@example.org")
		h, version, err := w.choices.settings.Read(t.Context(), hostActor)
		w.must(err)
		h.Sessions = 2
		w.must(w.choices.settings.Change(t.Context(), hostActor, version, h))
		enter := func(login string) *person {
			w.later(time.Second)
			return w.person().open("/my/security").signIn(w, login)
		}
		inside := func(p *person) bool { return p.open("/my/security").at.Path == "/my/security" }
		other := enter("bob@example.org")
		first, second, third := enter("ada@example.org"), enter("ada@example.org"), enter("ada@example.org")
		if inside(first) || !inside(second) || !inside(third) || !inside(other) {
			t.Errorf("first %v, second %v, third %v, somebody else %v", inside(first), inside(second), inside(third), inside(other))
		}
		ended := 0
		w.must(w.db.Log.Events(t.Context(), idp.EventQuery{What: []string{"session.end"}}, func(e idp.Event) error {
			if e.Detail["reason"] == "limit" {
				ended++
			}
			return nil
		}))
		if ended != 1 {
			t.Errorf("%d events", ended)
		}
	})
}

// S-12: another site's page signs nobody in: not with a form of its own, not
// with one that was drawn for somebody else's browser, and not by asking
// without a prompt.
func TestNobodyIsSignedInSilently(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.user("eve@example.org")
	w.odooClient("odoo")
	attacker, victim := w.person().open("/my/security"), w.person().open("/my/security")
	for name, drawn := range map[string]*person{"without a form": nil, "the attacker's form": attacker, "the victim's, from another site": victim} {
		fields := url.Values{}
		if drawn != nil {
			_, fields = drawn.form("form#login")
		}
		fields.Set("login", "eve@example.org")
		fields.Set("password", rightPassword)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/login", strings.NewReader(fields.Encode()))
		w.must(err)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if drawn != attacker {
			r.Header.Set("Sec-Fetch-Site", "cross-site")
			r.Header.Set("Origin", "https://evil.example.com")
		}
		if victim.do(r); victim.status != http.StatusForbidden || victim.cookie("latchkey-session") != "" {
			t.Errorf("%s: %d, at %s", name, victim.status, victim.at)
		}
		victim.open("/my/security")
	}
	if victim.open(w.odooLink("odoo") + "&prompt=none"); !strings.Contains(victim.text(), "login_required") || victim.cookie("latchkey-session") != "" {
		t.Errorf("without a prompt: at %s: %s", victim.at, victim.text())
	}
}
