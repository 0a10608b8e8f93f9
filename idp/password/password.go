// Package password hashes and checks passwords, its own and those that came
// from elsewhere, and says which new ones are good enough.
//
// Hashing is where a stranger can make the server work: no more hashes run at
// once than there are slots, a bounded number of callers waits, and the rest
// is told to come again. The package stores nothing and knows no users.
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"latchkey/idp"
)

// MaxLength is how long a password may be, in code points. Longer ones are
// refused before anything is computed, never cut.
const MaxLength = 256

// Why a password is refused; each is an idp.ErrInvalid.
var (
	ErrEmpty     = fmt.Errorf("%w: password: must not be empty", idp.ErrInvalid)
	ErrLong      = fmt.Errorf("%w: password: at most %d characters", idp.ErrInvalid, MaxLength)
	ErrShort     = fmt.Errorf("%w: password: too short", idp.ErrInvalid)
	ErrText      = fmt.Errorf("%w: password: must be text without control characters", idp.ErrInvalid)
	ErrCommon    = fmt.Errorf("%w: password: among the first that are tried", idp.ErrInvalid)
	ErrGuessable = fmt.Errorf("%w: password: easy to guess; besides names and common passwords it needs %d characters", idp.ErrInvalid, floor)
)

// errUnreadable has no sentinel of idp: that a stored hash cannot be read is
// our fault, not the fault of whoever types a password.
var errUnreadable = errors.New("password: the stored hash has an unknown format")

const (
	saltBytes = 16
	keyBytes  = 32
)

// Params are the cost of argon2id (RFC 9106 §3.1).
type Params struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8
}

// Default is the cost that the OWASP Password Storage Cheat Sheet asks for.
var Default = Params{Memory: 19 * 1024, Time: 2, Threads: 1}

func (p Params) key(secret, salt []byte) []byte {
	return argon2.IDKey(secret, salt, p.Time, p.Memory, p.Threads, keyBytes)
}

// Hasher hashes and checks passwords with bounded memory and processor time.
// It is safe for concurrent use.
type Hasher struct {
	params Params
	lanes  lanes
	decoy  []byte // salt for passwords that are compared with nothing
}

// New makes a Hasher for slots hashes at once (0 = one per processor), with up
// to queue callers waiting (0 = 32 per slot). Zero params are [Default].
func New(p Params, slots, queue int) *Hasher {
	if p.Memory == 0 {
		p.Memory = Default.Memory
	}
	if p.Time == 0 {
		p.Time = Default.Time
	}
	if p.Threads == 0 {
		p.Threads = Default.Threads
	}
	h := &Hasher{params: p, lanes: newLanes(slots, queue), decoy: make([]byte, saltBytes)}
	h.lanes.after = p.collect
	_, _ = rand.Read(h.decoy) // never fails: see crypto/rand.Read
	return h
}

// Hash encodes a password as a PHC string. The password is prepared first, so
// that two keyboards' spellings of one text are one password (RFC 8265
// §4.2.2). idp.ErrInvalid when it is empty, too long or not text; idp.ErrBusy
// when the queue is full.
func (h *Hasher) Hash(ctx context.Context, plain string) (string, error) {
	if err := short(plain); err != nil {
		return "", err
	}
	prepared, err := prepare(plain)
	if err != nil {
		return "", err
	}
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt)
	var encoded string
	err = h.lanes.run(ctx, false, func() {
		encoded = argon{kind: "argon2id", params: h.params, salt: salt, key: h.params.key([]byte(prepared), salt)}.String()
	})
	return encoded, err
}

// Check reports whether plain is the password behind encoded, and whether the
// hash should be replaced by a new one of plain: because it came from
// elsewhere, or because the parameters have changed since.
//
// An empty encoded costs as much as one made by Hash and is never right: time
// does not tell who exists. A hash from elsewhere costs what it costs, until
// the first sign-in replaces it.
//
// Hashes from elsewhere are compared with the bytes as typed, and if that
// fails with the prepared form. idp.ErrInvalid when plain is too long;
// idp.ErrBusy when the queue is full.
func (h *Hasher) Check(ctx context.Context, encoded, plain string) (ok, outdated bool, err error) {
	if err := short(plain); err != nil {
		return false, false, err
	}
	v, err := parse(encoded)
	if err != nil {
		return false, false, h.pretend(ctx, encoded, plain)
	}
	foreign := !h.light(v)
	err = h.lanes.run(ctx, foreign, func() {
		for _, form := range forms(plain, foreign) {
			ok = ok || v.verify([]byte(form))
		}
	})
	if err != nil {
		return false, false, err
	}
	return ok, ok && h.outdated(v), nil
}

// pretend costs what a wrong password costs, down to the second try for text
// that has two spellings.
func (h *Hasher) pretend(ctx context.Context, encoded, plain string) error {
	err := h.lanes.run(ctx, false, func() {
		for _, form := range forms(plain, false) {
			h.params.key([]byte(form), h.decoy)
		}
	})
	if err == nil && encoded != "" {
		return errUnreadable
	}
	return err
}

// Known fails with idp.ErrInvalid if no verifier knows the format of encoded,
// or if checking it would cost more than a sign-in may.
func Known(encoded string) error {
	if _, err := parse(encoded); err != nil {
		return fmt.Errorf("%w: password hash: %w", idp.ErrInvalid, err)
	}
	return nil
}

// Key derives 32 bytes from a short secret such as a backup code, at the cost
// of a password and in the same slots.
func (h *Hasher) Key(ctx context.Context, secret, salt []byte) ([]byte, error) {
	var key []byte
	err := h.lanes.run(ctx, false, func() { key = h.params.key(secret, salt) })
	return key, err
}

// light reports whether checking v costs no more than our own hashes do.
func (h *Hasher) light(v verifier) bool {
	a, ok := v.(argon)
	return ok && a.params.weight() <= h.params.weight()
}

func (p Params) weight() uint64 { return uint64(p.Memory) * uint64(p.Time) }

// outdated reports whether v is not what Hash would make.
func (h *Hasher) outdated(v verifier) bool {
	a, ok := v.(argon)
	return !ok || a.kind != "argon2id" || a.params != h.params || len(a.salt) < saltBytes || len(a.key) != keyBytes
}

func short(plain string) error {
	if utf8.RuneCountInString(plain) > MaxLength {
		return ErrLong
	}
	return nil
}

func same(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }
