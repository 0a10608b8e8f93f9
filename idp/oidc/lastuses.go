package oidc

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Proof is how a client proved who it is.
type Proof string

const (
	ProofSecret     Proof = "secret"
	ProofValidation Proof = "validation" // an Odoo's address
	ProofOther      Proof = "other"      // a key of its own, or nothing
)

// LastUse is when a proof of a client was used last, to the day.
type LastUse struct {
	Client ClientID
	Proof  Proof
	Serial int // of the secret
	At     time.Time
}

// UseStore keeps last uses.
type UseStore interface {
	// Used notes uses; an older one changes nothing.
	Used(ctx context.Context, uses []LastUse) error
	// Uses lists those of one client, or of all when it is empty.
	Uses(ctx context.Context, c ClientID) ([]LastUse, error)
	// Known lists those that somebody has signed in to or allowed something, or that
	// hold something for a person: that client, or of all when it is empty.
	Known(ctx context.Context, c ClientID) ([]ClientID, error)
	// People counts who got into a client since a moment.
	People(ctx context.Context, c ClientID, since time.Time) (int, error)
}

// day is how exact a last use is.
const day = 24 * time.Hour

// LastUses gathers last uses in memory. A request costs it a look into a map;
// each secret is written once a day, and behind the requests. What is lost with
// an instance that falls over is noted at the next use.
type LastUses struct {
	Store UseStore
	Now   func() time.Time

	mu      sync.Mutex
	seen    map[useKey]time.Time
	waiting []LastUse
}

type useKey struct {
	client ClientID
	proof  Proof
	serial int
}

// Note remembers that a client has proven itself. Nil is content.
func (l *LastUses) Note(c ClientID, by Proof, serial int) {
	if l == nil {
		return
	}
	now, k := l.Now(), useKey{c, by, serial}
	l.mu.Lock()
	defer l.mu.Unlock()
	if at, ok := l.seen[k]; ok && now.Sub(at) < day {
		return
	}
	if l.seen == nil {
		l.seen = map[useKey]time.Time{}
	}
	l.seen[k] = now
	l.waiting = append(l.waiting, LastUse{Client: c, Proof: by, Serial: serial, At: now})
}

// Flush writes what was noted. What could not be written waits for the next
// time.
func (l *LastUses) Flush(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	some := l.waiting
	l.waiting = nil
	l.mu.Unlock()
	if len(some) == 0 {
		return nil
	}
	err := l.Store.Used(ctx, some)
	if err != nil {
		l.mu.Lock()
		l.waiting = append(some, l.waiting...)
		l.mu.Unlock()
		return errors.Join(errors.New("oidc: last uses of clients"), err)
	}
	return nil
}
