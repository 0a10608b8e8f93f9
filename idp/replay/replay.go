// Package replay remembers the answers to requests that a program may have to
// send again because it never saw the answer (Idempotency-Key): the second one
// is answered as the first was, and does nothing.
//
// It keeps no secrets: who repeats a request that made one learns that it was
// made (SECURITY.md D-06).
package replay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"latchkey/idp"
)

const (
	// Keep is how long an answer is remembered.
	Keep = 24 * time.Hour
	// lease is how long a request may be under way: after it, whoever worked on
	// it has died, and a repetition is a first try. It is longer than the longest
	// operation, for else a repetition would do the same beside it.
	lease = 10 * time.Minute
	// MaxKey is in bytes.
	MaxKey = 128
)

// What can go wrong, beside the errors of package idp.
var (
	// ErrOther means that the key was used for another request.
	ErrOther = fmt.Errorf("%w: Idempotency-Key: it was used for another request", idp.ErrInvalid)
	// ErrUnderWay means that the first request has no answer yet.
	ErrUnderWay = errors.New("replay: the first request with this key is under way")
)

// Two answers that this package knows by their number (RFC 9110 §15.6).
const (
	internal    = 500
	unavailable = 503
)

// Request is one with a key.
type Request struct {
	Caller string // whose keys these are
	Key    string
	Hash   string // of all that decides what is done; see [HashOf]
}

// HashOf is a fingerprint of a request.
func HashOf(method, target string, body []byte) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", method, target)
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Answer is what was said.
type Answer struct {
	Status int
	Head   map[string]string
	Body   string
}

// Store keeps requests.
type Store interface {
	// Begin notes that a request is under way until lease and returns no answer,
	// or returns what is known of the first one, in one guarded statement: of
	// many at once one begins. An answer of status 0 is under way; the hash is
	// that of the first request.
	Begin(ctx context.Context, r Request, now, lease, expires time.Time) (a Answer, hash string, first bool, err error)
	// Done notes the answer.
	Done(ctx context.Context, r Request, a Answer) error
	// Drop forgets a request that did nothing.
	Drop(ctx context.Context, r Request) error
}

// Book remembers. Its fields are set once, before first use.
type Book struct {
	Store Store
	Now   func() time.Time
}

// Begin returns the answer of the first request with the same key, or reports
// that this is the first, which then must end with End. It fails with ErrOther
// or ErrUnderWay.
func (b *Book) Begin(ctx context.Context, r Request) (a Answer, first bool, err error) {
	now := b.Now()
	a, hash, first, err := b.Store.Begin(ctx, r, now, now.Add(lease), now.Add(Keep))
	switch {
	case err != nil || first:
		return Answer{}, first, err
	case hash != r.Hash:
		return Answer{}, false, ErrOther
	case a.Status == 0:
		return Answer{}, false, ErrUnderWay
	}
	return a, false, nil
}

// End notes the answer of a request that did something, or may have: one that
// broke (5xx, or no status at all) may have done half. One that was refused, or
// was told to come back (503), may be sent again: it is forgotten.
func (b *Book) End(ctx context.Context, r Request, a Answer) error {
	refused := a.Status >= 300 && a.Status < 500
	if refused || a.Status == unavailable {
		return b.Store.Drop(ctx, r)
	}
	if a.Status < 200 {
		a.Status = internal
	}
	return b.Store.Done(ctx, r, a)
}
