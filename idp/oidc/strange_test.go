package oidc_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// registrar is what administrators do.
func (r *reception) registrar() *oidc.Registrar {
	return &oidc.Registrar{Clients: r.db.Clients, Uses: r.db.ClientUses, Log: r.db.Log, Atomic: r.db.Atomic, Now: r.now, Issuer: r.url}
}

// stored is a client as it is.
func (r *reception) stored(id string) oidc.Client {
	r.Helper()
	c, err := r.db.Clients.ByID(r.Context(), oidc.ClientID(id))
	r.must(err)
	return c
}

// X-05, P-29: a client that registers itself is not called as the house, or as
// what an administrator registered, nor as what looks so; also not later on.
func TestNamesOfStrangers(t *testing.T) {
	r := receive(t, openHouse)
	r.called = map[oidc.ClientID]string{"": "Maison Martin", "wiki": "Bibliothèque"}
	r.add(oidc.Input{ID: "wiki", Name: "Wiki", Type: oidc.Web})
	made := r.enrol(object{"client_name": "Photos"})
	r.enrol(object{"client_name": "Photos"}) // each copy of a program is a client of its own
	id, at, token := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
	for _, name := range []string{"Latchkey", "Lаtchkey", "Latch key.", "MAISON MARTIN", "Maison Martln", "wiki", "Wikl", "Bibliotheque"} {
		r.taken = 0
		r.refused(r.send("POST", oidc.PathRegister, "", object{"client_name": name, "redirect_uris": []string{callback}}), http.StatusBadRequest, "invalid_client_metadata")
		r.refused(r.send("PUT", at, token, object{"client_id": id, "client_name": name, "redirect_uris": []string{callback}}), http.StatusBadRequest, "invalid_client_metadata")
	}
	r.enrol(object{"client_name": "Latchkey Photos"})
	r.enrol(object{})
}

// P-32: whoever changes what people went by when they allowed it something is asked
// about anew, and holds nothing for anybody; an order for paper changes nothing.
func TestAnotherClientThanAllowed(t *testing.T) {
	r := receive(t, openHouse)
	r.signIn("ada")
	for name, c := range map[string]struct {
		field string
		value any
		asks  bool
	}{
		"name": {"client_name", "Something else", true}, "host": {"redirect_uris", []string{callback, "https://evil.example/cb"}, true},
		"policy": {"policy_uri", "https://rp.example.org/p2", true}, "terms": {"tos_uri", "https://rp.example.org/t2", true}, "logo": {"logo_uri", r.site.URL + "/l2", true},
		"path": {"redirect_uris", []string{callback, callback + "2"}, false}, "contacts": {"contacts", []string{"ops@rp.example.org"}, false},
	} {
		body := object{"client_name": "Photos", "grant_types": []string{"authorization_code", "refresh_token"}}
		made := r.enrol(body)
		id := made["client_id"].(string)
		r.must(r.db.Consents.Give(r.Context(), "u-ada", oidc.ClientID(id), []string{"openid", "profile", "email", "offline_access"}, r.now()))
		q := ask(oidc.ClientID(id), "prompt", "none", "scope", "openid offline_access")
		code := r.code(q)
		body["client_id"], body["redirect_uris"] = id, []string{callback}
		body[c.field] = c.value
		r.good(r.send("PUT", made["registration_client_uri"].(string), made["registration_access_token"].(string), body))
		want := map[bool]string{true: "consent_required"}[c.asks]
		if got := r.authorize(q).params.Get("error"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
		form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}}
		a := r.do("POST", oidc.PathToken, form, "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(id+":"+made["client_secret"].(string))))
		if alive := a.status == http.StatusOK; alive == c.asks {
			t.Errorf("%s: the code from before: %d %s", name, a.status, a.body)
		}
	}
}

// P-32: the answer on a page is about the client that the page showed.
func TestConsentToAnother(t *testing.T) {
	r := receive(t, openHouse)
	made := r.enrol(object{"client_name": "Photos"})
	id := made["client_id"].(string)
	r.signIn("ada")
	if a := r.authorize(ask(oidc.ClientID(id))); a.body != "page:consent" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	body := object{"client_id": id, "client_name": "Another", "redirect_uris": []string{callback}}
	r.good(r.send("PUT", made["registration_client_uri"].(string), made["registration_access_token"].(string), body))
	form := url.Values{"csrf": {"good"}, "decision": {"allow"}}
	for n, v := range r.pages.consent.Hidden {
		form.Set(n, v)
	}
	if a := r.do("POST", oidc.PathConsent, form); a.status != http.StatusForbidden {
		t.Errorf("%d %v %s", a.status, a.to, a.body)
	}
	if given, err := r.db.Consents.Of(r.Context(), "u-ada", oidc.ClientID(id)); err != nil || len(given) > 0 {
		t.Errorf("%v %v", given, err)
	}
}

