package oidc

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"latchkey/idp"
)

// strangers writes down who could not prove to be a client that there is
// (SECURITY.md D-07): a secret that somebody guesses, or an application that still
// has the old one. Of one address and client it notes one failure a minute, and
// of too many in that time no more: strangers must not fill the log.
type strangers struct {
	log    idp.Log
	now    func() time.Time
	origin func(*http.Request) idp.Origin

	mu   sync.Mutex
	seen map[stranger]time.Time
}

type stranger struct {
	client  ClientID
	address string
}

const (
	strangerRest = time.Minute
	mostSeen     = 1000
)

// note fails only where the log does. It writes behind the request's own
// transaction, which fails.
func (s *strangers) note(r *http.Request, id ClientID, method string) error {
	from := s.origin(r)
	if !s.first(stranger{id, from.Address}) {
		return nil
	}
	return s.log.Append(r.Context(), idp.Event{
		ID: rand.Text(), At: s.now(), What: "client.auth", Client: id, Origin: from, Result: "wrong", Detail: map[string]string{"method": method},
	})
}

func (s *strangers) first(w stranger) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if at, ok := s.seen[w]; ok && now.Sub(at) < strangerRest {
		return false
	}
	for k, at := range s.seen {
		if now.Sub(at) >= strangerRest {
			delete(s.seen, k)
		}
	}
	if len(s.seen) >= mostSeen {
		return false
	}
	if s.seen == nil {
		s.seen = map[stranger]time.Time{}
	}
	s.seen[w] = now
	return true
}
