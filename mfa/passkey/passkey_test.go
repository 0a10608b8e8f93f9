package passkey

import (
	"bytes"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"github.com/descope/virtualwebauthn"

	"latchkey/mfa"
	"latchkey/mfa/factortest"
)

// T-11, M-12: the contract of every factor, with somebody else's authenticator.
func TestContract(t *testing.T) {
	f, _ := newFactor()
	rp := virtualwebauthn.RelyingParty{Name: "Latchkey", ID: site, Origin: origin}
	phones := map[string]*virtualwebauthn.Credential{}
	phone := virtualwebauthn.NewAuthenticator()
	right := func(t *testing.T, kept, now mfa.Prompt) mfa.Answer {
		user := publicKey(t, kept)["user"].(map[string]any)["id"].(string)
		if phones[user] == nil {
			phones[user] = &newDevice(t, virtualwebauthn.KeyTypeEC2).key
		}
		key := phones[user]
		key.Counter++
		if _, verifying := publicKey(t, now)["rpId"]; !verifying {
			o := must(virtualwebauthn.ParseAttestationOptions(string(now.Public)))
			return mfa.Answer{Public: []byte(virtualwebauthn.CreateAttestationResponse(rp, phone, *key, *o))}
		}
		o := must(virtualwebauthn.ParseAssertionOptions(string(now.Public)))
		return mfa.Answer{Public: []byte(virtualwebauthn.CreateAssertionResponse(rp, phone, *key, *o))}
	}
	factortest.Run(t, factortest.Driver{Factor: f, Right: right, Later: func() {}})
}

// What browsers are told, as navigator.credentials takes it.
func TestOptions(t *testing.T) {
	f, _ := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	c := added(t, f, ada, d)

	p, _, err := f.Enroll(t.Context(), ada, []mfa.Credential{c})
	if err != nil {
		t.Fatal(err)
	}
	o := publicKey(t, p)
	algs := ""
	for _, p := range o["pubKeyCredParams"].([]any) {
		algs += " " + string(must(jsonOf(p.(map[string]any)["alg"])))
	}
	user := o["user"].(map[string]any)
	selection := o["authenticatorSelection"].(map[string]any)
	excluded := o["excludeCredentials"].([]any)
	if algs != " -7 -8 -257" || user["name"] != "ada@example.org" || o["rp"].(map[string]any)["id"] != site ||
		selection["residentKey"] != "preferred" || selection["userVerification"] != "preferred" || o["attestation"] != "none" ||
		len(excluded) != 1 || excluded[0].(map[string]any)["id"] != c.Handle || o["timeout"] != float64(300000) {
		t.Errorf("registration: %s", p.Public)
	}
	handle := must(base64.RawURLEncoding.DecodeString(user["id"].(string)))
	if len(handle) != 32 || bytes.Contains(handle, []byte("ada")) {
		t.Errorf("user handle %q", handle)
	}
	other := must(base64.RawURLEncoding.DecodeString(publicKey(t, first(f.Enroll(t.Context(), mfa.Subject{ID: "bob"}, nil)))["user"].(map[string]any)["id"].(string)))
	if bytes.Equal(handle, other) {
		t.Error("two people have one user handle")
	}
	for _, terms := range []mfa.Terms{{Attested: true}, {Models: []string{"fbfc3007-154e-4ecc-8c0b-6e020557d7bd"}}} {
		if o := publicKey(t, first(f.Enroll(t.Context(), mfa.Subject{ID: "ada", Terms: terms}, nil))); o["attestation"] != "direct" {
			t.Errorf("%+v: attestation %v", terms, o["attestation"])
		}
	}

	o = publicKey(t, first(f.Ask(t.Context(), ada, []mfa.Credential{c})))
	allowed := o["allowCredentials"].([]any)
	if len(allowed) != 1 || allowed[0].(map[string]any)["id"] != c.Handle || o["userVerification"] != "preferred" || o["rpId"] != site {
		t.Errorf("assertion: %v", o)
	}
	if told := must(jsonOf(allowed[0].(map[string]any)["transports"])); string(told) != `["internal","hybrid"]` {
		t.Errorf("transports %s", told)
	}

	// W-03, W-09: nobody in particular.
	o = publicKey(t, must3(f.Discover(t.Context())))
	if _, named := o["allowCredentials"]; named || o["userVerification"] != "required" {
		t.Errorf("discovery: %v", o)
	}
}

