package oidc_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp/oidc"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
)

type jwks struct{ Keys []map[string]string }

func (h *house) jwks() jwks {
	h.Helper()
	var j jwks
	h.must(json.Unmarshal([]byte(h.do("GET", oidc.PathJWKS, nil).body), &j))
	return j
}

// C-01, P-33: public parts only, each with a name of its own.
func TestJWKS(t *testing.T) {
	h := open(t)
	seen := map[string]bool{}
	for _, k := range h.jwks().Keys {
		if seen[k["kid"]] || k["use"] != "sig" || k["kid"] == "" {
			t.Errorf("%v", k)
		}
		seen[k["kid"]] = true
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if k[private] != "" {
				t.Errorf("key %s shows %s", k["kid"], private)
			}
		}
		if k["alg"] == "RS256" && len(k["n"]) < 512 { // 3072 bits in base64
			t.Error("a weak key")
		}
	}
	if len(seen) != 2*len(oidc.Algs) {
		t.Errorf("%d keys", len(seen))
	}
}

// C-02: a rotation breaks nobody. The new key was known before, the old one
// still verifies, and it goes when its last token is long dead.
func TestRotation(t *testing.T) {
	h := open(t)
	h.web("app")
	h.signIn("ada")
	before := h.jwks()
	hint := h.tokens("app")["id_token"].(string)
	h.move(time.Second) // rotations have an order
	h.must(h.ring.Rotate(h.Context()))
	after := h.jwks()
	names := map[string]bool{}
	for _, k := range after.Keys {
		names[k["kid"]] = true
	}
	for _, k := range before.Keys {
		if !names[k["kid"]] {
			t.Errorf("key %s is gone", k["kid"])
		}
	}
	if len(after.Keys) != 3*len(oidc.Algs) {
		t.Errorf("%d keys", len(after.Keys))
	}
	next := h.tokens("app")["id_token"].(string)
	if strings.Split(next, ".")[0] == strings.Split(hint, ".")[0] {
		t.Error("the old key still signs")
	}
	h.claims(next)
	if a := h.authorize(ask("app", "prompt", "none", "id_token_hint", hint)); a.params.Get("code") == "" {
		t.Errorf("hint of the old key: %v", a.to)
	}
	h.must(h.ring.Prune(h.Context()))
	if len(h.jwks().Keys) != 3*len(oidc.Algs) {
		t.Error("pruned too soon")
	}
	h.move(49 * time.Hour)
	h.must((&oidc.Custodian{Ring: h.ring, Log: h.db.Log, Now: h.now}).Maintain(h.Context()))
	if n := len(h.jwks().Keys); n != 2*len(oidc.Algs) {
		t.Errorf("%d keys after pruning", n)
	}
	if _, err := oidc.Verify(h.ring, h.Context(), hint); err == nil {
		t.Error("the pruned key still verifies")
	}
	current := h.jwks()
	h.move(91 * 24 * time.Hour)
	h.must((&oidc.Custodian{Ring: h.ring, Log: h.db.Log, Now: h.now}).Maintain(h.Context()))
	if len(h.jwks().Keys) != 3*len(oidc.Algs) || len(current.Keys) != 2*len(oidc.Algs) {
		t.Error("no rotation though it was due")
	}
}

