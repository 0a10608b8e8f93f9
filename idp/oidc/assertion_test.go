package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// signer is a client's key pair.
type signer struct {
	alg, kid string
	private  crypto.Signer
}

var clientKeys = sync.OnceValues(func() (map[string]signer, error) {
	r, err1 := rsa.GenerateKey(rand.Reader, 2048)
	e, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, d, err3 := ed25519.GenerateKey(rand.Reader)
	return map[string]signer{
		"RS256": {"RS256", "r", r}, "PS256": {"PS256", "p", r}, "ES256": {"ES256", "e", e}, "EdDSA": {"EdDSA", "d", d},
	}, errors.Join(err1, err2, err3)
})

func keySet(t testing.TB, keys ...signer) []byte {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, k := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.kid, Algorithm: k.alg, Use: "sig"})
	}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sign makes a JWS of claims.
func (s signer) sign(t testing.TB, claims map[string]any, header ...string) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	for i := 0; i+1 < len(header); i += 2 {
		o = o.WithHeader(jose.HeaderKey(header[i]), header[i+1])
	}
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(s.alg), Key: jose.JSONWebKey{Key: s.private, KeyID: s.kid}}, o)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := made.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

func (h *house) statement(c oidc.ClientID, change map[string]any) map[string]any {
	m := map[string]any{
		"iss": c, "sub": c, "aud": h.url, "jti": rand.Text(), "iat": h.now().Unix(), "exp": h.now().Add(time.Minute).Unix(),
	}
	maps.Copy(m, change)
	for k, v := range m {
		if v == nil {
			delete(m, k)
		}
	}
	return m
}

// robot is a client that signs and has no people.
func (h *house) robot(id oidc.ClientID, typ oidc.Type, keys ...signer) oidc.Client {
	h.Helper()
	set, err := oidc.ParseKeys(keySet(h, keys...))
	h.must(err)
	in := oidc.Input{ID: id, Type: typ, Trusted: true, Keys: set, Scopes: []string{"read"}}
	if typ == oidc.Web {
		in.RedirectURIs, in.Scopes = []string{callback}, nil
		in.GrantTypes = []string{"authorization_code", "refresh_token", "client_credentials"}
	}
	r, err := oidc.NewClient(in, h.now())
	h.must(err)
	if r.Client.AuthMethod != oidc.AuthKey || r.Client.Secret != "" || r.Secret != "" {
		h.Fatalf("a client with keys: %+v", r.Client)
	}
	h.must(h.db.Clients.Add(h.Context(), r.Client))
	return r.Client
}

func (h *house) asserted(path, assertion string, form ...string) answer {
	h.Helper()
	v := url.Values{"client_assertion_type": {assertionType}, "client_assertion": {assertion}}
	for i := 0; i+1 < len(form); i += 2 {
		if form[i+1] == "" {
			v.Del(form[i])
		} else {
			v.Set(form[i], form[i+1])
		}
	}
	return h.do("POST", path, v)
}

// P-13: private_key_jwt with every algorithm, at every endpoint that
// authenticates clients (RFC 7523, OpenID Connect Core 1.0 §9).
func TestPrivateKeyJWT(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	eachWith(t, nil, func(h *house) {
		h.robot("app", oidc.Web, keys["RS256"], keys["ES256"], keys["EdDSA"], keys["PS256"])
		h.signIn("ada")
		for alg, k := range keys {
			say := func(endpoint string, aud any) string {
				return k.sign(h, h.statement("app", map[string]any{"aud": aud}))
			}
			m := h.good(h.asserted(oidc.PathToken, say("", h.url), "grant_type", "authorization_code", "code", h.code(ask("app")), "redirect_uri", callback))
			if c := h.claims(m["id_token"]); c["aud"] != "app" {
				h.Errorf("%s: %v", alg, c)
			}
			access := m["access_token"].(string)
			refreshed := h.good(h.asserted(oidc.PathToken, say("", h.url+oidc.PathToken), "grant_type", "refresh_token", "refresh_token", m["refresh_token"].(string), "client_id", "app"))
			if refreshed["access_token"] == nil {
				h.Errorf("%s: %v", alg, refreshed)
			}
			if got := h.good(h.asserted(oidc.PathIntrospect, say("", []string{h.url + oidc.PathIntrospect}), "token", access)); got["active"] != true {
				h.Errorf("%s: introspection: %v", alg, got)
			}
			if a := h.asserted(oidc.PathRevoke, say("", h.url+oidc.PathRevoke), "token", access); a.status != 200 {
				h.Errorf("%s: revocation: %d %s", alg, a.status, a.body)
			}
			if got := h.good(h.asserted(oidc.PathIntrospect, say("", h.url), "token", access)); got["active"] != false {
				h.Errorf("%s: revoked, but %v", alg, got)
			}
			h.good(h.asserted(oidc.PathToken, say("", h.url), "grant_type", "client_credentials"))
		}
	})
}

