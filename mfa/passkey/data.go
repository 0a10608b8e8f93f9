package passkey

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"latchkey/mfa"
)

// data is what a credential remembers (WebAuthn §4, credential record).
type data struct {
	ID         []byte   `json:"id"`
	Key        []byte   `json:"key"`   // COSE
	Count      uint32   `json:"count"` // the highest signature counter seen
	AAGUID     string   `json:"aaguid"`
	Attested   bool     `json:"attested,omitempty"` // the make was proven
	Eligible   bool     `json:"eligible,omitempty"` // BE: may be on several devices; never changes
	BackedUp   bool     `json:"backed_up,omitempty"`
	Transports []string `json:"transports,omitempty"`
	Attachment string   `json:"attachment,omitempty"` // platform, cross-platform or not told
	// Resident says whether the passkey can be found without a name. Not every
	// client tells.
	Resident *bool `json:"resident,omitempty"`
}

// Details are what pages may tell of a passkey.
type Details struct {
	AAGUID   string
	Model    string // empty: not known
	Roaming  bool   // a security key, or a phone beside the computer
	Synced   bool   // may be on several devices
	BackedUp bool
	Attested bool // the make was proven when it was added
	// Named means that it is of use only as a second step: it cannot say whose
	// it is.
	Named bool
}

// Describe reads what pages may tell of a passkey from its credential.
func Describe(c mfa.Credential) (Details, error) {
	d, err := read(c)
	return Details{
		AAGUID: d.AAGUID, Model: Model(d.AAGUID), Roaming: d.Attachment == string(protocol.CrossPlatform),
		Synced: d.Eligible, BackedUp: d.BackedUp, Attested: d.Attested, Named: d.Resident != nil && !*d.Resident,
	}, err
}

func read(c mfa.Credential) (data, error) {
	var d data
	if err := json.Unmarshal(c.Data, &d); err != nil {
		return data{}, fmt.Errorf("passkey: credential %s: %w", c.ID, err)
	}
	if len(d.ID) == 0 || len(d.Key) == 0 {
		return data{}, fmt.Errorf("passkey: credential %s has no key", c.ID)
	}
	return d, nil
}

// handleOf names a credential by the id that its authenticator gave it.
func handleOf(id []byte) string { return base64.RawURLEncoding.EncodeToString(id) }

// record is the library's form of a credential.
func (d data) record() webauthn.Credential {
	c := webauthn.Credential{
		ID: d.ID, PublicKey: d.Key,
		Flags:         webauthn.CredentialFlags{BackupEligible: d.Eligible, BackupState: d.BackedUp},
		Authenticator: webauthn.Authenticator{SignCount: d.Count, Attachment: protocol.AuthenticatorAttachment(d.Attachment)},
	}
	for _, t := range d.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

// transportForm is the form of every transport that there is or may come.
// They are the client's word and go back to it, so their size is bounded.
var transportForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)

const maxTransports = 8

func transports(told []protocol.AuthenticatorTransport) []string {
	var out []string
	for _, t := range told {
		if transportForm.MatchString(string(t)) && len(out) < maxTransports {
			out = append(out, string(t))
		}
	}
	return out
}

// owner is a subject as the library wants to see them.
type owner struct {
	handle []byte
	name   string
	held   []mfa.Credential
	data   []data
}

// owner gathers what s holds. Credentials of others are left out (W-05).
func (f Factor) owner(s mfa.Subject, held []mfa.Credential) (owner, error) {
	o := owner{handle: f.userHandle(s.ID), name: s.Name}
	if o.name == "" {
		o.name = string(s.ID)
	}
	for _, c := range held {
		if c.Subject != s.ID {
			continue
		}
		d, err := read(c)
		if err != nil {
			return owner{}, err
		}
		o.held, o.data = append(o.held, c), append(o.data, d)
	}
	return o, nil
}

func (o owner) WebAuthnID() []byte          { return o.handle }
func (o owner) WebAuthnName() string        { return o.name }
func (o owner) WebAuthnDisplayName() string { return o.name }

func (o owner) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, len(o.data))
	for i, d := range o.data {
		out[i] = d.record()
	}
	return out
}

// only keeps the credentials for which keep is true.
func (o owner) only(keep func(data) bool) owner {
	kept := owner{handle: o.handle, name: o.name}
	for i, d := range o.data {
		if keep(d) {
			kept.held, kept.data = append(kept.held, o.held[i]), append(kept.data, d)
		}
	}
	return kept
}

var errNobody = errors.New("passkey: nothing held")