// Two instances that start at once agree on their keys.
func TestTwoInstances(t *testing.T) {
	if testing.Short() {
		t.Skip("makes RSA keys")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var wg sync.WaitGroup
		for range 2 {
			ring := oidc.NewKeyRing(db.Keys, db.Atomic, time.Now)
			wg.Go(func() {
				if err := ring.Ensure(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		all, err := db.Keys.All(t.Context())
		if err != nil || len(all) != 2*len(oidc.Algs) {
			t.Errorf("%d keys, %v", len(all), err)
		}
	})
}

// C-02: keys of the less usual kind come with the first client that uses them, at
// the latest when something is to be signed, and then live as the others do.
func TestKeysWhenWanted(t *testing.T) {
	if testing.Short() {
		t.Skip("makes RSA keys")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		ring := oidc.NewKeyRing(db.Keys, db.Atomic, time.Now).For(db.Clients)
		kinds := func(want int) {
			t.Helper()
			all, err := db.Keys.All(t.Context())
			must(err)
			if n := len(slices.DeleteFunc(all, func(k oidc.Key) bool { return k.Alg != "EdDSA" })); n != want {
				t.Errorf("%d keys for EdDSA, want %d", n, want)
			}
		}
		must(ring.Ensure(t.Context()))
		kinds(0)
		if _, err := oidc.Sign(ring, t.Context(), "EdDSA", "x"); err == nil {
			t.Error("signed what no client wants")
		}
		kinds(0)
		r, err := oidc.NewClient(oidc.Input{ID: "app", Type: oidc.Web, RedirectURIs: []string{callback}, IDTokenAlg: "EdDSA"}, time.Now())
		must(err)
		must(db.Clients.Add(t.Context(), r.Client))
		signed, err := oidc.Sign(ring, t.Context(), "EdDSA", "x")
		must(err)
		if _, err := oidc.Verify(ring, t.Context(), signed); err != nil {
			t.Error(err)
		}
		kinds(2)
		must(db.Clients.Remove(t.Context(), "app"))
		must(ring.Rotate(t.Context()))
		kinds(3)
	})
}

// P-26: no algorithm but the key's own, no key but ours.
func TestForgedTokens(t *testing.T) {
	h := open(t)
	h.web("app")
	h.signIn("ada")
	good := h.tokens("app")["id_token"].(string)
	parts := strings.Split(good, ".")
	other := open(t)
	other.web("app")
	other.signIn("ada")
	for name, token := range map[string]string{
		"none":           "eyJhbGciOiJub25lIn0." + parts[1] + ".",
		"other payload":  parts[0] + "." + parts[1] + "AA." + parts[2],
		"no signature":   parts[0] + "." + parts[1] + ".",
		"HS256":          "eyJhbGciOiJIUzI1NiJ9." + parts[1] + "." + parts[2],
		"other issuer's": other.tokens("app")["id_token"].(string), // same key, as after a restored backup
		"empty":          "..",
	} {
		if a := h.authorize(ask("app", "prompt", "none", "id_token_hint", token)); a.params.Get("error") != "invalid_request" {
			t.Errorf("%s: %v", name, a.to)
		}
	}
}

// P-33, P-15: the metadata is the same whatever the request says, names what
// is there and nothing else.
func TestDiscovery(t *testing.T) {
	h := open(t)
	a := h.do("GET", oidc.PathDiscovery, nil)
	b := h.do("GET", oidc.PathMetadata, nil, "Host", "evil.example", "X-Forwarded-Host", "evil.example", "X-Forwarded-Proto", "gopher")
	if a.body != b.body || a.status != 200 || a.header.Get("Content-Type") != "application/json" || a.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %s", a.status, b.body)
	}
	m := a.json(t)
	for name, want := range map[string]any{
		"issuer": h.url, "jwks_uri": h.url + "/oauth2/jwks", "end_session_endpoint": h.url + "/oauth2/logout",
		"authorization_response_iss_parameter_supported": true, "request_parameter_supported": true,
		"request_uri_parameter_supported": true, "require_request_uri_registration": true, // P-27
		"pushed_authorization_request_endpoint": h.url + oidc.PathPAR, "require_pushed_authorization_requests": false,
		"claims_parameter_supported": true, "registration_endpoint": nil,
		"backchannel_logout_supported": true, "backchannel_logout_session_supported": true,
		"frontchannel_logout_supported": true, "frontchannel_logout_session_supported": true,
	} {
		if m[name] != want {
			t.Errorf("%s: %v, want %v", name, m[name], want)
		}
	}
	for _, name := range []string{"claims_supported", "scopes_supported", "acr_values_supported", "response_types_supported", "ui_locales_supported"} {
		if l, _ := m[name].([]any); len(l) == 0 {
			t.Errorf("%s: %v", name, m[name])
		}
	}
	for name, want := range map[string]string{
		"id_token_signing_alg_values_supported": "[RS256 ES256 EdDSA]", "token_endpoint_auth_signing_alg_values_supported": "[RS256 PS256 ES256 EdDSA]",
		"token_endpoint_auth_methods_supported":         "[client_secret_basic client_secret_post private_key_jwt none]",
		"request_object_signing_alg_values_supported":   "[RS256 PS256 ES256 EdDSA]",
		"introspection_endpoint_auth_methods_supported": "[client_secret_basic client_secret_post private_key_jwt]",
		"revocation_endpoint_auth_methods_supported":    "[client_secret_basic client_secret_post private_key_jwt none]",
	} {
		if got := fmt.Sprint(m[name]); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if strings.Contains(a.body, `"plain"`) || strings.Contains(a.body, `"none"],"int`) || strings.Contains(a.body, "HS256") {
		t.Error(a.body)
	}
}

func TestConfig(t *testing.T) {
	if _, err := oidc.New(oidc.Config{Issuer: "https://a/", Lifetimes: oidc.Lifetimes{Code: time.Hour}}); err == nil || strings.Count(err.Error(), "\n") < 4 {
		t.Errorf("not all mistakes: %v", err)
	}
}
