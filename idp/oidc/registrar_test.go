package oidc_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/power"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

const day = 24 * time.Hour

var (
	admin   = idp.Actor{User: "u-admin", Role: idp.Admin, Session: "s-admin"}
	auditor = idp.Actor{User: "u-audit", Role: idp.Auditor, Session: "s-audit"}
	nobody  = idp.Actor{User: "u-none"}
)

func (h *house) registrar() *oidc.Registrar {
	return &oidc.Registrar{Clients: h.db.Clients, Uses: h.db.ClientUses, Log: h.db.Log, Atomic: h.db.Atomic, Now: h.now, Issuer: h.url}
}

// noted are the events of one kind.
func (h *house) noted(what string) (out []idp.Event) {
	h.Helper()
	h.must(h.db.Log.Events(h.Context(), idp.EventQuery{What: []string{what}}, func(e idp.Event) error { out = append(out, e); return nil }))
	return out
}

// tryToken asks for a token of a service and returns the status.
func (h *house) tryToken(id, secret string) int {
	h.Helper()
	r, err := http.NewRequestWithContext(h.Context(), http.MethodPost, h.url+oidc.PathToken, strings.NewReader(url.Values{"grant_type": {"client_credentials"}}.Encode()))
	h.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
	resp, err := http.DefaultClient.Do(r)
	h.must(err)
	resp.Body.Close()
	return resp.StatusCode
}

// D-01: who may not is refused before anything is looked at, also by the use
// case itself.
func TestRegistrarRights(t *testing.T) {
	h := open(t)
	r := h.registrar()
	ctx := t.Context()
	h.web("app")
	for name, do := range map[string]func(idp.Actor) error{
		"list":  func(by idp.Actor) error { _, err := r.List(ctx, by); return err },
		"get":   func(by idp.Actor) error { _, err := r.Get(ctx, by, "app"); return err },
		"usage": func(by idp.Actor) error { _, err := r.Usage(ctx, by, "app"); return err },
	} {
		if err := do(auditor); err != nil {
			t.Errorf("%s by the auditor: %v", name, err)
		}
		if err := do(nobody); !errors.Is(err, idp.ErrDenied) {
			t.Errorf("%s by nobody: %v", name, err)
		}
	}
	for name, do := range map[string]func(idp.Actor) error{
		"add":     func(by idp.Actor) error { _, err := r.Add(ctx, by, oidc.Input{Type: oidc.Service}); return err },
		"update":  func(by idp.Actor) error { _, err := r.Update(ctx, by, oidc.Client{ID: "app"}); return err },
		"rotate":  func(by idp.Actor) error { _, err := r.Rotate(ctx, by, "app", oidc.RotateOrder{}); return err },
		"end":     func(by idp.Actor) error { return r.EndFormer(ctx, by, "app", oidc.ProofSecret) },
		"disable": func(by idp.Actor) error { return r.Disable(ctx, by, "app") },
		"enable":  func(by idp.Actor) error { return r.Enable(ctx, by, "app") },
		"remove":  func(by idp.Actor) error { return r.Remove(ctx, by, "app") },
		"test":    func(by idp.Actor) error { _, err := r.Test(ctx, by, "app"); return err },
	} {
		for _, by := range []idp.Actor{nobody, auditor, {User: "u", Role: idp.HelpDesk}, {User: "u", Role: idp.Owner, Scopes: []idp.Right{idp.SeeClients}}} {
			if err := do(by); !errors.Is(err, idp.ErrDenied) {
				t.Errorf("%s by %s: %v", name, by.Role, err)
			}
		}
	}
}

