package connector_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
)

func (t *town) trickle() *connector.Trickle {
	return t.instance("one").Trickle
}

func (t *town) asks(k *connector.Trickle, u idp.User, plain string) bool {
	t.Helper()
	right, err := k.Check(t.Context(), u, plain)
	t.must(err)
	return right
}

// calls counts the questions about passwords.
func (t *town) calls() (n int) {
	for _, c := range t.odoo.Calls() {
		if c.Method == "authenticate" {
			n++
		}
	}
	return n
}

// Issue 5.3: Odoo is asked for people who never had a password here, where the
// settings say so, and for nobody else; no password is in the log.
func TestTrickle(t *testing.T) {
	eachTown(t, odootest.Options{}, func(t *town) {
		id := t.odoo.AddUser("pia@example.org", "Pia", "pia@example.org", true)
		t.odoo.Set("res.users", id, odootest.Record{"password": "Old-Password-1"})
		t.bring()
		k, pia := t.trickle(), t.user("pia@example.org")
		t.odoo.Calls()
		if t.asks(k, pia, "Old-Password-1") || t.calls() != 0 {
			t.Error("asked although it is switched off")
		}
		t.set(func(s *connector.Settings) { s.Trickle = true })
		if t.asks(k, pia, "wrong") || !t.asks(k, pia, "Old-Password-1") {
			t.Error("not as Odoo says")
		}
		t.odoo.Calls()
		local, raised, off := pia, pia, pia
		local.Password, raised.Epoch, off.Disabled = "$argon2id$…", 1, true
		for name, u := range map[string]idp.User{
			"a password here": local, "a password taken away": raised, "disabled": off, "nobody": {}, "not of this Odoo": t.add(account.New{Email: "eve@example.org"}),
		} {
			if t.asks(k, u, "Old-Password-1") || t.calls() != 0 {
				t.Errorf("%s: asked", name)
			}
		}
		// The login is another user's by now.
		t.odoo.Set("res.users", id, odootest.Record{"login": "pia2"})
		other := t.odoo.AddUser("pia@example.org", "Other", "", true)
		t.odoo.Set("res.users", other, odootest.Record{"password": "Others-Password"})
		if t.asks(k, pia, "Others-Password") {
			t.Error("another user's password is taken")
		}
		t.must(t.db.Log.Events(t.Context(), idp.EventQuery{}, func(e idp.Event) error {
			for _, v := range e.Detail {
				if strings.Contains(v, "Password") {
					t.Errorf("a password in the log: %+v", e)
				}
			}
			return nil
		}))
		if got := slices.Sorted(slices.Values(t.told("password.trickle"))); !slices.Equal(got, []string{"ok", "other-person", "wrong"}) {
			t.Errorf("%v", got)
		}
	})
}

// B-01: a limit of its own, below the one at which Odoo locks everybody out who
// comes from our address; a refusal takes as long whether Odoo is asked or not;
// an Odoo that is down is as good as a wrong password.
func TestTrickleLimits(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		var us []idp.User
		for _, name := range []string{"a", "b", "c", "d"} {
			t.odoo.AddUser(name+"@example.org", name, name+"@example.org", true)
		}
		t.bring()
		for _, name := range []string{"a", "b", "c", "d"} {
			us = append(us, t.user(name+"@example.org"))
		}
		t.set(func(s *connector.Settings) { s.Trickle = true })
		k := t.trickle()
		t.odoo.Calls()
		for range 5 {
			for _, u := range us {
				t.asks(k, u, "wrong")
			}
		}
		if n := t.calls(); n == 0 || n > 8 {
			t.Errorf("Odoo was asked %d times", n)
		}
		t.wait(time.Hour)
		t.odoo.Break(odootest.Gateway, odootest.Gateway, odootest.Gateway)
		if t.asks(k, us[0], "a@example.org") {
			t.Error("right, though nobody answers")
		}
		t.odoo.Break()
		if !t.asks(k, us[0], "a@example.org") {
			t.Error("wrong afterwards")
		}
		began := time.Now()
		k.Begin(t.Context())()
		if took := time.Since(began); took < time.Second || took > 6*time.Second {
			t.Errorf("a refusal takes %s", took)
		}
		t.set(func(s *connector.Settings) { s.Trickle = false })
		t.wait(time.Minute)
		began = time.Now()
		k.Begin(t.Context())()
		if took := time.Since(began); took > time.Second/2 {
			t.Errorf("a refusal takes %s where nobody asks", took)
		}
	})
}

// E-01: while an Odoo does not answer, every refusal says so, and none before that
// was known: what a try itself finds out would tell that Odoo was asked.
func TestTrickleSilent(t *testing.T) {
	eachStoreTown(t, func(t *town) {
		t.odoo.AddUser("a@example.org", "a", "a@example.org", true)
		t.bring()
		u := t.user("a@example.org")
		t.set(func(s *connector.Settings) { s.Trickle = true })
		k := t.trickle()
		even := k.Begin(t.Context())
		t.odoo.Break(odootest.Gateway, odootest.Gateway, odootest.Gateway)
		if t.asks(k, u, "wrong"); even() {
			t.Error("the try that found it out says so")
		}
		t.odoo.Break()
		t.wait(11 * time.Second)
		if !k.Begin(t.Context())() {
			t.Error("nobody is told that Odoo is silent")
		}
		if !t.asks(k, u, "a@example.org") {
			t.Error("wrong afterwards")
		}
		t.wait(11 * time.Second)
		if k.Begin(t.Context())() {
			t.Error("still said to be silent")
		}
	})
}
