package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// ears is an application's back-channel address.
type ears struct {
	*httptest.Server
	mu   sync.Mutex
	sids []string
}

func newEars(t testing.TB) *ears {
	e := &ears{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.sids = append(e.sids, payload(t, r.PostFormValue("logout_token"))["sid"].(string))
	}))
	t.Cleanup(e.Close)
	return e
}

// payload reads a JWT without judging it; package oidc's tests do that.
func payload(t testing.TB, jwt string) map[string]any {
	t.Helper()
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		t.Fatalf("no JWT: %q", jwt)
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// told sends what waits, and fails the test unless the application hears of
// exactly these sessions.
func (w *world) told(e *ears, when string, want ...string) {
	w.t.Helper()
	if _, err := w.protocol.farewells().Round(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	slices.Sort(e.sids) // they go out side by side
	slices.Sort(want)
	if !slices.Equal(e.sids, want) {
		w.t.Errorf("%s: the application hears of %q, want %q", when, e.sids, want)
	}
	e.sids = nil
}

const appCallback = "https://app.example.org/cb"

func appLink(more ...string) string {
	q := url.Values{"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {appCallback}, "scope": {"openid"}, "state": {"12345678"}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return "/oauth2/authorize?" + q.Encode()
}

func (w *world) hearingClient(e *ears) oidc.Registered {
	return w.client(oidc.Input{
		ID: "web", Name: "Web", Type: oidc.Web, RedirectURIs: []string{appCallback}, Trusted: true, IDTokenAlg: "EdDSA",
		BackchannelURI: e.URL, FrontchannelURI: "https://app.example.org/fc", GrantTypes: []string{"authorization_code", "refresh_token"},
	})
}

// login redeems the code that a browser has come back with, and returns the
// sid of the ID token.
func (w *world) login(p *person, web oidc.Registered) string {
	w.t.Helper()
	out := w.token(web, url.Values{"grant_type": {"authorization_code"}, "code": {p.answer().Get("code")}, "redirect_uri": {appCallback}})
	return payload(w.t, out["id_token"].(string))["sid"].(string)
}

// P-31, S-05: through the front door, an application hears of every way in
// which a session ends, and of no other.
func TestApplicationsHear(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		e := newEars(t)
		web := w.hearingClient(e)
		ada := w.user("ada@example.org")
		w.user("bob@example.org")
		by := idp.Actor{Host: true}

		p := w.person().open(appLink()).signIn(w, "ada@example.org")
		sid := w.login(p, web)
		w.told(e, "signed in")
		w.later(time.Minute)
		p.open(appLink("prompt", "login")).signIn(w, "ada@example.org")
		second := w.login(p, web)
		w.told(e, "signed in once more as the same person")
		if second == sid {
			t.Error("a fresh sign-in keeps its session's id")
		}

		p.open("/logout").submit("form#logout")
		w.frames(p, sid, second)
		w.told(e, "signed out", sid, second)

		sid = w.login(p.open(appLink()).signIn(w, "ada@example.org"), web)
		w.later(time.Minute)
		other := w.login(p.open(appLink("prompt", "login")).signIn(w, "bob@example.org"), web)
		w.told(e, "somebody else has signed in", sid)
		p.open("/oauth2/logout").submit("form#logout")
		w.frames(p, other)
		w.told(e, "signed out at the protocol's address", other)

		for name, end := range map[string]func() error{
			"a new password": func() error { return w.people.accounts.SetPassword(t.Context(), by, ada.ID, rightPassword) },
			"a reset":        func() error { return w.people.accounts.ResetFactors(t.Context(), by, ada.ID) },
			"disabled":       func() error { return w.people.accounts.Disable(t.Context(), by, ada.ID) },
			"removed":        func() error { return w.people.accounts.Remove(t.Context(), by, ada.ID) },
		} {
			if _, err := w.people.accounts.Find(t.Context(), string(ada.ID)); err != nil {
				ada = w.user("ada@example.org")
			}
			if err := w.people.accounts.Enable(t.Context(), by, ada.ID); err != nil {
				t.Fatal(err)
			}
			sid = w.login(w.person().open(appLink()).signIn(w, "ada@example.org"), web)
			if err := end(); err != nil {
				t.Fatal(err)
			}
			w.told(e, name, sid)
		}
	})
}

// frames checks what the page after signing out loads.
func (w *world) frames(p *person, sids ...string) {
	w.t.Helper()
	got := map[string]bool{}
	p.page.Find("iframe").Each(func(_ int, f *goquery.Selection) {
		u, err := url.Parse(f.AttrOr("src", ""))
		if err != nil || u.Scheme+"://"+u.Host+u.Path != "https://app.example.org/fc" || u.Query().Get("iss") != w.url {
			w.t.Errorf("frame %q", f.AttrOr("src", ""))
			return
		}
		got[u.Query().Get("sid")] = true
	})
	for _, sid := range sids {
		if !got[sid] {
			w.t.Errorf("no frame for %s\n%s", sid, p.body)
		}
	}
	if csp := p.header.Get("Content-Security-Policy"); len(got) != len(sids) || !strings.Contains(csp, "; frame-src https://app.example.org") {
		w.t.Errorf("%d frames; %s", len(got), csp)
	}
}

// DESIGN §3: telling applications costs no round trip more.
func TestHearingBudget(t *testing.T) {
	eachWorld(t, func(t *testing.T, w *world) {
		web := w.hearingClient(newEars(t))
		if err := w.protocol.keys.Ensure(t.Context()); err != nil { // as every server does each minute
			t.Fatal(err)
		}
		w.user("ada@example.org")
		p := w.person().open(appLink()).signIn(w, "ada@example.org")
		var sid string
		w.spend("code, with a client that hears: authorization", budget{2, 1}, func() { p.open(appLink()) })
		w.spend("code, with a client that hears: token", budget{2, 1}, func() { sid = w.login(p, web) })
		p.open("/logout")
		w.spend("signing out, with a client that hears", budget{4, 1}, func() { p.submit("form#logout") })
		w.frames(p, sid)
	})
}

// P-13: of twelve uses of one client assertion at once, one wins.
func TestAssertionRace(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set := `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"` + base64.RawURLEncoding.EncodeToString(public) + `"}]}`
	keys, err := oidc.ParseKeys([]byte(set))
	if err != nil {
		t.Fatal(err)
	}
	eachWorld(t, func(t *testing.T, w *world) {
		w.client(oidc.Input{ID: "robot", Type: oidc.Service, Keys: keys, Scopes: []string{"read"}})
		claims, err := json.Marshal(map[string]any{
			"iss": "robot", "sub": "robot", "aud": w.url, "jti": rand.Text(), "exp": w.clock().Add(time.Minute).Unix(), "iat": w.clock().Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		form := url.Values{
			"grant_type": {"client_credentials"}, "client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
			"client_assertion": {byHand(t, private, claims)},
		}
		n := race(func() bool {
			resp, err := http.PostForm(w.url+"/oauth2/token", form)
			if err != nil {
				t.Error(err)
				return false
			}
			defer resp.Body.Close()
			out := map[string]any{}
			if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || resp.StatusCode != http.StatusOK && out["error"] != "invalid_client" {
				t.Errorf("%d %v %v", resp.StatusCode, out, err)
			}
			return resp.StatusCode == http.StatusOK
		})
		if n != 1 {
			t.Errorf("%d winners", n)
		}
	})
}

// byHand makes a JWS with nothing but the standard library (RFC 7515 §7.1, RFC 8037).
func byHand(t testing.TB, key ed25519.PrivateKey, claims []byte) string {
	t.Helper()
	signing := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA"}`)) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sig, err := key.Sign(nil, []byte(signing), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	return signing + "." + base64.RawURLEncoding.EncodeToString(sig)
}
