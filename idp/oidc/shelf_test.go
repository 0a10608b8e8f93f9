package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/oidc"
)

// P-13, P-28: keys at a jwks_uri count, new ones at once, and nobody makes us ask
// for them all the time.
func TestKeysElsewhere(t *testing.T) {
	r := receive(t, openHouse)
	keys, err := clientKeys()
	r.must(err)
	first, second := keys["ES256"], keys["RS256"]
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	r.must(err)
	r.site.put("/keys", keySet(t, first))
	prove := r.prover()
	for range 3 {
		if s := prove(first); s != http.StatusCreated {
			t.Fatal(s)
		}
	}
	if n := r.site.count("/keys"); n != 1 {
		t.Errorf("asked %d times", n)
	}
	// Keys are changed: the new one is asked for, but not again and again.
	r.site.put("/keys", keySet(t, second))
	r.move(11 * time.Second)
	if s := prove(second); s != http.StatusCreated {
		t.Error(s)
	}
	for range 3 {
		if s := prove(first); s != http.StatusUnauthorized {
			t.Error(s)
		}
	}
	if n := r.site.count("/keys"); n != 2 {
		t.Errorf("asked %d times", n)
	}
	// Also where the new one has the old one's name.
	namesake := signer{alg: "RS256", kid: second.kid, private: other}
	r.site.put("/keys", keySet(t, namesake))
	r.move(11 * time.Second)
	if s := prove(namesake); s != http.StatusCreated {
		t.Error(s)
	}
	r.site.put("/keys", keySet(t, second))
	r.move(11 * time.Second)
	if s := prove(second); s != http.StatusCreated {
		t.Error(s)
	}
	// An address that does not answer leaves the last ones for an hour.
	r.site.down(true)
	r.move(6 * time.Minute)
	if s := prove(second); s != http.StatusCreated {
		t.Error(s)
	}
	if s := prove(first); s != http.StatusUnauthorized {
		t.Errorf("another's key: %d", s)
	}
	r.move(time.Hour)
	if s := prove(second); s != http.StatusUnauthorized {
		t.Errorf("an hour later: %d", s)
	}
}

// prover registers a client that signs with the keys at its address, and tries
// whether one of them is taken.
func (r *reception) prover() func(signer) int {
	r.Helper()
	made := r.enrol(object{"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": r.site.URL + "/keys"})
	id := oidc.ClientID(made["client_id"].(string))
	return func(k signer) int {
		r.Helper()
		return r.asserted(oidc.PathPAR, k.sign(r.T, r.statement(id, nil)), "response_type", "code", "redirect_uri", callback, "scope", "openid").status
	}
}

// P-13: an answer replaces the keys that were there, whatever is in it: who takes
// them away, or shows a private one, has none any more.
func TestKeysTakenAway(t *testing.T) {
	r := receive(t, openHouse)
	keys, err := clientKeys()
	r.must(err)
	prove := r.prover()
	private := `{"keys":[{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}]}`
	for what, set := range map[string]string{"no keys": `{"keys":[]}`, "a private key": private, "no set": "gone", "too long": strings.Repeat(" ", 64<<10) + string(keySet(t, keys["ES256"]))} {
		r.site.put("/keys", keySet(t, keys["ES256"]))
		r.move(2 * time.Hour)
		if s := prove(keys["ES256"]); s != http.StatusCreated {
			t.Fatalf("before %s: %d", what, s)
		}
		r.site.put("/keys", []byte(set))
		r.move(6 * time.Minute)
		if s := prove(keys["ES256"]); s != http.StatusUnauthorized {
			t.Errorf("%s: %d", what, s)
		}
	}
}

// P-27, P-28: requests that need no proof make us call an address once in ten
// seconds, also those that come at once, and a client that registered itself has
// so many calls a minute however many addresses it names.
func TestRequestURIsAreCalledSeldom(t *testing.T) {
	r := receive(t, openHouse)
	keys, err := clientKeys()
	r.must(err)
	r.site.put("/keys", keySet(t, keys["RS256"]))
	var uris []string
	for i := range 20 {
		uris = append(uris, r.site.URL+"/request/"+string(rune('a'+i)))
	}
	r.site.put("/request/a", []byte("garbage"))
	id := r.enrol(object{"request_uris": uris, "jwks_uri": r.site.URL + "/keys"})["client_id"].(string)
	ask := func(uri string) {
		r.do("GET", oidc.PathAuthorize+"?"+url.Values{"client_id": {id}, "response_type": {"code"}, "request_uri": {uri}}.Encode(), nil)
	}
	var wait sync.WaitGroup
	for range 20 {
		wait.Go(func() { ask(uris[0]) })
	}
	wait.Wait()
	ask(uris[0])
	if n := r.site.count("/request/a"); n != 1 {
		t.Errorf("%d calls for 21 requests", n)
	}
	r.move(10 * time.Second)
	ask(uris[0])
	if n := r.site.count("/request/a"); n != 2 {
		t.Errorf("%d calls after ten seconds", n)
	}
	for range 4 {
		for _, uri := range uris {
			ask(uri)
		}
		r.move(10 * time.Second)
	}
	if n := r.site.all("/request/"); n != 30 {
		t.Errorf("%d calls in a minute", n)
	}
	r.move(time.Minute)
	ask(uris[1])
	if n := r.site.all("/request/"); n != 31 {
		t.Errorf("%d calls a minute later", n)
	}
}

