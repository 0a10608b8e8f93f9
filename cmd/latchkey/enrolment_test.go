package main

import (
	"errors"
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// An application registers itself with a token of the API, signs a person in and
// goes again, through the front door (P-29; RFC 7591, RFC 7592).
func TestEnrolment(t *testing.T) {
	w := newWorld(t, "sqlite")
	person := w.user("ada@example.org")
	olga := w.staff("olga@example.org", idp.Owner)
	secret := w.apiToken(olga, idp.EditHouse, idp.EditClients)
	endpoint := func() string {
		return w.send("", http.MethodGet, oidc.PathDiscovery, nil).want(http.StatusOK).at("registration_endpoint")
	}
	app := m{"client_name": "Wiki", "redirect_uris": []string{"https://wiki.example.org/cb"}, "subject_type": "pairwise"}
	w.send(secret, http.MethodPost, oidc.PathRegister, app).want(http.StatusForbidden)
	if e := endpoint(); e != "null" {
		t.Errorf("discovery names %s", e)
	}
	rule := m{"assurance": "aal2", "second_approver": false, "sessions": 0, "self_clients": "token", "version": 0}
	w.send(w.apiToken(olga, idp.EditHouse), http.MethodPut, "/api/v1/settings", rule).want(http.StatusForbidden) // D-02
	w.send(secret, http.MethodPut, "/api/v1/settings", rule).want(http.StatusOK)
	if e := endpoint(); e != w.url+oidc.PathRegister {
		t.Errorf("discovery names %s", e)
	}
	w.send("", http.MethodPost, oidc.PathRegister, app).want(http.StatusUnauthorized)
	// it is not called as the house.
	w.send(secret, http.MethodPut, "/api/v1/brand", m{"name": "Maison Martin"}).want(http.StatusOK)
	w.send(secret, http.MethodPost, oidc.PathRegister, m{"client_name": "maison martin", "redirect_uris": []string{"https://wiki.example.org/cb"}}).want(http.StatusBadRequest)
	made := w.send(secret, http.MethodPost, oidc.PathRegister, app).want(http.StatusCreated)
	id, own := made.at("client_id"), made.at("registration_access_token")
	w.send(own, http.MethodGet, oidc.PathRegister+"/"+id, nil).want(http.StatusOK)
	// The API knows nothing of it, and knows the application.
	w.send(own, http.MethodGet, "/api/v1/clients", nil).want(http.StatusUnauthorized)
	if a := w.send(secret, http.MethodGet, "/api/v1/clients/"+id, nil).want(http.StatusOK); a.at("registered_itself") != "true" || a.at("trusted") != "false" {
		t.Errorf("%s", a.body)
	}

	ask := url.Values{"client_id": {id}, "redirect_uri": {"https://wiki.example.org/cb"}, "response_type": {"code"}, "scope": {"openid"}, "state": {"s"}}
	// P-29: what nobody has looked at is marked beside the password, and nobody is led
	// there by an address of ours until they have allowed it something.
	ada := w.person().open("/oauth2/authorize?" + ask.Encode())
	ada.want("form#login").want("#itself")
	ada.signIn(w, "ada@example.org")
	ada.want("form#consent").want("#itself")
	door := func() (string, error) {
		_, address, err := w.people.door(t.Context(), person, idp.ClientID(id))
		return address, err
	}
	if at, err := door(); !errors.Is(err, idp.ErrNotFound) {
		t.Errorf("%q %v", at, err)
	}
	if title, err := w.protocol.title(t.Context(), idp.ClientID(id)); title != "" || err != nil {
		t.Errorf("mails call it %q, %v", title, err)
	}
	if err := w.db.Consents.Give(t.Context(), person.ID, idp.ClientID(id), []string{"openid"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if at, err := door(); at != "https://wiki.example.org/" || err != nil {
		t.Errorf("%q %v", at, err)
	}

	w.send(own, http.MethodDelete, oidc.PathRegister+"/"+id, nil).want(http.StatusNoContent)
	w.send(own, http.MethodGet, oidc.PathRegister+"/"+id, nil).want(http.StatusUnauthorized)
}
