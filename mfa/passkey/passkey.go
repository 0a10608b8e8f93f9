// Package passkey is the WebAuthn factor (Level 3): passkeys on phones and
// computers, in password managers and on security keys. It is the only package
// that knows go-webauthn.
//
// It makes the options of the two ceremonies and judges what comes back:
// origin, site, challenge, signature, counter, make. Whether a person was
// verified is read from the assertion at hand, never from what was true when
// the passkey was added. It stores nothing, and takes no claim of a client for
// a fact that a signature does not cover.
package passkey

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"

	"latchkey/mfa"
)

// Kind is this factor's name.
const Kind mfa.Kind = "passkey"

const (
	// life bounds a ceremony (SECURITY.md W-01).
	life = 5 * time.Minute
	// minSecret is the least size of the key behind user handles, in bytes.
	minSecret = 32
)

// Factor implements [mfa.Factor] and [mfa.Discovering]. A person may hold
// several passkeys.
type Factor struct {
	RPID    string   // the site that passkeys belong to: a domain, without scheme and port
	RPName  string   // shown by some authenticators
	Origins []string // where ceremonies may take place, as browsers write origins
	// Secret is the key from which user handles come, 32 bytes or more. A handle
	// tells nothing about the person (WebAuthn §14.6.1), is the same for all
	// their passkeys and needs no table. Another secret makes all passkeys void.
	Secret []byte
	Now    func() time.Time
	// Roots are whose word on the make of an authenticator is believed. Without
	// them nobody's is, and terms that want attestation refuse every passkey.
	Roots *x509.CertPool
}

var (
	_ mfa.Factor      = Factor{}
	_ mfa.Discovering = Factor{}
)

// algorithms are what keys may sign with, in the order of preference. RS256 is
// what older Windows Hello has to offer.
var algorithms = []protocol.CredentialParameter{
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgES256},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgEdDSA},
	{Type: protocol.PublicKeyCredentialType, Algorithm: webauthncose.AlgRS256},
}

// Kind implements [mfa.Factor].
func (Factor) Kind() mfa.Kind { return Kind }

// Enroll makes the options of a registration (WebAuthn §5.4).
//
// A discoverable key is preferred, not required: every phone, computer and
// password manager makes one, but a security key without room for it is still
// a good second step. The make is asked for only where policy wants to know
// it, because browsers then ask the person for permission.
func (f Factor) Enroll(_ context.Context, s mfa.Subject, held []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	rp, err := f.party()
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	o, err := f.owner(s, held)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	attestation := protocol.PreferNoAttestation
	if s.Terms.Attested || len(s.Terms.Models) > 0 { // without it browsers hide the make of security keys
		attestation = protocol.PreferDirectAttestation
	}
	options, session, err := rp.BeginRegistration(o,
		webauthn.WithCredentialParameters(algorithms),
		webauthn.WithConveyancePreference(attestation),
		webauthn.WithExclusions(webauthn.Credentials(o.WebAuthnCredentials()).CredentialDescriptors()),
		webauthn.WithAuthenticatorSelection(protocol.AuthenticatorSelection{
			ResidentKey:      protocol.ResidentKeyRequirementPreferred,
			UserVerification: protocol.VerificationPreferred,
		}),
		webauthn.WithExtensions(webauthn.WithExtensionCredProps()),
	)
	return f.begun(adding, options, session, err)
}

// Ask makes the options of an assertion by somebody who is known. Passkeys
// that the terms do not allow are not asked for, unless there are no others:
// then Check says so.
func (f Factor) Ask(_ context.Context, s mfa.Subject, held []mfa.Credential) (mfa.Prompt, mfa.State, error) {
	rp, err := f.party()
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	o, err := f.owner(s, held)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	if allowed := o.only(func(d data) bool { return permitted(s.Terms, d.AAGUID) }); len(allowed.data) > 0 {
		o = allowed
	}
	if len(o.data) == 0 {
		return mfa.Prompt{}, nil, errNobody
	}
	options, session, err := rp.BeginLogin(o, webauthn.WithUserVerification(protocol.VerificationPreferred))
	return f.begun(asking, options, session, err)
}

// Discover makes the options of an assertion by whoever will answer. As the
// passkey is then all there is, it must verify the person (W-03), and no ids
// are sent that would tell who exists (W-09).
func (f Factor) Discover(context.Context) (mfa.Prompt, mfa.State, error) {
	rp, err := f.party()
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	options, session, err := rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	return f.begun(discovering, options, session, err)
}

// party is the library set up for this site. Its own clock is not used.
func (f Factor) party() (*webauthn.WebAuthn, error) {
	if len(f.Secret) < minSecret {
		return nil, errors.New("passkey: the secret of user handles is too short")
	}
	rp, err := webauthn.New(&webauthn.Config{
		RPID: f.RPID, RPDisplayName: f.RPName, RPOrigins: f.Origins,
		Timeouts: webauthn.TimeoutsConfig{Login: webauthn.TimeoutConfig{Timeout: life}, Registration: webauthn.TimeoutConfig{Timeout: life}},
		// Some password managers add extension outputs that nobody asked for.
		// None of them is read.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("passkey: %w", err)
	}
	return rp, nil
}

// userHandle is what authenticators keep in place of a name.
func (f Factor) userHandle(s mfa.SubjectID) []byte {
	mac := hmac.New(sha256.New, f.Secret)
	mac.Write([]byte(s))
	return mac.Sum(nil)
}

// ceremony says what a state is good for.
type ceremony string

const (
	adding      ceremony = "adding"
	asking      ceremony = "asking"
	discovering ceremony = "discovering"
)

// state is what a ceremony remembers.
type state struct {
	Ceremony ceremony             `json:"ceremony"`
	Session  webauthn.SessionData `json:"session"`
	Ends     time.Time            `json:"ends"`
}

func (f Factor) begun(c ceremony, options any, session *webauthn.SessionData, err error) (mfa.Prompt, mfa.State, error) {
	if err != nil {
		return mfa.Prompt{}, nil, fmt.Errorf("passkey: %w", err)
	}
	public, err := json.Marshal(options)
	if err != nil {
		return mfa.Prompt{}, nil, err
	}
	st, err := json.Marshal(state{Ceremony: c, Session: *session, Ends: f.Now().Add(life)})
	return mfa.Prompt{Shape: mfa.ShapeKey, Public: public}, st, err
}

// resume reads a state of one of these ceremonies. ErrExpired when it is too
// old (W-01).
func (f Factor) resume(st mfa.State, cs ...ceremony) (state, error) {
	var s state
	if err := json.Unmarshal(st, &s); err != nil {
		return state{}, fmt.Errorf("passkey: state: %w", err)
	}
	if !slices.Contains(cs, s.Ceremony) || !f.Now().Before(s.Ends) {
		return state{}, mfa.ErrExpired
	}
	return s, nil
}

// permitted says whether a make may be used (W-12).
func permitted(t mfa.Terms, aaguid string) bool {
	return len(t.Models) == 0 || slices.ContainsFunc(t.Models, func(m string) bool { return strings.EqualFold(m, aaguid) })
}

// wrong is an answer that was refused, with the reason for the log.
func wrong(reason error) error { return fmt.Errorf("%w: passkey: %w", mfa.ErrWrong, reason) }
