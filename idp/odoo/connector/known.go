package connector

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"latchkey/idp"
)

// known remembers what costs a question otherwise: who is linked, who was
// refused, which clients have no connection, and which Odoo does not answer.
// Forgetting is always fine.
type known struct {
	mu      sync.Mutex
	until   map[string]time.Time
	refused map[string]turnedAway // by client and person
	heard   map[string]heard      // by connection
}

// turnedAway is why an Odoo has nobody for somebody.
type turnedAway struct {
	why   error
	of    circumstances
	until time.Time
}

// circumstances are what a refusal depends on here, as a hash: with other ones it
// is none.
type circumstances [sha256.Size]byte

func circumstancesOf(c Connection, t Tie, u idp.User) circumstances {
	return sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d %d %+v %d %q %d %q %t",
		c.URL, c.Database, c.Login, c.Key, c.Provider, c.Since.UnixMilli(), c.Settings, t.Odoo, t.Login, t.Linked.UnixMilli(), u.Email, u.EmailVerified))
}

// heard is what was known of a connection when it was looked at last.
type heard struct {
	unlinked, since time.Time
	provider        int64
}

func (k *known) fresh(key string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return now.Before(k.until[key])
}

func (k *known) keep(key string, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.until == nil || len(k.until) >= jitMost {
		k.until = map[string]time.Time{}
	}
	k.until[key] = until
}

func (k *known) forget(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.until, key)
}

// refuse remembers a refusal.
func (k *known) refuse(key string, r turnedAway) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refused == nil || len(k.refused) >= jitMost {
		k.refused = map[string]turnedAway{}
	}
	k.refused[key] = r
}

// refusal is why somebody was refused a moment ago; nil: they were not, or things
// have changed here since.
func (k *known) refusal(key string, of circumstances, now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	r, ok := k.refused[key]
	if !ok || r.of == of && now.Before(r.until) {
		return r.why
	}
	delete(k.refused, key)
	return nil
}

// forgetLinks forgets who is linked in a connection when a link was found to be gone
// since the last time, or when Odoo's row is another one.
func (k *known) forgetLinks(c Connection, h heard) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if was, ok := k.heard[c.ID]; ok && was != h {
		of := linkedIn(c.Client)
		maps.DeleteFunc(k.until, func(key string, _ time.Time) bool { return strings.HasPrefix(key, of) })
	}
	if k.heard == nil {
		k.heard = map[string]heard{}
	}
	k.heard[c.ID] = h
}

func noConnection(client idp.ClientID) string { return "none " + string(client) }

func linkedIn(client idp.ClientID) string { return "linked " + string(client) + " " }

func down(c Connection) string { return "down " + c.ID }

// watched means that the synchronisation of a connection works: it would have
// seen a link that was taken away.
func watched(c Connection) string { return "watched " + c.ID }

// heed takes in what the synchronisation of a connection knows, on every
// instance: one of them runs it, all let people in.
func (k *known) heed(c Connection, s SyncState) {
	h := heard{provider: c.Provider, since: c.Since}
	if c.Settings.Sync {
		h.unlinked = s.Unlinked
		if s.Failures == 0 && !s.Succeeded.IsZero() {
			k.keep(watched(c), s.Succeeded.Add(jitWatch))
		}
	}
	k.forgetLinks(c, h)
}

// trusted is how long a link is taken to be there.
func (k *known) trusted(c Connection, now time.Time) time.Duration {
	if k.fresh(watched(c), now) {
		return jitKnown
	}
	return jitAgain
}
