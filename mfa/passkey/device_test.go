package passkey

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"

	"latchkey/mfa"
)

const (
	site   = "id.example.org"
	origin = "https://id.example.org"
	portal = "https://portal.example.com"

	up, uv, be, bs, at = 1, 1 << 2, 1 << 3, 1 << 4, 1 << 6
)

var ada = mfa.Subject{ID: "ada", Name: "ada@example.org"}

type clock struct{ now time.Time }

func newFactor() (Factor, *clock) {
	c := &clock{time.Date(2026, 8, 3, 12, 0, 0, 0, time.UTC)}
	return Factor{
		RPID: site, RPName: "Latchkey", Origins: []string{origin, portal},
		Secret: []byte("a secret of at least 32 bytes, fixed"), Now: func() time.Time { return c.now },
	}, c
}

// device is an authenticator with one passkey, in a browser that says what it
// is told to.
type device struct {
	key    virtualwebauthn.Credential
	aaguid [16]byte
	handle []byte
}

func newDevice(t testing.TB, kind virtualwebauthn.KeyType) *device {
	t.Helper()
	for {
		d := &device{key: virtualwebauthn.NewCredential(kind), aaguid: [16]byte{0: 0xea, 15: 0xd4}}
		// virtualwebauthn drops leading zeros of coordinates, which no
		// authenticator does.
		if kind == virtualwebauthn.KeyTypeRSA || len(d.key.Key.AttestationData()) == 77 {
			return d
		}
	}
}

// said is what a device and its browser say in one ceremony.
type said struct {
	client    map[string]any
	site      string
	flags     byte
	count     uint32
	id        []byte
	cose      []byte
	handle    []byte
	format    string
	statement func(signed []byte) map[string]any
	signature func(signed []byte) []byte
	top       map[string]any // what is changed at last
}

func (d *device) says(kind string, options map[string]any, changes []func(*said)) said {
	d.key.Counter++
	s := said{
		client: map[string]any{"type": kind, "challenge": options["challenge"], "origin": origin, "crossOrigin": false},
		site:   site, flags: up | uv, count: d.key.Counter, id: d.key.ID, cose: d.key.Key.AttestationData(), handle: d.handle,
		format: "none", statement: func([]byte) map[string]any { return map[string]any{} },
		signature: func(signed []byte) []byte { return d.sign(signed) },
		top:       map[string]any{},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func (d *device) sign(signed []byte) []byte {
	digest := sha256.Sum256(signed)
	sig, err := d.key.Key.Sign(digest[:])
	if err != nil {
		panic(err)
	}
	return sig
}

func (s said) head() []byte {
	hash := sha256.Sum256([]byte(s.site))
	return binary.BigEndian.AppendUint32(append(hash[:], s.flags), s.count)
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func publicKey(t testing.TB, p mfa.Prompt) map[string]any {
	t.Helper()
	var o struct {
		PublicKey map[string]any `json:"publicKey"`
	}
	if err := json.Unmarshal(p.Public, &o); err != nil || o.PublicKey == nil {
		t.Fatalf("options %s: %v", p.Public, err)
	}
	return o.PublicKey
}

// create answers a registration.
func (d *device) create(t testing.TB, p mfa.Prompt, changes ...func(*said)) mfa.Answer {
	t.Helper()
	options := publicKey(t, p)
	d.handle, _ = base64.RawURLEncoding.DecodeString(options["user"].(map[string]any)["id"].(string))
	s := d.says("webauthn.create", options, changes)
	s.flags |= at
	data := s.head()
	data = append(data, d.aaguid[:]...)
	data = binary.BigEndian.AppendUint16(data, uint16(len(s.id)))
	data = append(append(data, s.id...), s.cose...)
	client := must(json.Marshal(s.client))
	hash := sha256.Sum256(client)
	object := must(webauthncbor.Marshal(map[string]any{
		"fmt": s.format, "authData": data, "attStmt": s.statement(slices.Concat(data, hash[:])),
	}))
	return s.answer(map[string]any{
		"clientDataJSON": b64(client), "attestationObject": b64(object), "transports": []string{"internal", "hybrid", "<script>"},
	})
}

// get answers an assertion.
func (d *device) get(t testing.TB, p mfa.Prompt, changes ...func(*said)) mfa.Answer {
	t.Helper()
	s := d.says("webauthn.get", publicKey(t, p), changes)
	client := must(json.Marshal(s.client))
	hash := sha256.Sum256(client)
	response := map[string]any{
		"clientDataJSON": b64(client), "authenticatorData": b64(s.head()), "signature": b64(s.signature(slices.Concat(s.head(), hash[:]))),
	}
	if s.handle != nil {
		response["userHandle"] = b64(s.handle)
	}
	return s.answer(response)
}

func (s said) answer(response map[string]any) mfa.Answer {
	top := map[string]any{
		"id": b64(s.id), "rawId": b64(s.id), "type": "public-key", "response": response,
		"authenticatorAttachment": "platform", "clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}},
	}
	for k, v := range s.top {
		top[k] = v
	}
	return mfa.Answer{Public: must(json.Marshal(top))}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// added is somebody with a passkey that has been confirmed.
func added(t testing.TB, f Factor, s mfa.Subject, d *device, changes ...func(*said)) mfa.Credential {
	t.Helper()
	p, st, err := f.Enroll(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	c, err := f.Confirm(t.Context(), s, st, d.create(t, p, changes...))
	if err != nil {
		t.Fatal(err)
	}
	c.ID, c.Subject, c.Kind, c.Version = mfa.CredentialID("of-"+s.ID), s.ID, Kind, 1
	return c
}

// use asks for the passkey and answers.
func use(t testing.TB, f Factor, s mfa.Subject, c mfa.Credential, d *device, changes ...func(*said)) (mfa.Credential, error) {
	t.Helper()
	p, st, err := f.Ask(t.Context(), s, []mfa.Credential{c})
	if err != nil {
		t.Fatal(err)
	}
	return f.Check(t.Context(), s, []mfa.Credential{c}, st, d.get(t, p, changes...))
}

// discover answers a discovery as the passkey alone.
func discover(t testing.TB, f Factor, s mfa.Subject, c mfa.Credential, d *device, changes ...func(*said)) (mfa.Credential, error) {
	t.Helper()
	p, st, err := f.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	a := d.get(t, p, changes...)
	if h, err := f.Handle(a); err != nil || h != c.Handle {
		t.Fatalf("Handle = %q, %v, want %q", h, err, c.Handle)
	}
	return f.Check(t.Context(), s, []mfa.Credential{c}, st, a)
}
