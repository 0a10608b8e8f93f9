package passkey

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"latchkey/mfa"
)

func jsonOf(v any) ([]byte, error) { return json.Marshal(v) }

func hexOf(id string) ([]byte, error) { return hex.DecodeString(strings.ReplaceAll(id, "-", "")) }

func must3(p mfa.Prompt, _ mfa.State, err error) mfa.Prompt { return must(p, err) }

func first(p mfa.Prompt, _ mfa.State, err error) mfa.Prompt { return must(p, err) }

func client(key string, value any) func(*said) {
	return func(s *said) { s.client[key] = value }
}

// forgeries are what no ceremony may take (W-02, W-10).
var forgeries = map[string]func(*said){
	"another origin":           client("origin", "https://id.example.org.evil.test"),
	"another port":             client("origin", origin+":8443"),
	"no TLS":                   client("origin", "http://id.example.org"),
	"a path behind the origin": client("origin", origin+"/"),
	"the origin in capitals":   client("origin", "https://ID.example.org"),
	"an app":                   client("origin", "android:apk-key-hash:AAAA"),
	"no origin":                client("origin", ""),
	"inside another page":      client("crossOrigin", true),
	"inside another page that is named": func(s *said) {
		s.client["crossOrigin"], s.client["topOrigin"] = true, "https://evil.test"
	},
	"a page around it":  client("topOrigin", origin),
	"another challenge": client("challenge", b64([]byte("0123456789abcdef0123456789abcdef"))),
	"no challenge":      client("challenge", ""),
	"another site":      func(s *said) { s.site = "example.org" },
	"nobody present":    func(s *said) { s.flags &^= up },
	"a foreign raw id":  func(s *said) { s.top["rawId"] = b64([]byte("something else")) },
	"no id":             func(s *said) { s.top["id"], s.top["rawId"] = "", "" },
	"another type":      func(s *said) { s.top["type"] = "password" },
	"no response":       func(s *said) { s.top["response"] = nil },
}

// W-02, W-04, W-05: assertions.
func TestForgedAssertions(t *testing.T) {
	f, _ := newFactor()
	d, thief := newDevice(t, virtualwebauthn.KeyTypeEC2), newDevice(t, virtualwebauthn.KeyTypeEC2)
	c := added(t, f, ada, d)
	cases := map[string]func(*said){
		"a registration":     client("type", "webauthn.create"),
		"another's key":      func(s *said) { s.signature = thief.sign },
		"no signature":       func(s *said) { s.signature = func([]byte) []byte { return nil } },
		"another's handle":   func(s *said) { s.handle = f.userHandle("bob") },
		"the person's id":    func(s *said) { s.handle = []byte("ada") },
		"an unknown passkey": func(s *said) { s.id = []byte("another credential id") },
		"an id without end":  func(s *said) { s.id = make([]byte, 4096) },
		"an altered signature": func(s *said) {
			s.signature = func(signed []byte) []byte { sig := d.sign(signed); sig[len(sig)-1] ^= 1; return sig }
		},
		"another counter than signed": func(s *said) {
			s.signature = func(signed []byte) []byte {
				altered := slices.Clone(signed)
				altered[36]++
				return d.sign(altered)
			}
		},
	}
	for name, forge := range forgeries {
		cases[name] = forge
	}
	for name, forge := range cases {
		if _, err := use(t, f, ada, c, d, forge); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s, second step: %v, want ErrWrong", name, err)
		}
		p, st, _ := f.Discover(t.Context())
		if _, err := f.Check(t.Context(), ada, []mfa.Credential{c}, st, d.get(t, p, forge)); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s, alone: %v, want ErrWrong", name, err)
		}
	}
	if _, err := use(t, f, ada, c, d, client("origin", portal)); err != nil {
		t.Errorf("a further origin: %v", err)
	}

	// W-05: a passkey of somebody else, with their own handle and signature.
	bob := mfa.Subject{ID: "bob", Name: "bob"}
	his := added(t, f, bob, thief)
	p, st, _ := f.Ask(t.Context(), ada, []mfa.Credential{c})
	for name, held := range map[string][]mfa.Credential{"his": {his}, "hers": {c}, "both": {c, his}} {
		if _, err := f.Check(t.Context(), ada, held, st, thief.get(t, p)); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("bob's passkey as ada's, %s held: %v, want ErrWrong", name, err)
		}
	}
	if asked := publicKey(t, first(f.Ask(t.Context(), ada, []mfa.Credential{his, c})))["allowCredentials"].([]any); len(asked) != 1 || asked[0].(map[string]any)["id"] != c.Handle {
		t.Errorf("bob's passkey is asked for: %v", asked)
	}
	if _, err := discover(t, f, ada, his, thief); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("bob's passkey as ada's, alone: %v, want ErrWrong", err)
	}
	// W-04: the stored key is what counts.
	swapped := c
	dc, dt := must(read(c)), must(read(his))
	dc.Key = dt.Key
	swapped.Data = must(json.Marshal(dc))
	if _, err := use(t, f, ada, swapped, d); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a swapped public key: %v, want ErrWrong", err)
	}
}