// D-06: what is shown of a client holds no secret, and what is sent back of it
// changes none.
func TestNoSecretBack(t *testing.T) {
	h := open(t)
	r := h.registrar()
	made, err := r.Add(t.Context(), admin, oidc.Input{ID: "app", Type: oidc.Web, RedirectURIs: []string{callback}})
	h.must(err)
	odoo, err := r.Add(t.Context(), admin, oidc.Input{ID: "erp", Type: oidc.Odoo, RedirectURIs: []string{"https://erp.example.org/auth_oauth/signin"}})
	h.must(err)
	_, err = r.Rotate(t.Context(), admin, "app", oidc.RotateOrder{Overlap: day})
	h.must(err)
	shown := func(id oidc.ClientID) string {
		c, err := r.Get(t.Context(), auditor, id)
		h.must(err)
		all, err := r.List(t.Context(), auditor)
		h.must(err)
		raw, err := json.Marshal([]any{c, all})
		h.must(err)
		return string(raw)
	}
	for _, secret := range []string{made.Secret, oidc.HashSecret(made.Secret), odoo.Client.ValidationSecret} {
		if strings.Contains(shown("app")+shown("erp"), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	before, err := h.db.Clients.ByID(t.Context(), "app")
	h.must(err)
	c, err := r.Get(t.Context(), admin, "app")
	h.must(err)
	c.Name, c.Secret, c.Type, c.Disabled, c.FormerSecret = "New name", "0000", oidc.Native, true, nil
	_, err = r.Update(t.Context(), admin, c)
	h.must(err)
	after, err := h.db.Clients.ByID(t.Context(), "app")
	h.must(err)
	if after.Secret != before.Secret || after.Type != oidc.Web || after.Disabled || after.FormerSecret == nil || after.FormerSecret.Value != before.FormerSecret.Value || after.Name != "New name" {
		t.Errorf("%+v", after)
	}
	for _, e := range slices.Concat(h.noted("client.add"), h.noted("client.rotate"), h.noted("client.update")) {
		raw, err := json.Marshal(e)
		h.must(err)
		if strings.Contains(string(raw), made.Secret) || strings.Contains(string(raw), before.Secret) {
			t.Errorf("a secret in the log: %s", raw)
		}
	}
	if e := h.noted("client.update"); len(e) != 1 || e[0].Detail["fields"] != "name" || e[0].Detail["name.after"] != "New name" || e[0].Actor != admin.User || e[0].Client != "app" {
		t.Errorf("%+v", e)
	}
}

// Of two who change the same application the second is told, and an old secret
// does not come back with a slow edit.
func TestChangedMeanwhile(t *testing.T) {
	h := open(t)
	r := h.registrar()
	h.web("app")
	slow, err := r.Get(t.Context(), admin, "app")
	h.must(err)
	_, err = r.Rotate(t.Context(), admin, "app", oidc.RotateOrder{})
	h.must(err)
	slow.Name = "Slow"
	if _, err := r.Update(t.Context(), admin, slow); !errors.Is(err, oidc.ErrChanged) {
		t.Errorf("%v", err)
	}
	if n := len(h.noted("client.update")); n != 0 {
		t.Errorf("%d events of what did not happen", n)
	}
}

// D-07: the log says which rights come with a new secret, and with being let in, so
// that owners hear of them.
func TestRightsThatComeAgain(t *testing.T) {
	h := open(t)
	r := h.registrar()
	owner := idp.Actor{User: "u-owner", Role: idp.Owner, Session: "s-owner"}
	_, err := r.Add(t.Context(), owner, oidc.Input{ID: "robot", Type: oidc.Service, Scopes: []string{string(idp.EditPeople)}})
	h.must(err)
	_, err = r.Rotate(t.Context(), owner, "robot", oidc.RotateOrder{})
	h.must(err)
	h.must(r.Disable(t.Context(), owner, "robot"))
	h.must(r.Enable(t.Context(), owner, "robot"))
	for _, what := range []string{"client.rotate", "client.enable"} {
		es := h.noted(what)
		if len(es) != 1 {
			t.Fatalf("%s: %+v", what, es)
		}
		if c, is := power.Of(es[0]); !is || c.Name != "robot" || !slices.Equal(c.Parts, []string{string(idp.EditPeople)}) {
			t.Errorf("%s: %v %+v", what, is, c)
		}
	}
}

// Both secrets are good while they overlap, and only then.
func TestOverlap(t *testing.T) {
	h := open(t)
	r := h.registrar()
	first, err := r.Add(t.Context(), admin, oidc.Input{ID: "robot", Type: oidc.Service})
	h.must(err)
	second, err := r.Rotate(t.Context(), admin, "robot", oidc.RotateOrder{Overlap: 7 * day})
	h.must(err)
	expect := func(what string, a, b int) {
		t.Helper()
		if got := h.tryToken("robot", first.Secret); got != a {
			t.Errorf("%s: the old secret: %d", what, got)
		}
		if got := h.tryToken("robot", second.Secret); got != b {
			t.Errorf("%s: the new secret: %d", what, got)
		}
	}
	expect("at once", 200, 200)
	h.move(7*day - time.Minute)
	expect("a minute before the end", 200, 200)
	h.move(2 * time.Minute)
	expect("after the end", 401, 200)

	third, err := r.Rotate(t.Context(), admin, "robot", oidc.RotateOrder{Overlap: day})
	h.must(err)
	if h.tryToken("robot", second.Secret) != 200 || h.tryToken("robot", third.Secret) != 200 {
		t.Error("no overlap the second time")
	}
	h.must(r.EndFormer(t.Context(), admin, "robot", oidc.ProofSecret))
	if h.tryToken("robot", second.Secret) != 401 || h.tryToken("robot", third.Secret) != 200 {
		t.Error("the former secret goes on")
	}
	if err := r.EndFormer(t.Context(), admin, "robot", oidc.ProofSecret); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("%v", err)
	}
	for _, wrong := range []time.Duration{-1, 30*day + 1} {
		if _, err := r.Rotate(t.Context(), admin, "robot", oidc.RotateOrder{Overlap: wrong}); !errors.Is(err, idp.ErrInvalid) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	// Nobody holds three: what was former before ends with the next rotation.
	_, err = r.Rotate(t.Context(), admin, "robot", oidc.RotateOrder{Overlap: day})
	h.must(err)
	fifth, err := r.Rotate(t.Context(), admin, "robot", oidc.RotateOrder{})
	h.must(err)
	if h.tryToken("robot", third.Secret) != 401 || h.tryToken("robot", fifth.Secret) != 200 {
		t.Error("more than one former secret")
	}
	if _, err := r.Rotate(t.Context(), admin, "robot", oidc.RotateOrder{Validation: true}); !errors.Is(err, idp.ErrInvalid) {
		t.Errorf("a validation address for a service: %v", err)
	}
}

// Disabling shuts a client out at once (D-04); removing forgets it.
func TestDisableAndRemove(t *testing.T) {
	h := open(t)
	r := h.registrar()
	made, err := r.Add(t.Context(), admin, oidc.Input{ID: "robot", Type: oidc.Service})
	h.must(err)
	h.must(r.Disable(t.Context(), admin, "robot"))
	h.must(r.Disable(t.Context(), admin, "robot")) // nothing happens twice
	if got := h.tryToken("robot", made.Secret); got != 401 {
		t.Errorf("disabled: %d", got)
	}
	h.must(r.Enable(t.Context(), admin, "robot"))
	if got := h.tryToken("robot", made.Secret); got != 200 {
		t.Errorf("enabled: %d", got)
	}
	h.must(r.Remove(t.Context(), admin, "robot"))
	if got := h.tryToken("robot", made.Secret); got != 401 {
		t.Errorf("removed: %d", got)
	}
	for what, n := range map[string]int{"client.disable": 1, "client.enable": 1, "client.remove": 1} {
		if got := len(h.noted(what)); got != n {
			t.Errorf("%d events %s", got, what)
		}
	}
	if err := r.Remove(t.Context(), admin, "robot"); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// The last use of each secret is noted once a day, and not by the request.
func TestLastUses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)
		r := oidc.Registrar{Clients: db.Clients, Uses: db.ClientUses, Log: db.Log, Atomic: db.Atomic, Now: func() time.Time { return now }}
		_, err := r.Add(t.Context(), admin, oidc.Input{ID: "robot", Type: oidc.Service})
		if err != nil {
			t.Fatal(err)
		}
		l := &oidc.LastUses{Store: db.ClientUses, Now: r.Now}
		last := func(serial int) time.Time {
			t.Helper()
			if err := l.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			u, err := r.Usage(t.Context(), auditor, "robot")
			if err != nil {
				t.Fatal(err)
			}
			return u.At(oidc.ProofSecret, serial)
		}
		begin := now
		l.Note("robot", oidc.ProofSecret, 0)
		l.Note("gone", oidc.ProofSecret, 0) // a client that was removed stops nobody
		if at := last(0); !at.Equal(begin) {
			t.Errorf("%v", at)
		}
		now = now.Add(23 * time.Hour)
		l.Note("robot", oidc.ProofSecret, 0)
		l.Note("robot", oidc.ProofSecret, 1)
		if at := last(0); !at.Equal(begin) {
			t.Errorf("noted twice a day: %v", at)
		}
		if at := last(1); !at.Equal(now) {
			t.Errorf("the other secret: %v", at)
		}
		now = now.Add(2 * time.Hour)
		l.Note("robot", oidc.ProofSecret, 0)
		if at := last(0); !at.Equal(now) {
			t.Errorf("the next day: %v", at)
		}
		var none *oidc.LastUses
		none.Note("robot", oidc.ProofSecret, 0)
	})
}

