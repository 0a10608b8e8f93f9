// Package keyring holds the keys under which secrets at rest are sealed
// (SECURITY.md T-04, C-03), and derives other keys from one root secret.
//
// The keys live in a file outside the database, so that a stolen dump opens
// nothing. The package never talks to a database and never decides what is a
// secret; it seals what it is given, for one purpose each.
package keyring

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// What can go wrong with a ring; callers add the path or the row.
var (
	// ErrSealed means that none of the ring's keys opens a value for the given
	// purpose: another key sealed it, it was altered, or it was moved.
	ErrSealed = errors.New("keyring: value does not open with these keys")
	// ErrExposed means that others than its owner may read the key file.
	ErrExposed = errors.New("keyring: key file is open to others; chmod 600 it")
	// ErrBroken means that the file is no keyring.
	ErrBroken = errors.New("keyring: not a keyring file")
)

// Ring is a set of AES-256-GCM keys: one seals, all of them open. It is safe
// for concurrent use. One that was read from a file looks at the file again,
// see [Ring.Refresh].
type Ring struct {
	mu     sync.RWMutex
	handle *keyset.Handle
	cipher tink.AEAD

	path string      // empty: in memory only
	seen os.FileInfo // the file when it was last read or written
}

// New makes a ring with one fresh key, in memory only.
func New() *Ring {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		panic(err) // the template is constant and the system's randomness never fails
	}
	r := &Ring{}
	if err := r.use(h); err != nil {
		panic(err)
	}
	return r
}

// Seal encrypts plain. The purpose names the place that the value is for (such
// as table, column and row); the value opens nowhere else, so somebody who can
// write to the database cannot pass one row's secret off as another's.
func (r *Ring) Seal(plain, purpose []byte) ([]byte, error) {
	// At every seal: from the moment that the file has a new key on, nothing is
	// sealed with an old one, which somebody may be about to forget.
	_ = r.Refresh() // what is known keeps working; who keeps house says what is wrong
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.cipher.Encrypt(plain, purpose)
}

// Open decrypts what Seal made for the same purpose, or fails with [ErrSealed].
//
// A key that this ring does not know may be in the file by now.
func (r *Ring) Open(sealed, purpose []byte) ([]byte, error) {
	plain, err := r.current().Decrypt(sealed, purpose)
	if err != nil && !r.knows(sealed) {
		opens := func(other tink.AEAD) bool {
			_, err := other.Decrypt(sealed, purpose)
			return err == nil
		}
		if taken, _ := r.look(opens); taken {
			plain, err = r.current().Decrypt(sealed, purpose)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%s)", ErrSealed, purpose)
	}
	return plain, nil
}

func (r *Ring) current() tink.AEAD {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.cipher
}

// use replaces the keys; the caller holds the lock or the only reference.
func (r *Ring) use(h *keyset.Handle) error {
	c, err := aead.New(h)
	if err != nil {
		return err
	}
	r.handle, r.cipher = h, c
	return nil
}

func (r *Ring) encode() ([]byte, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	var b bytes.Buffer
	err := insecurecleartextkeyset.Write(r.handle, keyset.NewJSONWriter(&b))
	return b.Bytes(), err
}

func decode(b []byte) (*Ring, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(b)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	r := &Ring{}
	if err := r.use(h); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBroken, err)
	}
	return r, nil
}

// Derive makes the 32-byte key of that name from a root secret (HKDF-SHA256,
// RFC 5869). Keys of different names tell nothing about each other.
func Derive(root []byte, name string) []byte {
	k, err := hkdf.Key(sha256.New, root, nil, "latchkey "+name, 32)
	if err != nil {
		panic(err) // only lengths beyond 8160 bytes fail
	}
	return k
}
