package passkey

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"latchkey/mfa"
)

// maker makes authenticators and vouches for them.
type maker struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newMaker(t *testing.T, now time.Time) maker {
	t.Helper()
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Maker"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	der := must(x509.CreateCertificate(rand.Reader, c, c, key.Public(), key))
	return maker{must(x509.ParseCertificate(der)), key}
}

func (m maker) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(m.root)
	return pool
}

// vouches signs a registration with a certificate for the AAGUID
// (WebAuthn §8.2.1).
func (m maker) vouches(aaguid [16]byte) func(*said) {
	return func(s *said) {
		key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(2), NotBefore: m.root.NotBefore, NotAfter: m.root.NotAfter, BasicConstraintsValid: true,
			Subject:         pkix.Name{Country: []string{"SE"}, Organization: []string{"Maker"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "Key"},
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: must(asn1.Marshal(aaguid[:]))}},
		}
		der := must(x509.CreateCertificate(rand.Reader, leaf, m.root, key.Public(), m.key))
		s.format = "packed"
		s.statement = func(signed []byte) map[string]any {
			digest := sha256.Sum256(signed)
			return map[string]any{"alg": -7, "sig": must(key.Sign(rand.Reader, digest[:], crypto.SHA256)), "x5c": []any{der}}
		}
	}
}

// W-12: where the terms want the make proven, only the word of a maker who is
// believed counts.
func TestAttestation(t *testing.T) {
	f, c := newFactor()
	c.now = time.Now() // the library looks at certificates with a clock of its own
	known, stranger := newMaker(t, c.now), newMaker(t, c.now)
	f.Roots = known.roots()
	strict := ada
	strict.Terms.Attested = true
	add := func(f Factor, s mfa.Subject, change func(*said)) (mfa.Credential, error) {
		t.Helper()
		p, st, err := f.Enroll(t.Context(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		return f.Confirm(t.Context(), s, st, newDevice(t, virtualwebauthn.KeyTypeEC2).create(t, p, change))
	}
	aaguid := newDevice(t, virtualwebauthn.KeyTypeEC2).aaguid
	speaksForItself := func(s *said) {
		sign := s.signature
		s.format = "packed"
		s.statement = func(signed []byte) map[string]any { return map[string]any{"alg": -7, "sig": sign(signed)} }
	}

	got, err := add(f, strict, known.vouches(aaguid))
	if err != nil || !must(Describe(got)).Attested {
		t.Fatalf("a known maker: %v", err)
	}
	for name, change := range map[string]func(*said){
		"nobody":             func(*said) {},
		"itself":             speaksForItself,
		"an unknown maker":   stranger.vouches(aaguid),
		"not with this time": known.vouches(aaguid),
	} {
		g := f
		if name == "not with this time" {
			g.Roots = nil
		}
		if _, err := add(g, strict, change); !errors.Is(err, mfa.ErrRefused) || errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s: %v, want ErrRefused", name, err)
		}
		if got, err := add(g, ada, change); err != nil || must(Describe(got)).Attested {
			t.Errorf("%s, where nothing is wanted: %v", name, err)
		}
	}
	if _, err := add(f, strict, known.vouches([16]byte{1})); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a certificate for another make: %v, want ErrWrong", err)
	}
	c.now = c.now.Add(2 * time.Hour)
	if _, err := add(f, strict, known.vouches(aaguid)); !errors.Is(err, mfa.ErrRefused) {
		t.Errorf("a certificate that is over: %v, want ErrRefused", err)
	}
}

// W-12: other makes than those of the terms are refused, when they are added
// and when they are used.
func TestAllowedModels(t *testing.T) {
	f, _ := newFactor()
	d, other := newDevice(t, virtualwebauthn.KeyTypeEC2), newDevice(t, virtualwebauthn.KeyTypeEC2)
	other.aaguid[3] = 7
	a, b := added(t, f, ada, d), added(t, f, ada, other)
	b.ID = "other"
	only := ada
	only.Terms.Models = []string{"EA000000-0000-0000-0000-0000000000D4"}
	if _, err := use(t, f, only, a, d); err != nil {
		t.Errorf("an allowed make: %v", err)
	}
	if _, err := use(t, f, only, b, other); !errors.Is(err, mfa.ErrRefused) {
		t.Errorf("another make: %v, want ErrRefused", err)
	}
	if _, err := use(t, f, only, b, other, func(s *said) { s.signature = d.sign }); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("another make, wrongly signed: %v, want ErrWrong", err)
	}
	p, st, _ := f.Enroll(t.Context(), only, nil)
	if _, err := f.Confirm(t.Context(), only, st, other.create(t, p)); !errors.Is(err, mfa.ErrRefused) {
		t.Errorf("another make is added: %v, want ErrRefused", err)
	}
	if _, err := f.Confirm(t.Context(), only, st, d.create(t, p)); err != nil {
		t.Errorf("an allowed make is added: %v", err)
	}
	if allowed := publicKey(t, first(f.Ask(t.Context(), only, []mfa.Credential{b, a})))["allowCredentials"].([]any); len(allowed) != 1 || allowed[0].(map[string]any)["id"] != a.Handle {
		t.Errorf("asked for: %v", allowed)
	}
}
