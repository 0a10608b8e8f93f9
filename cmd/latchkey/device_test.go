package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
	"time"

	"latchkey/idp/oidc"
	"latchkey/mfa/policy"
)

// A till without a browser signs a person in by their phone, through the front
// door: both ask only for HTTP. What policy asks of people at the till is asked
// at the phone (P-36, M-01; RFC 8628).
func TestDevice(t *testing.T) {
	w := newWorld(t, "sqlite")
	w.user("ada@example.org", withApp)
	w.user("bob@example.org")
	w.policies(policy.Policy{
		Name: "till", Enabled: true, Whom: policy.Whom{Everyone: true}, Where: policy.Where{Clients: []string{"till"}}, What: policy.What{Assurance: policy.MFA},
	})
	till := w.client(oidc.Input{ID: "till", Name: "Till 3", Type: oidc.Native, GrantTypes: []string{oidc.GrantDevice, "refresh_token"}})
	ask := func(path string, form url.Values) (int, map[string]any) {
		form.Set("client_id", "till")
		return w.formPost(path, form)
	}
	status, begun := ask("/oauth2/device_authorization", url.Values{"scope": {"openid email offline_access"}})
	if status != http.StatusOK {
		t.Fatalf("%d %v", status, begun)
	}
	poll := func() (int, map[string]any) {
		return ask("/oauth2/token", url.Values{"grant_type": {oidc.GrantDevice}, "device_code": {begun["device_code"].(string)}})
	}
	if _, m := poll(); m["error"] != "authorization_pending" {
		t.Fatalf("%v", m)
	}
	if _, m := poll(); m["error"] != "slow_down" {
		t.Fatalf("%v", m)
	}

	// Bob's password is not enough there.
	bob := w.person().open("/device")
	bob.submit("form#device", "user_code", begun["user_code"].(string)).signIn(w, "bob@example.org")
	if bob.at.Path != "/login/enrol" {
		t.Fatalf("%s: %s", bob.at, bob.text())
	}
	ada := w.person().open(begun["verification_uri_complete"].(string)).want("form#device")
	ada.submit("form#device").signIn(w, "ada@example.org")
	ada.want("form#device-confirm").submit("form#device-confirm", "decision", "allow").want("#done")
	if ada.status != http.StatusOK {
		t.Error(ada.status)
	}
	status, m := poll()
	if status != http.StatusOK || m["id_token"] == nil || m["refresh_token"] == nil {
		t.Fatalf("%d %v", status, m)
	}
	if _, info := w.userinfo(m["access_token"].(string)); info["email"] != "ada@example.org" {
		t.Errorf("%v", info)
	}
	w.later(11 * time.Minute) // the access token is over
	status, m = ask("/oauth2/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {m["refresh_token"].(string)}})
	if status != http.StatusOK {
		t.Errorf("%d %v", status, m)
	}
	if till.Secret != "" {
		t.Error("the till has a secret")
	}
}

// formPost sends a form as a program that has neither browser nor secret.
func (w *world) formPost(path string, form url.Values) (int, map[string]any) {
	w.t.Helper()
	resp, err := http.PostForm(w.url+path, form)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	out := map[string]any{}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode, out
}