// W-03, W-05: alone, a passkey must verify the person and say whose it is.
func TestDiscovery(t *testing.T) {
	f, _ := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	c := added(t, f, ada, d)
	got, err := discover(t, f, ada, c, d)
	if err != nil || got.ID != c.ID || !got.Use.Verified {
		t.Fatalf("%+v, %v", got, err)
	}
	for name, change := range map[string]func(*said){
		"nobody verified": func(s *said) { s.flags &^= uv },
		"no handle":       func(s *said) { s.handle = nil },
		"an empty handle": func(s *said) { s.handle = []byte{} },
	} {
		if _, err := discover(t, f, ada, c, d, change); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s: %v, want ErrWrong", name, err)
		}
		// As a second step all of these are right.
		if _, err := use(t, f, ada, c, d, change); err != nil {
			t.Errorf("%s, second step: %v", name, err)
		}
	}
	// A replay meets another challenge.
	p, st, _ := f.Discover(t.Context())
	a := d.get(t, p)
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{c}, st, a); err != nil {
		t.Fatal(err)
	}
	_, again, _ := f.Discover(t.Context())
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{c}, again, a); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a replay: %v, want ErrWrong", err)
	}
}

// cose writes a public key; 3 is the algorithm (RFC 9052 §7.1).
func cose(members map[int]any) []byte { return must(webauthncbor.Marshal(members)) }

// W-02, W-07: registrations.
func TestForgedRegistrations(t *testing.T) {
	f, _ := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	var parts map[int]any
	if err := webauthncbor.Unmarshal(d.key.Key.AttestationData(), &parts); err != nil {
		t.Fatal(err)
	}
	with := func(changed map[int]any) []byte {
		out := map[int]any{}
		for k, v := range parts {
			out[k] = v
		}
		for k, v := range changed {
			out[k] = v
		}
		return cose(out)
	}
	cases := map[string]func(*said){
		"an assertion":             client("type", "webauthn.get"),
		"ES384":                    func(s *said) { s.cose = with(map[int]any{3: -35}) },
		"an algorithm of RSA":      func(s *said) { s.cose = with(map[int]any{3: -257}) },
		"no algorithm":             func(s *said) { s.cose = with(map[int]any{3: 0}) },
		"a point beside the curve": func(s *said) { s.cose = with(map[int]any{-2: make([]byte, 32)}) },
		"a weak RSA key": func(s *said) {
			s.cose = cose(map[int]any{1: 3, 3: -257, -1: slices.Repeat([]byte{0xc1}, 128), -2: []byte{1, 0, 1}})
		},
		"no key":                    func(s *said) { s.cose = nil },
		"an id of 1024 bytes":       func(s *said) { s.id = make([]byte, 1024) },
		"a statement with nothing":  func(s *said) { s.format = "packed" },
		"none, but with something":  func(s *said) { s.statement = func([]byte) map[string]any { return map[string]any{"sig": []byte{1}} } },
		"a format that nobody made": func(s *said) { s.format = "example" },
		"a false statement": func(s *said) {
			s.format = "packed"
			s.statement = func(signed []byte) map[string]any { return map[string]any{"alg": -7, "sig": d.sign(signed[1:])} }
		},
	}
	for name, forge := range forgeries {
		cases[name] = forge
	}
	for name, forge := range cases {
		p, st, err := f.Enroll(t.Context(), ada, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Confirm(t.Context(), ada, st, d.create(t, p, forge)); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s: %v, want ErrWrong", name, err)
		}
		if _, err := f.Confirm(t.Context(), ada, st, d.create(t, p)); err != nil {
			t.Errorf("%s, and then right: %v", name, err)
		}
	}
	// The longest id that there may be.
	if c := added(t, f, ada, d, func(s *said) { s.id = make([]byte, 1023) }); len(c.Handle) != 1364 {
		t.Errorf("handle of %d characters", len(c.Handle))
	}
	// Another person's registration.
	p, _, _ := f.Enroll(t.Context(), ada, nil)
	_, st, _ := f.Enroll(t.Context(), mfa.Subject{ID: "bob"}, nil)
	if _, err := f.Confirm(t.Context(), mfa.Subject{ID: "bob"}, st, d.create(t, p)); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("ada's registration as bob's: %v, want ErrWrong", err)
	}
	p, st, _ = f.Enroll(t.Context(), ada, nil)
	if _, err := f.Confirm(t.Context(), mfa.Subject{ID: "bob"}, st, d.create(t, p)); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("bob at the end of ada's registration: %v, want ErrWrong", err)
	}
}