// C-02: a key that is withdrawn is gone at once, and another signs.
func TestRevokeKey(t *testing.T) {
	h := open(t)
	h.web("app")
	h.signIn("ada")
	c := &oidc.Custodian{Ring: h.ring, Log: h.db.Log, Now: h.now}
	old := h.tokens("app")["id_token"].(string)
	all, err := c.List(t.Context(), auditor)
	h.must(err)
	var bad, ahead oidc.KeyFacts
	for _, k := range all {
		if k.Alg == "RS256" && k.State == oidc.Current {
			bad = k
		} else if k.Alg == "RS256" && k.State == oidc.Next {
			ahead = k
		}
		if !k.Until.After(h.now()) {
			t.Errorf("%s changes at %v", k.ID, k.Until)
		}
	}
	if err := c.Revoke(t.Context(), auditor, bad.ID); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("%v", err)
	}
	if err := c.Rotate(t.Context(), auditor); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("%v", err)
	}
	h.move(time.Second)
	h.must(c.Revoke(t.Context(), admin, bad.ID))
	if _, err := oidc.Verify(h.ring, h.Context(), old); err == nil {
		t.Error("a token of the withdrawn key verifies")
	}
	next := h.tokens("app")["id_token"].(string)
	h.claims(next)
	after, err := c.List(t.Context(), admin)
	h.must(err)
	for _, k := range after {
		if k.ID == bad.ID || k.ID == ahead.ID && k.State != oidc.Current {
			t.Errorf("%+v", k)
		}
	}
	if len(after) != len(all) {
		t.Errorf("%d keys, %d before", len(after), len(all))
	}
	if err := c.Revoke(t.Context(), admin, bad.ID); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if e := h.noted("key.revoke"); len(e) != 1 || e[0].Detail["kid"] != bad.ID || e[0].Actor != admin.User {
		t.Errorf("%+v", e)
	}
}

