package connector_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/odoo/odootest"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/store/storetest"
)

func (h *office) localPassword(login, password string) bool {
	_, err := rpc.CheckPassword(h.Context(), rpc.Config{URL: h.odoo.URL, Database: h.odoo.Database}, login, password)
	if err != nil && !errors.Is(err, rpc.ErrWrongKey) {
		h.Error(err)
	}
	return err == nil
}

// Line 7: Odoo's passwords of linked people are gone, those of the named and of
// people who could not come in otherwise stay, and the doors beside are shut.
func TestLock(t *testing.T) {
	eachOffice(t, odootest.Options{Website: true}, func(h *office) {
		h.odoo.SetParam("auth_signup.reset_password", "True")
		h.odoo.Set("website", 1, odootest.Record{"auth_signup_uninvited": "b2c"})
		h.connect()
		_, there := h.person("ada")
		h.person("boss")
		h.odoo.AddUser("eve", "Eve", "", true)
		session := h.odoo.Open(there)
		h.written()

		dry, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{Except: []string{"Boss"}, Dry: true})
		h.must(err)
		if did := h.written(); len(did) > 0 || !slices.Equal(dry.Users, []string{"ada"}) || !slices.Equal(dry.Exempt, []string{"admin", "boss"}) || !slices.Equal(dry.Unlinked, []string{"eve"}) {
			h.Errorf("dry: wrote %v, %+v", did, dry)
		}
		if len(dry.Settings) != 3 {
			h.Errorf("%v", dry.Settings)
		}
		if _, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{Except: []string{"nobody"}}); !errors.Is(err, idp.ErrInvalid) {
			h.Errorf("a name that Odoo does not know: %v", err)
		}
		last := 0
		got, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{Except: []string{"boss"}, Progress: func(done, _ int) { last = done }})
		h.must(err)
		if !slices.Equal(got.Users, []string{"ada"}) || last != 1 {
			h.Errorf("%+v, progress %d", got, last)
		}
		for who, want := range map[string]bool{"ada": false, "boss": true, "eve": true, "admin": true} {
			if h.localPassword(who, who) != want {
				h.Errorf("%s: password good: %v", who, !want)
			}
		}
		if h.odoo.Who(session) != "" || h.odoo.Param("auth_signup.reset_password") != "False" || h.odoo.Get("website", 1)["auth_signup_uninvited"] != "b2b" {
			h.Error("something is left open")
		}
		h.written()
		again, err := h.Lock(h.Context(), host, "shop", connector.LockOrder{})
		h.must(err)
		if did := h.written(); len(did) > 0 || again.Already != 1 || len(again.Exempt) != 2 {
			h.Errorf("again: wrote %v, %+v", did, again)
		}
		did, people, err := h.Unlock(h.Context(), host, "shop", false)
		h.must(err)
		if people != 1 || len(did) != 3 || h.odoo.Param("auth_signup.reset_password") != "True" || h.odoo.Get("website", 1)["auth_signup_uninvited"] != "b2c" {
			h.Errorf("%v %d", did, people)
		}
	})
}

// Nobody is locked out of Odoo while Latchkey's own way in is shut, or by
// somebody who may not.
func TestLockOnlyWithAWayIn(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	h.connect()
	h.person("ada")
	if _, err := h.Lock(t.Context(), idp.Actor{Role: idp.HelpDesk}, "shop", connector.LockOrder{}); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("help desk: %v", err)
	}
	h.odoo.Set("auth.oauth.provider", h.provider(), odootest.Record{"enabled": false})
	if _, err := h.Lock(t.Context(), host, "shop", connector.LockOrder{}); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "locked out") {
		t.Errorf("%v", err)
	}
	if !h.localPassword("ada", "ada") {
		t.Error("locked all the same")
	}
	if _, err := h.Lock(t.Context(), host, "shop", connector.LockOrder{Force: true}); err != nil || h.localPassword("ada", "ada") {
		t.Errorf("forced: %v", err)
	}
}

// What is done is known after an interruption, and the rest is done by the next
// run.
func TestLockGoesOn(t *testing.T) {
	clock := storetest.NewClock()
	h := open(t, storetest.OpenAt(t, clock.Now), clock, odootest.Options{})
	h.connect()
	for i := range 45 {
		h.person("p" + string(rune('a'+i/26)) + string(rune('a'+i%26)))
	}
	_, err := h.Lock(t.Context(), host, "shop", connector.LockOrder{Progress: func(done, _ int) {
		if done == 20 {
			h.odoo.Break(odootest.Gateway)
		}
	}})
	if !errors.Is(err, rpc.ErrUnreachable) {
		t.Fatal(err)
	}
	out, err := h.Lock(t.Context(), host, "shop", connector.LockOrder{})
	h.must(err)
	if out.Already != 20 || len(out.Users) != 25 {
		t.Errorf("%d before, %d now", out.Already, len(out.Users))
	}
}
