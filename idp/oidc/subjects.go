package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"latchkey/idp"
)

// Subjects names people and sessions towards clients. To most a person is their
// id. To a pairwise client both have names that no other sector knows, so that
// two applications cannot tell that they have the same person (OpenID Connect
// Core 1.0 §8.1).
//
// A pairwise name is the id, sealed under the sector in a way that gives the same
// name each time: its first half is a MAC of sector and id, which is also where
// the encryption of the id begins (synthetic IV, the idea of RFC 5297). Nothing
// is stored, and of a name that comes back, in an id_token_hint, we know whose it
// is.
type Subjects struct{ mac, seal []byte }

// NewSubjects derives the keys from the secret of [Config]. Whoever loses it
// names everybody anew.
func NewSubjects(secret []byte) (Subjects, error) {
	mac, err := hkdf.Key(sha256.New, secret, nil, "oidc pairwise mac", 32)
	if err != nil {
		return Subjects{}, err
	}
	seal, err := hkdf.Key(sha256.New, secret, nil, "oidc pairwise seal", 32)
	return Subjects{mac, seal}, err
}

// What a name is of.
const (
	ofPerson  = "sub"
	ofSession = "sid"
)

const tagSize = aes.BlockSize

// errNoSubjects means that a pairwise client is told of somebody by who has no
// keys for it. It must never become the id itself.
var errNoSubjects = errors.New("oidc: no keys for pairwise subjects")

// Sub is how a client knows a person.
func (s Subjects) Sub(c Client, u idp.UserID) (string, error) { return s.name(c, ofPerson, string(u)) }

// SID is how a client knows a session: it is a person's, too.
func (s Subjects) SID(c Client, id idp.SessionID) (string, error) {
	return s.name(c, ofSession, string(id))
}

func (s Subjects) name(c Client, of, id string) (string, error) {
	if !c.Pairwise() || id == "" {
		return id, nil
	}
	if len(s.mac) == 0 {
		return "", errNoSubjects
	}
	tag := s.tag(sector(c), of, id)
	body := []byte(id)
	if err := s.crypt(tag, body); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(append(tag, body...)), nil
}

// Person is who has a name, or idp.ErrInvalid for one that we have not given to
// this client's sector.
func (s Subjects) Person(c Client, sub string) (idp.UserID, error) {
	id, err := s.id(c, ofPerson, sub)
	return idp.UserID(id), err
}

// Session is [Subjects.Person] for a session.
func (s Subjects) Session(c Client, sid string) (idp.SessionID, error) {
	id, err := s.id(c, ofSession, sid)
	return idp.SessionID(id), err
}

func (s Subjects) id(c Client, of, name string) (string, error) {
	if !c.Pairwise() || name == "" {
		return name, nil
	}
	if len(s.mac) == 0 {
		return "", errNoSubjects
	}
	raw, err := base64.RawURLEncoding.DecodeString(name)
	if err != nil || len(raw) <= tagSize {
		return "", fmt.Errorf("%w: not a pairwise name", idp.ErrInvalid)
	}
	tag, body := raw[:tagSize], raw[tagSize:]
	if err := s.crypt(tag, body); err != nil {
		return "", err
	}
	if !hmac.Equal(tag, s.tag(sector(c), of, string(body))) {
		return "", fmt.Errorf("%w: not a pairwise name of this sector", idp.ErrInvalid)
	}
	return string(body), nil
}

// tag is a MAC of which no two splits of the parts have the same.
func (s Subjects) tag(parts ...string) []byte {
	m := hmac.New(sha256.New, s.mac)
	for _, p := range parts {
		_ = binary.Write(m, binary.BigEndian, uint64(len(p))) // a hash takes everything
		m.Write([]byte(p))
	}
	return m.Sum(nil)[:tagSize]
}

// crypt turns an id into its name's second half, and back.
func (s Subjects) crypt(tag, body []byte) error {
	block, err := aes.NewCipher(s.seal)
	if err == nil {
		cipher.NewCTR(block, tag).XORKeyStream(body, body)
	}
	return err
}
