// Package totp is the authenticator-app factor (RFC 6238).
//
// It makes secrets, draws them as otpauth addresses, and judges codes itself:
// each time step is accepted once, ever. It never stores anything and never
// asks any clock but the server's.
package totp

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/mfa"
)

// Kind is this factor's name.
const Kind mfa.Kind = "totp"

// secretBytes is the size of the secrets made here: 160 bits (RFC 4226 §4 R6).
const secretBytes = 20

// ErrSecret means that an imported secret cannot be used.
var ErrSecret = errors.New("totp: not a usable secret")

// Factor implements [mfa.Factor]. A person may hold several apps.
type Factor struct {
	Issuer string // shown in the app
	Now    func() time.Time
}

var _ mfa.Factor = Factor{}

// Settings is an app's configuration, as it comes from another system. Zero
// values get the defaults that every app knows.
type Settings struct {
	Secret    string // base32, with or without padding and spaces; at least 80 bits
	Algorithm string // SHA1 (default), SHA256 or SHA512
	Digits    int    // 6 (default) to 8
	Period    int    // seconds; default 30, from 15 to 120
}

// data is what a credential remembers, and the state of an enrolment.
type data struct {
	Secret    string `json:"secret"` // base32 without padding
	Algorithm string `json:"algorithm"`
	Digits    int    `json:"digits"`
	Period    int64  `json:"period"` // seconds
	// Last is the latest step accepted. Steps up to it are never computed
	// again, whatever the clock says.
	Last int64 `json:"last"`
	// Ahead is how much longer the step after the current one is accepted,
	// counted in uses; see drift.go.
	Ahead int `json:"ahead,omitempty"`
}

// Kind implements [mfa.Factor].
func (Factor) Kind() mfa.Kind { return Kind }

// Enroll makes a secret of 160 random bits. The prompt shows it as a QR code
// and for typing.
func (f Factor) Enroll(_ context.Context, s mfa.Subject, _ []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails: see crypto/rand.Read
	d := data{Secret: encoding.EncodeToString(raw), Algorithm: "SHA1", Digits: 6, Period: 30}
	st, err := json.Marshal(d)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	p := mfa.Prompt{Shape: mfa.ShapeScan, Digits: d.Digits, Secret: d.Secret, URI: address(f.Issuer, s.Name, d)}
	return p, st, nil
}

// Confirm wants a code of the new secret. Here alone the next step is accepted
// from anybody: the secret is on the person's own screen, so there is nothing
// to guess, and a phone whose clock runs ahead is found out.
func (f Factor) Confirm(_ context.Context, _ mfa.Subject, st mfa.State, a mfa.Answer) (mfa.Credential, error) {
	var d data
	if err := json.Unmarshal(st, &d); err != nil {
		return mfa.Credential{}, fmt.Errorf("totp: state: %w", err)
	}
	d.Ahead = driftUses
	right, err := f.prove(&d, normalise(a.Code))
	if err != nil {
		return mfa.Credential{}, err
	}
	if !right {
		return mfa.Credential{}, mfa.ErrWrong
	}
	if d.Ahead != driftUses { // matched without help: the clock is not ahead
		d.Ahead = 0
	}
	return credential(d)
}

// Ask shows how many digits are wanted, or none when the person's apps differ.
func (Factor) Ask(_ context.Context, _ mfa.Subject, held []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	digits := 0
	for i, c := range held {
		d, err := open(c)
		if err != nil {
			return mfa.Prompt{}, nil, err
		}
		if i > 0 && d.Digits != digits {
			digits = 0
			break
		}
		digits = d.Digits
	}
	return mfa.Prompt{Shape: mfa.ShapeCode, Digits: digits}, nil, nil
}

// Check tries every app that the person holds, all of them to the end, so that
// the time taken tells nothing.
func (f Factor) Check(_ context.Context, _ mfa.Subject, held []mfa.Credential, _ mfa.State, a mfa.Answer) (mfa.Credential, error) {
	code := normalise(a.Code)
	proven := -1
	var remember data
	for i, c := range held {
		d, err := open(c)
		if err != nil {
			return mfa.Credential{}, err
		}
		right, err := f.prove(&d, code)
		if err != nil {
			return mfa.Credential{}, err
		}
		if right && proven < 0 {
			proven, remember = i, d
		}
	}
	if proven < 0 {
		return mfa.Credential{}, mfa.ErrWrong
	}
	raw, err := json.Marshal(remember)
	if err != nil {
		return mfa.Credential{}, err
	}
	c := held[proven]
	c.Data = raw
	return c, nil
}

// FromSecret makes a confirmed credential of an imported secret with the usual
// settings (SHA1, 6 digits, 30 seconds): a person's app goes on working. The
// caller sets ID and Subject. ErrSecret when it cannot be used.
func FromSecret(secret string, now time.Time) (mfa.Credential, error) {
	return Import(Settings{Secret: secret}, now)
}

// Import is FromSecret with other settings.
func Import(s Settings, now time.Time) (mfa.Credential, error) {
	d, err := s.data()
	if err != nil {
		return mfa.Credential{}, err
	}
	// What came before the window of this moment was used elsewhere: a clock
	// that jumps back must not make it good here.
	d.Last = now.Unix()/d.Period - 2
	c, err := credential(d)
	c.Created = now
	return c, err
}

func (s Settings) data() (data, error) {
	d := data{Algorithm: s.Algorithm, Digits: s.Digits, Period: int64(s.Period)}
	if d.Algorithm == "" {
		d.Algorithm = "SHA1"
	}
	if d.Digits == 0 {
		d.Digits = 6
	}
	if d.Period == 0 {
		d.Period = 30
	}
	d.Algorithm = strings.ToUpper(d.Algorithm)
	if _, known := algorithms[d.Algorithm]; !known {
		return data{}, fmt.Errorf("%w: algorithm must be SHA1, SHA256 or SHA512", ErrSecret)
	}
	if d.Digits < 6 || d.Digits > 8 {
		return data{}, fmt.Errorf("%w: digits must be 6 to 8", ErrSecret)
	}
	if d.Period < 15 || d.Period > 120 {
		return data{}, fmt.Errorf("%w: period must be 15 to 120 seconds", ErrSecret)
	}
	text := strings.ToUpper(strings.TrimRight(strings.Map(dropSeparators, s.Secret), "="))
	raw, err := encoding.DecodeString(text)
	if err != nil {
		return data{}, fmt.Errorf("%w: it must be base32 (A to Z, 2 to 7)", ErrSecret)
	}
	if len(raw) < 10 || len(raw) > 128 {
		return data{}, fmt.Errorf("%w: it must have 80 to 1024 bits", ErrSecret)
	}
	d.Secret = encoding.EncodeToString(raw)
	return d, nil
}

func credential(d data) (mfa.Credential, error) {
	raw, err := json.Marshal(d)
	if err != nil {
		return mfa.Credential{}, err
	}
	return mfa.Credential{Kind: Kind, Data: raw}, nil
}

func open(c mfa.Credential) (data, error) {
	var d data
	if err := json.Unmarshal(c.Data, &d); err != nil {
		return data{}, fmt.Errorf("totp: credential %s: %w", c.ID, err)
	}
	return d, nil
}

var encoding = base32.StdEncoding.WithPadding(base32.NoPadding)
