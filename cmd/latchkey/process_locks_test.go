package main

import (
	"net/http"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"latchkey/idp/store/storetest"
)

// tries gives ten wrong passwords for a, from browsers that nobody knows, and
// ten wrong codes for b, and says how the right ones fare.
type tries struct {
	t    *testing.T
	w    *world
	open func() *person // a browser
}

func (s tries) lock() {
	s.t.Helper()
	for range 10 {
		s.open().submit("form#login", "login", "a@example.org", "password", "wrong")
	}
	for range 2 { // five end a challenge
		b := s.factor()
		for range 5 {
			b.submit("form#factor", "code", "000000")
		}
	}
}

func (s tries) factor() *person {
	s.t.Helper()
	return s.open().submit("form#login", "login", "b@example.org", "password", rightPassword).want("form#factor, .notice-danger, #wrong")
}

// locked fails the test unless the right answers are refused, the password as a
// wrong one is (B-07).
func (s tries) locked(when string) {
	s.t.Helper()
	if p := s.open().submit("form#login", "login", "a@example.org", "password", rightPassword); p.status != http.StatusUnauthorized || !p.has("#wrong") {
		s.t.Errorf("%s, the right password: %d %s", when, p.status, p.text())
	}
	p := s.factor()
	if p.has("form#factor") {
		p.submit("form#factor", "code", s.w.code(appSecret))
	}
	if p.at.Path == "/my/security" || p.status < http.StatusBadRequest {
		s.t.Errorf("%s, the right code: %d at %s: %s", when, p.status, p.at, p.text())
	}
}

// B-05: what locks somebody out is there after a crash.
func TestLocksOutliveACrash(t *testing.T) {
	t.Parallel()
	p := newProgram(t)
	p.add("a@example.org")
	p.add("b@example.org", "--totp-secret", appSecret)
	p.start()
	w := &world{t: t, now: time.Now()}
	s := tries{t, w, func() *person { return p.person().open("/my/security").want("form#login") }}
	s.lock()
	s.locked("before")
	p.kill()
	p.start()
	s.locked("after")
	p.run("", "user", "unlock", "a@example.org")
	p.until("an unlocked account", func() bool { // the server may remember a lock for five seconds
		time.Sleep(200 * time.Millisecond)
		return s.open().submit("form#login", "login", "a@example.org", "password", rightPassword).at.Path == "/my/security"
	})
}

// B-05, B-06: nor does it go with Redis, or end at another instance.
func TestLocksHoldEverywhere(t *testing.T) {
	t.Parallel()
	address := storetest.Redis(t)
	o, err := goredis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	r := goredis.NewClient(o)
	defer r.Close()
	w := newWorld(t, "postgres", "LATCHKEY_REDIS_URL="+address)
	w.user("a@example.org")
	w.user("b@example.org", withApp)
	at := w.url
	s := tries{t, w, func() *person {
		p := w.person()
		p.base = at
		return p.open("/my/security").want("form#login")
	}}
	s.lock()
	at = w.twin(t)
	s.locked("at another instance")
	if err := r.FlushDB(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	s.locked("after a flush")
	at = w.twin(t)
	s.locked("at one that was started since")
}
