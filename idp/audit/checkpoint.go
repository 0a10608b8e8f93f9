package audit

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
	"time"

	"latchkey/idp"
)

// Checkpoint says, signed, what the chain was like up to a place. A cut is one
// after which the rows up to its place may be gone.
type Checkpoint struct {
	Seq       int64
	Hash      []byte    // of the row at Seq
	At        time.Time // when it was made
	Count     int64     // rows since the checkpoint before it
	Began     time.Time // see Head.Began
	Cut       bool
	Key       string // the id of the key, see [KeyID]
	Signature []byte // Ed25519 (RFC 8032)
}

func (c Checkpoint) message() []byte {
	b := []byte("latchkey checkpoint 1")
	kind := byte(0)
	if c.Cut {
		kind = 1
	}
	b = append(b, kind)
	for _, n := range []int64{c.Seq, millis(c.At), c.Count, millis(c.Began)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, c.Hash...)
}

// Signed returns the checkpoint with its signature.
func (c Checkpoint) Signed(key ed25519.PrivateKey) Checkpoint {
	c.Key = KeyID(Public(key))
	c.Signature = ed25519.Sign(key, c.message())
	return c
}

// Genuine reports whether the holder of the key made the checkpoint.
func (c Checkpoint) Genuine(key ed25519.PublicKey) bool {
	return len(c.Hash) == sha256.Size && ed25519.Verify(key, c.message(), c.Signature)
}

// Public is the half of the key that everybody may know.
func Public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// KeyID is a short name of a key.
func KeyID(key ed25519.PublicKey) string {
	d := sha256.Sum256(key)
	return hex.EncodeToString(d[:8])
}

const keyPrefix = "ed25519:"

// FormatKey writes a public key as auditors keep it.
func FormatKey(key ed25519.PublicKey) string {
	return keyPrefix + base64.StdEncoding.EncodeToString(key)
}

// ParseKey reads what FormatKey wrote, or the file that it is in. It fails with
// idp.ErrInvalid.
func ParseKey(text string) (ed25519.PublicKey, error) {
	if !strings.HasPrefix(text, keyPrefix) {
		b, err := os.ReadFile(text)
		if err != nil {
			return nil, fmt.Errorf("%w: key: a text that begins with %s, as `latchkey audit key` prints it, or a file with it: %w", idp.ErrInvalid, keyPrefix, err)
		}
		text = strings.TrimSpace(string(b))
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, keyPrefix))
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("%w: key: a text that begins with %s, as `latchkey audit key` prints it", idp.ErrInvalid, keyPrefix)
	}
	return b, nil
}

// millis is a time in Unix milliseconds, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