// W-01: at least 16 random bytes, never the same, and good for five minutes;
// a state is of no use in the other ceremony.
func TestChallenges(t *testing.T) {
	f, c := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	cred := added(t, f, ada, d)
	seen := map[string]bool{}
	for range 50 {
		challenge := publicKey(t, must3(f.Discover(t.Context())))["challenge"].(string)
		if raw := must(base64.RawURLEncoding.DecodeString(challenge)); len(raw) < 16 || seen[challenge] {
			t.Fatalf("challenge %q", challenge)
		}
		seen[challenge] = true
	}

	p, st, _ := f.Ask(t.Context(), ada, []mfa.Credential{cred})
	answer := d.get(t, p)
	if _, err := f.Confirm(t.Context(), ada, st, answer); !errors.Is(err, mfa.ErrExpired) {
		t.Errorf("the state of an assertion confirms: %v", err)
	}
	c.now = c.now.Add(5*time.Minute - time.Second)
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{cred}, st, answer); err != nil {
		t.Errorf("in time: %v", err)
	}
	c.now = c.now.Add(time.Second)
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{cred}, st, answer); !errors.Is(err, mfa.ErrExpired) {
		t.Errorf("after five minutes: %v, want ErrExpired", err)
	}
	pe, ste, _ := f.Enroll(t.Context(), ada, nil)
	made := newDevice(t, virtualwebauthn.KeyTypeEC2).create(t, pe)
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{cred}, ste, made); !errors.Is(err, mfa.ErrExpired) {
		t.Errorf("the state of a registration verifies: %v", err)
	}
	c.now = c.now.Add(5 * time.Minute)
	if _, err := f.Confirm(t.Context(), ada, ste, made); !errors.Is(err, mfa.ErrExpired) {
		t.Errorf("a registration after five minutes: %v, want ErrExpired", err)
	}
}

// M-13, W-03: what is told of the person's verification is true of this
// assertion, whatever was true of the registration or of the one before.
func TestVerifiedNow(t *testing.T) {
	f, _ := newFactor()
	for _, then := range []byte{up, up | uv} {
		d := newDevice(t, virtualwebauthn.KeyTypeEC2)
		p, st, _ := f.Enroll(t.Context(), ada, nil)
		c, err := f.Confirm(t.Context(), ada, st, d.create(t, p, func(s *said) { s.flags = then }))
		if err != nil || c.Use.Verified != (then&uv != 0) {
			t.Fatalf("added with %b: %+v, %v", then, c.Use, err)
		}
		c.ID, c.Subject, c.Kind = "c1", "ada", Kind
		for _, now := range []byte{up, up | uv, up, up | uv} {
			if c, err = use(t, f, ada, c, d, func(s *said) { s.flags = now }); err != nil || c.Use.Verified != (now&uv != 0) {
				t.Errorf("added with %b, used with %b: %+v, %v", then, now, c.Use, err)
			}
		}
	}
}

// W-11: BE and BS are kept, and must not contradict each other or the past.
func TestBackup(t *testing.T) {
	f, _ := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	c := added(t, f, ada, d, func(s *said) { s.flags |= be })
	if !c.Use.Synced {
		t.Error("a synced passkey is not told of")
	}
	c, err := use(t, f, ada, c, d, func(s *said) { s.flags |= be | bs })
	if err != nil || !c.Use.Synced {
		t.Fatalf("%+v, %v", c.Use, err)
	}
	if details := must(Describe(c)); !details.Synced || !details.BackedUp || details.Named {
		t.Errorf("%+v", details)
	}
	if _, err := use(t, f, ada, c, d); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("eligible once, now not: %v, want ErrWrong", err)
	}
	single := newDevice(t, virtualwebauthn.KeyTypeEC2)
	sc := added(t, f, ada, single)
	for name, flags := range map[string]byte{"now eligible": be, "backed up but not eligible": bs} {
		if _, err := use(t, f, ada, sc, single, func(s *said) { s.flags |= flags }); !errors.Is(err, mfa.ErrWrong) {
			t.Errorf("%s: %v, want ErrWrong", name, err)
		}
	}
	p, st, _ := f.Enroll(t.Context(), ada, nil)
	if _, err := f.Confirm(t.Context(), ada, st, newDevice(t, virtualwebauthn.KeyTypeEC2).create(t, p, func(s *said) { s.flags |= bs })); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("added backed up but not eligible: %v, want ErrWrong", err)
	}
}

