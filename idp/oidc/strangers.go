package oidc

import (
	"crypto/rand"
	"net/http"
	"slices"
	"sync"
	"time"

	"latchkey/idp"
)

// strangers writes down who could not prove to be a client that there is
// (SECURITY.md D-07): a secret that somebody guesses, or an application that still
// has the old one. Of one client it notes an address once a minute, and ten
// addresses at most: strangers must not fill the log, nor hide what happens to
// another client.
type strangers struct {
	log    idp.Log
	now    func() time.Time
	origin func(*http.Request) idp.Origin

	mu   sync.Mutex
	seen map[ClientID]noted
}

// noted are the addresses of one minute.
type noted struct {
	since     time.Time
	addresses []string
}

const mostNoted = 10

// note fails only where the log does. It writes behind the request's own
// transaction, which fails.
func (s *strangers) note(r *http.Request, id ClientID, method string) error {
	from := s.origin(r)
	if !s.first(id, from.Address) {
		return nil
	}
	return s.log.Append(r.Context(), idp.Event{
		ID: rand.Text(), At: s.now(), What: "client.auth", Client: id, Origin: from, Result: "wrong", Detail: map[string]string{"method": method},
	})
}

func (s *strangers) first(id ClientID, address string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, now := s.seen[id], s.now()
	if now.Sub(n.since) >= time.Minute {
		n = noted{since: now}
	}
	if slices.Contains(n.addresses, address) || len(n.addresses) >= mostNoted {
		return false
	}
	n.addresses = append(n.addresses, address)
	if s.seen == nil {
		s.seen = map[ClientID]noted{}
	}
	s.seen[id] = n
	return true
}