// P-29, D-02: what an administrator has changed, the client does not change back.
func TestFrozen(t *testing.T) {
	r := receive(t, openHouse)
	made := r.enrol(object{"client_name": "Photos"})
	id, at, token := made["client_id"].(string), made["registration_client_uri"].(string), made["registration_access_token"].(string)
	c := r.stored(id)
	c.Scopes, c.RequirePushed = []string{"openid"}, true
	root := idp.Actor{User: "root", Role: idp.Owner}
	_, err := r.registrar().Update(r.Context(), root, c)
	r.must(err)
	r.refused(r.send("PUT", at, token, object{"client_id": id, "redirect_uris": []string{callback}}), http.StatusForbidden, "access_denied")
	if c := r.stored(id); !c.RequirePushed || len(c.Scopes) != 1 {
		t.Errorf("%+v", c)
	}
	if m := r.good(r.send("GET", at, token, "")); m["scope"] != "openid" {
		t.Errorf("%v", m)
	}
	if a := r.send("DELETE", at, token, ""); a.status != http.StatusNoContent {
		t.Errorf("%d %s", a.status, a.body)
	}
	// What nobody registered but an administrator has nothing to be frozen.
	c = r.web("ours")
	_, err = r.registrar().Update(r.Context(), root, c)
	r.must(err)
	if r.stored("ours").ByItself() {
		t.Error("it is said to have registered itself")
	}
}

// P-29: strangers do not fill the house for good. Whom somebody uses, or an
// administrator has looked at, keeps the place.
func TestRoom(t *testing.T) {
	r := receive(t, openHouse)
	r.rules.SelfClientsMost = 3
	var ids []string
	for range 3 {
		ids = append(ids, r.enrol(object{})["client_id"].(string))
	}
	one := object{"redirect_uris": []string{callback}}
	r.refused(r.send("POST", oidc.PathRegister, "", one), http.StatusForbidden, "access_denied")
	r.must(r.db.Consents.Give(r.Context(), "u-ada", oidc.ClientID(ids[0]), []string{"openid"}, r.now()))
	_, err := r.registrar().Update(r.Context(), idp.Actor{User: "root", Role: idp.Owner}, r.stored(ids[1]))
	r.must(err)
	r.move(29 * 24 * time.Hour)
	r.refused(r.send("POST", oidc.PathRegister, "", one), http.StatusForbidden, "access_denied")
	r.move(2 * 24 * time.Hour)
	r.enrol(object{})
	for i, want := range []error{nil, nil, idp.ErrNotFound} {
		if _, err := r.db.Clients.ByID(context.Background(), oidc.ClientID(ids[i])); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", i, err, want)
		}
	}
	if r.events("client.remove", "ok") != 1 { // D-07
		t.Error("nobody is told")
	}
	r.refused(r.send("POST", oidc.PathRegister, "", one), http.StatusForbidden, "access_denied")
}

// P-21: who knew people is known to have, also when the log has been cut off.
func TestSubjectsStayWithoutLog(t *testing.T) {
	r := receive(t, openHouse)
	for name, leave := range map[string]func(id oidc.ClientID) error{
		"consent": func(id oidc.ClientID) error {
			return r.db.Consents.Give(r.Context(), "u-ada", id, []string{"openid"}, r.now())
		},
		"token": func(id oidc.ClientID) error {
			return r.db.Grants.Put(r.Context(), oidc.Grant{Kind: oidc.KindAccess, Signature: "s", Client: id, User: "u-ada", Expires: r.now().Add(time.Hour)})
		},
		"proof": func(id oidc.ClientID) error {
			return r.db.ClientUses.Used(r.Context(), []oidc.LastUse{{Client: id, Proof: oidc.ProofSecret, At: r.now()}})
		},
	} {
		made := r.enrol(object{"subject_type": "pairwise"})
		id := made["client_id"].(string)
		r.must(leave(oidc.ClientID(id)))
		body := object{"client_id": id, "redirect_uris": []string{callback}, "subject_type": "public"}
		a := r.send("PUT", made["registration_client_uri"].(string), made["registration_access_token"].(string), body)
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}
