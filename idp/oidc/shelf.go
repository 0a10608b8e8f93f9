package oidc

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"latchkey/idp"
)

// Bounds of a shelf. Strangers make us call, by requests that need no proof.
const (
	maxShelf    = 1000 // addresses
	callsAtOnce = 8
	callsPer    = time.Minute
	// mostCalls is how often a client that registered itself can make us call within
	// callsPer: it may name many addresses, of somebody else.
	mostCalls = 30
)

// errBusy means that nothing was called: there are too many calls already.
var errBusy = fmt.Errorf("%w: too many calls at once, or for this client", errSilent)

// shelf holds what clients keep at addresses of theirs. Those that registered
// themselves have a side of their own, so that they can push out nothing of the
// others, nor keep them waiting.
type shelf struct {
	out Calls
	now func() time.Time

	kept, strangers side
}

// side is one half of a shelf.
type side struct {
	mu        sync.Mutex
	documents map[string]*document
	calls     map[ClientID]int // of this window
	since     time.Time        // when it began
	busy      chan struct{}    // a place for each call that is on its way
}

// document is what is known of one address. Whoever has its turn may read and
// write it, so that many who come at once ask once.
type document struct {
	turn chan struct{}
	used time.Time // guarded by its side

	keys []jose.JSONWebKey // of a key set
	body []byte            // of a request object
	err  error             // instead of it
	read time.Time         // when what is there came
	last time.Time         // when it was tried last
}

func newShelf(out Calls, now func() time.Time) *shelf {
	return &shelf{out: out, now: now, kept: newSide(), strangers: newSide()}
}

func newSide() side {
	return side{documents: map[string]*document{}, calls: map[ClientID]int{}, busy: make(chan struct{}, callsAtOnce)}
}

func (s *shelf) side(c Client) *side {
	if c.ByItself() {
		return &s.strangers
	}
	return &s.kept
}

// take waits for the turn at a document, or fails as ctx does.
func (s *shelf) take(ctx context.Context, c Client, uri string) (*document, error) {
	d := s.side(c).document(uri, s.now())
	select {
	case d.turn <- struct{}{}:
		return d, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (d *document) leave() { <-d.turn }

// call fetches what is at an address. What one request gives up on serves the
// others. It fails with idp.ErrInvalid as [fetch] does, and with errBusy.
func (s *shelf) call(ctx context.Context, c Client, address string) ([]byte, error) {
	at := s.side(c)
	if c.ByItself() && !at.may(c.ID, s.now()) {
		return nil, fmt.Errorf("%w: %w", idp.ErrInvalid, errBusy)
	}
	wait, cancel := context.WithTimeout(ctx, outboundLimit)
	defer cancel()
	select {
	case at.busy <- struct{}{}:
		defer func() { <-at.busy }()
		return fetch(context.WithoutCancel(ctx), s.out.For(c), address, maxDocument)
	case <-wait.Done():
		return nil, fmt.Errorf("%w: %w", idp.ErrInvalid, errBusy)
	}
}

// may counts a call.
func (s *side) may(c ClientID, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.since) >= callsPer {
		s.since = now
		clear(s.calls)
	}
	if s.calls[c] >= mostCalls {
		return false
	}
	s.calls[c]++
	return true
}

// document finds what is known of an address. Where there are too many, the one
// that was used longest ago is forgotten.
func (s *side) document(uri string, now time.Time) *document {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.documents[uri]
	if d == nil {
		if len(s.documents) >= maxShelf {
			delete(s.documents, s.oldest())
		}
		d = &document{turn: make(chan struct{}, 1)}
		s.documents[uri] = d
	}
	d.used = now
	return d
}

func (s *side) oldest() (uri string) {
	var when time.Time
	for at, d := range s.documents {
		if uri == "" || d.used.Before(when) {
			uri, when = at, d.used
		}
	}
	return uri
}