// D-02, D-07: who cannot give a client the rights that it has neither changes it
// nor lets it in again, and a refusal leaves a line.
func TestRightsOfClientsAreOutOfReach(t *testing.T) {
	h := open(t)
	r := h.registrar()
	ctx := t.Context()
	_, err := r.Add(ctx, admin, oidc.Input{ID: "robot", Type: oidc.Service, Scopes: []string{string(idp.EditPeople)}})
	h.must(err)
	token := admin
	token.Scopes = []idp.Right{idp.EditClients, idp.EditPeople}
	c, err := r.Get(ctx, admin, "robot")
	h.must(err)
	c.Scopes = nil // what it shall have is within reach, what it has is not
	if _, err := r.Update(ctx, token, c); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("update: %v", err)
	}
	h.must(r.Disable(ctx, token, "robot"))
	if err := r.Enable(ctx, token, "robot"); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("enable: %v", err)
	}
	if _, err := r.Rotate(ctx, token, "robot", oidc.RotateOrder{}); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("rotate: %v", err)
	}
	if _, err := r.Add(ctx, token, oidc.Input{ID: "second", Type: oidc.Service, Scopes: []string{string(idp.EditPeople)}}); !errors.Is(err, idp.ErrDenied) {
		t.Errorf("add: %v", err)
	}
	for _, what := range []string{"client.update", "client.enable", "client.rotate", "client.add"} {
		if !slices.ContainsFunc(h.noted(what), func(e idp.Event) bool { return e.Result == "denied" && e.Actor == admin.User && e.Client != "" }) {
			t.Errorf("%s: no refusal is in the log", what)
		}
	}
	after, err := h.db.Clients.ByID(ctx, "robot")
	h.must(err)
	if !after.Disabled || !slices.Contains(after.Scopes, string(idp.EditPeople)) {
		t.Errorf("%+v", after)
	}
	h.must(r.Enable(ctx, admin, "robot"))
}
