package passkey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"

	"latchkey/mfa"
)

// maxAnswer bounds what is parsed, in bytes. Registrations with the longest
// chains of certificates stay well below it.
const maxAnswer = 64 << 10

// minModulus is the least size of an RSA modulus: 2048 bits, in bytes.
const minModulus = 256

var errAnswer = errors.New("not an answer of an authenticator")

// Confirm judges a registration (WebAuthn §7.1). That the credential's id is
// new is the store's to say: handles are unique (W-07).
//
// ErrWrong for whatever cannot be right; ErrRefused for a right answer of an
// authenticator that the terms do not allow.
func (f Factor) Confirm(_ context.Context, s mfa.Subject, st mfa.State, a mfa.Answer) (mfa.Credential, error) {
	begun, err := f.resume(st, adding)
	if err != nil {
		return mfa.Credential{}, err
	}
	rp, err := f.party()
	if err != nil {
		return mfa.Credential{}, err
	}
	o, err := f.owner(s, nil)
	if err != nil {
		return mfa.Credential{}, err
	}
	if len(a.Public) > maxAnswer {
		return mfa.Credential{}, wrong(errAnswer)
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes(a.Public)
	if err != nil {
		return mfa.Credential{}, wrong(err)
	}
	if err := f.place(answer.Response.CollectedClientData); err != nil {
		return mfa.Credential{}, err
	}
	made, err := rp.CreateCredential(o, begun.Session, answer)
	if err != nil {
		return mfa.Credential{}, wrong(err)
	}
	if err := usable(made.PublicKey); err != nil {
		return mfa.Credential{}, wrong(err)
	}
	d := data{
		ID: made.ID, Key: made.PublicKey, Count: made.Authenticator.SignCount, AAGUID: aaguid(made.Authenticator.AAGUID),
		Eligible: made.Flags.BackupEligible, BackedUp: made.Flags.BackupState,
		Transports: transports(made.Transport), Attachment: string(made.Authenticator.Attachment), Resident: made.Extensions.RK,
	}
	unproven := f.proven(answer.Response.AttestationObject)
	d.Attested = unproven == nil
	switch {
	case !permitted(s.Terms, d.AAGUID):
		return mfa.Credential{}, fmt.Errorf("%w: passkey: make %s", mfa.ErrRefused, d.AAGUID)
	case s.Terms.Attested && !d.Attested:
		return mfa.Credential{}, fmt.Errorf("%w: passkey: %w", mfa.ErrRefused, unproven)
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return mfa.Credential{}, err
	}
	return mfa.Credential{
		Label: Model(d.AAGUID), Handle: handleOf(d.ID), Data: raw,
		Use: mfa.Use{Verified: answer.Response.AttestationObject.AuthData.Flags.HasUserVerified(), Synced: d.Eligible},
	}, nil
}

// place judges where a ceremony took place (W-02). The library has done so
// too, but by rules for comparing addresses: browsers write an origin in one
// way only.
func (f Factor) place(c protocol.CollectedClientData) error {
	if !slices.Contains(f.Origins, c.Origin) || c.CrossOrigin || c.TopOrigin != "" {
		return wrong(errors.New("another origin"))
	}
	return nil
}

// usable reports what is wrong with a public key. Nobody signs with it before
// the first use, so what is amiss would be found out too late.
func usable(cose []byte) error {
	key, err := webauthncose.ParsePublicKey(cose)
	if err != nil {
		return err
	}
	var fits bool
	switch k := key.(type) {
	case webauthncose.EC2PublicKeyData:
		fits = k.Algorithm == int64(webauthncose.AlgES256)
	case webauthncose.OKPPublicKeyData:
		fits = k.Algorithm == int64(webauthncose.AlgEdDSA)
	case webauthncose.RSAPublicKeyData:
		fits = k.Algorithm == int64(webauthncose.AlgRS256) && len(k.Modulus) >= minModulus
	}
	if !fits {
		return errors.New("key and algorithm do not fit")
	}
	return nil
}