// P-28, P-29: the networks that the operator has opened are for clients that
// administrators keep, and for nobody who registered themselves, whoever let them.
func TestNetworksAreNotForStrangers(t *testing.T) {
	site := rpSite(t)
	roots := x509.NewCertPool()
	roots.AddCert(site.Certificate())
	site.put("/", nil)
	calls := oidc.NewCalls(oidc.Outbound{Issuer: "https://id.example.org", Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Roots: roots})
	kept, stranger := oidc.Client{ID: "kept"}, oidc.Client{ID: "stranger", Details: oidc.Details{Self: &oidc.Self{By: "root"}}}
	for _, c := range []struct {
		who  string
		with oidc.Caller
		want bool
	}{{"kept", calls.For(kept), true}, {"stranger", calls.For(stranger), false}, {"nobody looked", calls, false}, {"none", oidc.Calls{}.For(kept), false}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, site.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.with.Do(r)
		if (err == nil) != c.want {
			t.Errorf("%s: %v", c.who, err)
		}
		if err == nil {
			resp.Body.Close()
		}
	}
	if n := site.count("/"); n != 1 {
		t.Errorf("%d calls", n)
	}
}

// line notes which way calls go, and answers none.
type line struct {
	name string
	mu   *sync.Mutex
	seen *[]string
}

func (l line) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.seen = append(*l.seen, l.name+" "+r.URL.Path)
	return nil, errors.New("the line is dead")
}

// P-28, P-29: whatever address a client that registered itself names, it is called
// without the networks that the operator has opened; one that administrators keep
// is called with them.
func TestEveryCallKnowsForWhomItIs(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	way := func(name string) *http.Client { return &http.Client{Transport: line{name, &mu, &seen}} }
	calls := oidc.CallsOf(way("stranger"), way("kept"))
	r := receive(t, openHouse, func(c *oidc.Config) { c.Out = calls })
	at := func(path string) string { return "https://rp.example.org" + path }
	stranger := oidc.ClientID(r.enrol(object{
		"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": at("/keys"), "request_uris": []string{at("/request")}, "logo_uri": at("/logo"),
		"backchannel_logout_uri": at("/logout"),
	})["client_id"].(string))
	r.send("POST", oidc.PathRegister, "", object{"redirect_uris": []string{callback}, "subject_type": "pairwise", "sector_identifier_uri": at("/sector")})
	made, err := oidc.NewClient(oidc.Input{
		ID: "kept", RedirectURIs: []string{callback}, Type: oidc.Web, Trusted: true, AuthMethod: oidc.AuthKey, Requests: oidc.Requests{RequestURIs: []string{at("/request")}}, Details: oidc.Details{KeysURI: at("/keys")},
		BackchannelURI: at("/logout"),
	}, r.now())
	r.must(err)
	r.must(r.db.Clients.Add(t.Context(), made.Client))
	keys, err := clientKeys()
	r.must(err)
	for _, id := range []oidc.ClientID{stranger, "kept"} {
		r.asserted(oidc.PathPAR, keys["ES256"].sign(t, r.statement(id, nil)), "response_type", "code")
		r.authorize(url.Values{"client_id": {string(id)}, "response_type": {"code"}, "request_uri": {at("/request")}})
		f := oidc.Farewells{Issuer: r.url, Clients: r.db.Clients, Keys: r.ring, Now: r.now, HTTP: calls}
		if err := f.Send(t.Context(), mail.Message{Channel: mail.Logout, To: string(id) + " s u-ada"}); err == nil {
			t.Error("told on a dead line")
		}
	}
	reg := oidc.Registrar{Clients: r.db.Clients, Uses: r.db.ClientUses, Log: r.db.Log, Atomic: r.db.Atomic, Now: r.now, Issuer: r.url, Self: way("self"), Out: calls}
	for _, id := range []oidc.ClientID{stranger, "kept"} {
		_, err := reg.Test(t.Context(), idp.Actor{User: "root", Role: idp.Owner}, id)
		r.must(err)
	}
	slices.Sort(seen)
	seen = slices.Compact(slices.DeleteFunc(seen, func(s string) bool { return strings.HasPrefix(s, "self ") }))
	if want := []string{"kept /cb", "kept /keys", "kept /logout", "kept /request", "stranger /cb", "stranger /keys", "stranger /logo", "stranger /logout", "stranger /request", "stranger /sector"}; !slices.Equal(seen, want) {
		t.Errorf("%q", seen)
	}
}