// W-08: a counter that goes back or stands still is told of, refused where the
// terms say so, and noticed as long as the twin is behind. Passkeys without a
// counter have none to go back.
func TestClones(t *testing.T) {
	f, _ := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	c := added(t, f, ada, d)
	at := func(n uint32) func(*said) { return func(s *said) { s.count = n } }
	c, err := use(t, f, ada, c, d, at(10))
	if err != nil || c.Use.Cloned {
		t.Fatalf("%+v, %v", c.Use, err)
	}
	strict := ada
	strict.Terms.NoClones = true
	for _, n := range []uint32{10, 9, 0} {
		if _, err := use(t, f, strict, c, d, at(n)); !errors.Is(err, mfa.ErrWrong) || !errors.Is(err, mfa.ErrCloned) {
			t.Errorf("counter 10, then %d, strict: %v, want ErrCloned", n, err)
		}
		if c, err = use(t, f, ada, c, d, at(n)); err != nil || !c.Use.Cloned {
			t.Errorf("counter 10, then %d: %+v, %v, want a warning", n, c.Use, err)
		}
	}
	if c, err = use(t, f, strict, c, d, at(11)); err != nil || c.Use.Cloned {
		t.Errorf("the real one goes on: %+v, %v", c.Use, err)
	}

	none := newDevice(t, virtualwebauthn.KeyTypeEC2)
	nc := added(t, f, ada, none, at(0))
	for range 2 {
		if nc, err = use(t, f, strict, nc, none, at(0)); err != nil || nc.Use.Cloned {
			t.Errorf("without a counter: %+v, %v", nc.Use, err)
		}
	}
}

// Of several passkeys the one that answered is meant, and one that was dropped
// in between does not spoil the others.
func TestSeveral(t *testing.T) {
	f, _ := newFactor()
	one, other := newDevice(t, virtualwebauthn.KeyTypeEC2), newDevice(t, virtualwebauthn.KeyTypeRSA)
	a, b := added(t, f, ada, one), added(t, f, ada, other)
	b.ID = "second"
	p, st, err := f.Ask(t.Context(), ada, []mfa.Credential{a, b})
	if err != nil {
		t.Fatal(err)
	}
	answer := other.get(t, p)
	for _, held := range [][]mfa.Credential{{a, b}, {b}} {
		if c, err := f.Check(t.Context(), ada, held, st, answer); err != nil || c.ID != "second" {
			t.Errorf("%d held: %s, %v", len(held), c.ID, err)
		}
	}
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{a}, st, answer); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("a dropped one: %v, want ErrWrong", err)
	}
	// One that was added after the question was not asked for.
	p, st, _ = f.Ask(t.Context(), ada, []mfa.Credential{a})
	if _, err := f.Check(t.Context(), ada, []mfa.Credential{a, b}, st, other.get(t, p)); !errors.Is(err, mfa.ErrWrong) {
		t.Errorf("one that was not asked for: %v, want ErrWrong", err)
	}
}

// A passkey is named after its make, and two files that disagree are noticed.
func TestModels(t *testing.T) {
	for id, want := range map[string]string{
		"fbfc3007-154e-4ecc-8c0b-6e020557d7bd": "iCloud Keychain",
		"EA9B8D66-4D01-1D21-3CE4-B6B48CB575D4": "Google Password Manager",
		"08987058-cadc-4b81-b6e1-30de50dcbe96": "Windows Hello",
		"00000000-0000-0000-0000-000000000000": "",
		"#":                                    "",
	} {
		if got := Model(id); got != want {
			t.Errorf("Model(%s) = %q, want %q", id, got, want)
		}
	}
	for id, name := range models() {
		if raw, err := hexOf(id); err != nil || aaguid(raw) != id || name == "" {
			t.Errorf("%q is called %q", id, name)
		}
	}
	f, _ := newFactor()
	d := newDevice(t, virtualwebauthn.KeyTypeEC2)
	copy(d.aaguid[:], must(hexOf("fbfc3007-154e-4ecc-8c0b-6e020557d7bd")))
	if c := added(t, f, ada, d); c.Label != "iCloud Keychain" || must(Describe(c)).AAGUID != "fbfc3007-154e-4ecc-8c0b-6e020557d7bd" {
		t.Errorf("called %q", c.Label)
	}
}

// Without its secret, handles could be guessed: nothing works.
func TestSecret(t *testing.T) {
	f, _ := newFactor()
	f.Secret = f.Secret[:31]
	if _, _, err := f.Enroll(t.Context(), ada, nil); err == nil {
		t.Error("Enroll works")
	}
	if _, _, err := f.Discover(t.Context()); err == nil {
		t.Error("Discover works")
	}
}