// P-13, P-26: everything that an assertion can get wrong is invalid_client.
func TestPrivateKeyJWTRefused(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	h := open(t)
	h.robot("bot", oidc.Service, keys["ES256"])
	h.robot("other", oidc.Service, keys["RS256"])
	h.add(oidc.Input{ID: "plain", Type: oidc.Service, Scopes: []string{"read"}})
	k := keys["ES256"]
	good := func(change map[string]any) string { return k.sign(h, h.statement("bot", change)) }
	unix := func(d time.Duration) int64 { return h.now().Add(d).Unix() }
	signed := strings.Split(good(nil), ".")
	for name, assertion := range map[string]string{
		"another's key":        keys["RS256"].sign(h, h.statement("bot", nil)),
		"another's name":       k.sign(h, h.statement("other", nil)),
		"nobody's name":        k.sign(h, h.statement("nobody", nil)),
		"a client with secret": k.sign(h, h.statement("plain", nil)),
		"iss is not sub":       good(map[string]any{"iss": "other"}),
		"no iss":               good(map[string]any{"iss": nil}),
		"no sub":               good(map[string]any{"sub": nil}),
		"no aud":               good(map[string]any{"aud": nil}),
		"another aud":          good(map[string]any{"aud": "https://evil.example"}),
		"userinfo as aud":      good(map[string]any{"aud": h.url + oidc.PathUserInfo}),
		"two auds":             good(map[string]any{"aud": []string{h.url, "https://evil.example"}}),
		"no jti":               good(map[string]any{"jti": nil}),
		"empty jti":            good(map[string]any{"jti": ""}),
		"long jti":             good(map[string]any{"jti": strings.Repeat("j", 257)}),
		"no exp":               good(map[string]any{"exp": nil}),
		"expired":              good(map[string]any{"exp": unix(-time.Second)}),
		"exp too far":          good(map[string]any{"exp": unix(6 * time.Minute)}),
		"exp beyond all":       good(map[string]any{"exp": 1e300}),
		"iat ahead":            good(map[string]any{"iat": unix(2 * time.Minute)}),
		"iat long ago":         good(map[string]any{"iat": unix(-10 * time.Minute)}),
		"nbf ahead":            good(map[string]any{"nbf": unix(2 * time.Minute)}),
		"for another purpose":  k.sign(h, h.statement("bot", nil), "typ", "oauth-authz-req+jwt"),
		"a kid that is not":    signer{k.alg, "x", k.private}.sign(h, h.statement("bot", nil)),
		"unsigned":             "eyJhbGciOiJub25lIn0." + signed[1] + ".",
		"symmetric":            "eyJhbGciOiJIUzI1NiJ9." + signed[1] + "." + signed[2],
		"changed":              signed[0] + "." + signed[1] + "A." + signed[2],
		"no JWT":               "x",
		"too long":             good(map[string]any{"pad": strings.Repeat("p", 8<<10)}),
		"a key in the header":  embedded(h, h.statement("bot", nil)),
	} {
		for _, path := range []string{oidc.PathToken, oidc.PathIntrospect, oidc.PathRevoke} {
			a := h.asserted(path, assertion, "grant_type", "client_credentials", "token", "x")
			if a.status != 401 || a.json(h)["error"] != "invalid_client" {
				t.Errorf("%s at %s: %d %s", name, path, a.status, a.body)
			}
		}
	}
	for name, form := range map[string][]string{
		"other type":        {"client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
		"no type":           {"client_assertion_type", ""},
		"another client_id": {"client_id", "other"},
	} {
		h.refused(h.asserted(oidc.PathToken, good(nil), append(form, "grant_type", "client_credentials")...), 401, "invalid_client")
		_ = name
	}
	h.refused(h.asserted(oidc.PathToken, good(nil), "grant_type", "client_credentials", "client_secret", "x"), 400, "invalid_request") // P-12
	// Without an assertion such a client is nobody.
	h.refused(h.do("POST", oidc.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_id": {"bot"}}), 401, "invalid_client")
	h.refused(h.do("POST", oidc.PathToken, url.Values{"grant_type": {"client_credentials"}, "client_id": {"bot"}, "client_secret": {""}}), 401, "invalid_client")
	h.good(h.asserted(oidc.PathToken, good(nil), "grant_type", "client_credentials"))
}

// embedded signs with a stranger's key and sends that along (CVE-2018-0114).
func embedded(h *house, claims map[string]any) string {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	h.must(err)
	made, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: private}, &jose.SignerOptions{EmbedJWK: true})
	h.must(err)
	body, err := json.Marshal(claims)
	h.must(err)
	jws, err := made.Sign(body)
	h.must(err)
	raw, err := jws.CompactSerialize()
	h.must(err)
	return raw
}

// P-13: an assertion is good once, whoever presents it and wherever; of twelve
// at once one wins. Two clients may choose the same jti.
func TestAssertionOnce(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	eachWith(t, nil, func(h *house) {
		h.robot("bot", oidc.Service, keys["ES256"])
		h.robot("two", oidc.Service, keys["EdDSA"])
		shared := map[string]any{"jti": "the same"}
		assertion := keys["ES256"].sign(h, h.statement("bot", shared))
		var won, lost atomic.Int32
		var start, end sync.WaitGroup
		start.Add(1)
		for range 12 {
			end.Go(func() {
				start.Wait()
				a := h.asserted(oidc.PathToken, assertion, "grant_type", "client_credentials")
				switch {
				case a.status == 200:
					won.Add(1)
				case a.status == 401 && a.json(h)["error"] == "invalid_client":
					lost.Add(1)
				default:
					h.Errorf("%d %s", a.status, a.body)
				}
			})
		}
		start.Done()
		end.Wait()
		if won.Load() != 1 || lost.Load() != 11 {
			h.Errorf("%d winners, %d losers", won.Load(), lost.Load())
		}
		h.refused(h.asserted(oidc.PathIntrospect, assertion, "token", "x"), 401, "invalid_client")
		h.good(h.asserted(oidc.PathToken, keys["EdDSA"].sign(h, h.statement("two", shared)), "grant_type", "client_credentials"))
		// It is still known when it expires, and forgotten after that.
		h.move(time.Minute + 10*time.Second)
		h.must(h.db.Sweep(h.Context(), h.now()))
		h.refused(h.asserted(oidc.PathToken, assertion, "grant_type", "client_credentials"), 401, "invalid_client")
	})
}

// The keys of a client are public, strong enough, and can be told apart; all
// mistakes are told at once.
func TestParseKeys(t *testing.T) {
	keys, err := clientKeys()
	if err != nil {
		t.Fatal(err)
	}
	ec := keys["ES256"]
	private, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: ec.private, KeyID: "e"}}})
	if err != nil {
		t.Fatal(err)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Skip("weak keys cannot be made: ", err)
	}
	for name, set := range map[string]string{
		"private":        string(private),
		"symmetric":      `{"keys":[{"kty":"oct","k":"AAAA"}]}`,
		"weak":           string(keySet(t, signer{"RS256", "w", weak})),
		"empty":          `{"keys":[]}`,
		"no set":         strings.TrimSuffix(strings.TrimPrefix(string(keySet(t, ec)), `{"keys":[`), `]}`),
		"not JSON":       "keys",
		"same names":     string(keySet(t, ec, signer{"EdDSA", ec.kid, keys["EdDSA"].private})),
		"for encryption": strings.ReplaceAll(string(keySet(t, ec)), `"sig"`, `"enc"`),
		"other alg":      strings.ReplaceAll(string(keySet(t, ec)), `"ES256"`, `"RS256"`),
		"too long":       `{"keys":[{"kty":"` + strings.Repeat("x", 64<<10) + `"}]}`,
	} {
		if _, err := oidc.ParseKeys([]byte(set)); !errors.Is(err, idp.ErrInvalid) || !strings.Contains(err.Error(), "jwks") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err = oidc.ParseKeys([]byte(`{"keys":[{"kty":"oct","k":"AAAA"},{"kty":"EC"},7]}`))
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("not all mistakes: %v", err)
	}
	got, err := oidc.ParseKeys(keySet(t, keys["RS256"], ec, keys["EdDSA"]))
	if err != nil || len(got) != 3 {
		t.Errorf("%d keys, %v", len(got), err)
	}
}

// FuzzParseKeys: whatever a file holds, no private part comes through.
func FuzzParseKeys(f *testing.F) {
	keys, err := clientKeys()
	if err != nil {
		f.Fatal(err)
	}
	for _, k := range keys {
		f.Add(keySet(f, k))
	}
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"AAAA"}]}`))
	f.Fuzz(func(t *testing.T, set []byte) {
		got, err := oidc.ParseKeys(set)
		if err != nil {
			return
		}
		for _, k := range got {
			if !k.IsPublic() || !k.Valid() {
				t.Errorf("%q gives %+v", set, k)
			}
		}
	})
}
