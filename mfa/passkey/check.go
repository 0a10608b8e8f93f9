package passkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"latchkey/mfa"
)

// Check judges an assertion (WebAuthn §7.2) for one who is known, or for the
// one whom an answer to Discover named: whose the passkey is, must be told by
// it then, and the person verified.
//
// ErrWrong for whatever cannot be right, and as ErrCloned for a counter that
// went back where the terms do not allow it (W-08); ErrRefused for a right
// answer of a make that they do not allow.
func (f Factor) Check(_ context.Context, s mfa.Subject, held []mfa.Credential, st mfa.State, a mfa.Answer) (mfa.Credential, error) {
	begun, err := f.resume(st, asking, discovering)
	if err != nil {
		return mfa.Credential{}, err
	}
	rp, err := f.party()
	if err != nil {
		return mfa.Credential{}, err
	}
	o, err := f.owner(s, held)
	if err != nil {
		return mfa.Credential{}, err
	}
	answer, err := parse(a)
	if err != nil {
		return mfa.Credential{}, err
	}
	if err := f.place(answer.Response.CollectedClientData); err != nil {
		return mfa.Credential{}, err
	}
	i := slices.IndexFunc(o.data, func(d data) bool { return bytes.Equal(d.ID, answer.RawID) })
	if i < 0 {
		return mfa.Credential{}, wrong(errNobody)
	}
	used, err := verify(rp, o, begun, answer)
	if err != nil {
		return mfa.Credential{}, wrong(err)
	}
	return judged(s.Terms, o.held[i], o.data[i], used, answer.Response.AuthenticatorData.Flags)
}

// Handle implements [mfa.Discovering].
func (f Factor) Handle(a mfa.Answer) (string, error) {
	answer, err := parse(a)
	if err != nil {
		return "", err
	}
	return handleOf(answer.RawID), nil
}

func parse(a mfa.Answer) (*protocol.ParsedCredentialAssertionData, error) {
	if len(a.Public) > maxAnswer {
		return nil, wrong(errAnswer)
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes(a.Public)
	if err != nil {
		return nil, wrong(err)
	}
	return answer, nil
}

// verify has the library judge: type, challenge, origin, site, presence,
// verification where it was required, user handle, signature, BE and BS.
func verify(rp *webauthn.WebAuthn, o owner, begun state, answer *protocol.ParsedCredentialAssertionData) (*webauthn.Credential, error) {
	if begun.Ceremony == discovering {
		// It wants a user handle, and compares it with the owner's.
		_, used, err := rp.ValidatePasskeyLogin(func(_, _ []byte) (webauthn.User, error) { return o, nil }, begun.Session, answer)
		return used, err
	}
	if !slices.ContainsFunc(begun.Session.AllowedCredentialIDs, func(id []byte) bool { return bytes.Equal(id, answer.RawID) }) {
		return nil, errors.New("not asked for")
	}
	// The library would refuse everything once another of those that were asked
	// for is dropped. This one was asked for and is held.
	session := begun.Session
	session.AllowedCredentialIDs = [][]byte{answer.RawID}
	return rp.ValidateLogin(o, session, answer)
}

// judged applies the terms and makes the credential's next version.
func judged(t mfa.Terms, c mfa.Credential, d data, used *webauthn.Credential, flags protocol.AuthenticatorFlags) (mfa.Credential, error) {
	cloned := used.Authenticator.CloneWarning
	switch {
	case !permitted(t, d.AAGUID):
		return mfa.Credential{}, fmt.Errorf("%w: passkey: make %s", mfa.ErrRefused, d.AAGUID)
	case cloned && t.NoClones:
		return mfa.Credential{}, fmt.Errorf("%w: passkey: the signature counter went back", mfa.ErrCloned)
	}
	// After a counter that went back the higher one stays, so that the twin is
	// noticed as long as it is behind.
	d.Count, d.BackedUp = used.Authenticator.SignCount, flags.HasBackupState()
	raw, err := json.Marshal(d)
	if err != nil {
		return mfa.Credential{}, err
	}
	c.Data = raw
	c.Use = mfa.Use{Verified: flags.HasUserVerified(), Synced: d.Eligible, Cloned: cloned}
	return c, nil
}