// W-10: nothing that no authenticator would say is looked at for long.
func TestTooMuch(t *testing.T) {
	f, _ := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	c := added(t, f, ada, d)
	pad := func(a mfa.Answer) mfa.Answer {
		a.Public = append(a.Public, strings.Repeat(" ", maxAnswer)...)
		return a
	}
	p, st, _ := f.Ask(t.Context(), ada, []mfa.Credential{c})
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{c}, st, pad(d.get(t, p))); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("an assertion: %v, want ErrWrong", err)
	}
	p, st, _ = f.Enroll(t.Context(), ada, nil)
	if _, err := f.Confirm(t.Context(), ada, st, pad(d.create(t, p))); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a registration: %v, want ErrWrong", err)
	}
}

// W-10: whatever arrives, the answer is a refusal and no panic.
func FuzzAnswer(f *testing.F) {
	factor, _ := newFactor()
	d := newDevice(f, virtualwebauthn.KeyTypeEC2)
	c := added(f, factor, ada, d)
	pe, ste, _ := factor.Enroll(f.Context(), ada, nil)
	pa, sta, _ := factor.Ask(f.Context(), ada, []mfa.Credential{c})
	pd, std, _ := factor.Discover(f.Context())
	right := [][]byte{d.get(f, pa).Public, d.get(f, pd).Public, newDevice(f, virtualwebauthn.KeyTypeEC2).create(f, pe).Public}
	for _, a := range right {
		f.Add(string(a))
	}
	for _, s := range []string{"", "null", "[]", "{}", `{"id":"AAAA","rawId":"AAAA","type":"public-key"}`, `{"id":"AAAA","rawId":"AAAA","type":"public-key","response":{"clientDataJSON":"e30","attestationObject":"oA","authenticatorData":"AAAA","signature":""}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		a := mfa.Answer{Public: []byte(in)}
		_, confirmed := factor.Confirm(t.Context(), ada, ste, a)
		_, checked := factor.Check(t.Context(), ada, []mfa.Credential{c}, sta, a)
		_, discovered := factor.Check(t.Context(), ada, []mfa.Credential{c}, std, a)
		handle, named := factor.Handle(a)
		for _, err := range []error{confirmed, checked, discovered, named} {
			if err != nil && !errors.Is(err, mfa.ErrWrong) {
				t.Fatalf("%q: %v, want ErrWrong", in, err)
			}
		}
		if named == nil && handle == "" {
			t.Fatalf("%q has no handle", in)
		}
	})
}

// The inner parts are fuzzed by themselves: a mutated base64 text hardly ever
// is good CBOR.
func FuzzAttestationObject(f *testing.F) {
	factor, _ := newFactor()
	p, st, _ := factor.Enroll(f.Context(), ada, nil)
	challenge := publicKey(f, p)["challenge"]
	for _, seed := range [][]byte{{0xa0}, {0xbf}, []byte("\xa3cfmtdnonegattStmt\xa0hauthDataX%"), cose(map[int]any{1: 2})} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		data := must(json.Marshal(map[string]any{"type": "webauthn.create", "challenge": challenge, "origin": origin}))
		a := said{id: []byte("id")}.answer(map[string]any{"clientDataJSON": b64(data), "attestationObject": b64(object)})
		if _, err := factor.Confirm(t.Context(), ada, st, a); err == nil || !errors.Is(err, mfa.ErrWrong) && !errors.Is(err, mfa.ErrRefused) {
			t.Fatalf("%x: %v, want ErrWrong", object, err)
		}
	})
}

func FuzzAuthenticatorData(f *testing.F) {
	factor, _ := newFactor()
	d := newDevice(f, virtualwebauthn.KeyTypeEC2)
	c := added(f, factor, ada, d)
	p, st, _ := factor.Ask(f.Context(), ada, []mfa.Credential{c})
	challenge := publicKey(f, p)["challenge"]
	whole := said{site: site, flags: up | uv, count: 7}.head()
	for _, seed := range [][]byte{nil, whole, whole[:36], append(slices.Clone(whole), 0xa1, 0x61), append(slices.Clone(whole), make([]byte, 40)...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		client := must(json.Marshal(map[string]any{"type": "webauthn.get", "challenge": challenge, "origin": origin}))
		a := said{id: d.key.ID}.answer(map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64([]byte("none"))})
		if _, err := factor.Check(t.Context(), ada, []mfa.Credential{c}, st, a); !errors.Is(err, mfa.ErrWrong) {
			t.Fatalf("%x: %v, want ErrWrong", data, err)
		}
	})
}
