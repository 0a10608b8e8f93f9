package signin

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Marks are what a browser carries from earlier visits, as its cookies say it.
type Marks struct {
	Known  string // browsers in which somebody has signed in before
	Device string // browsers that somebody trusts
}

// A known browser is one in which a person has signed in before. It has a
// budget of wrong passwords of its own, so that strangers who use up the
// account's cannot lock its owner out (B-09; OWASP "device cookies"). The
// cookie lists a few entries "id.mac"; the mac covers the person and their
// epoch, so the cookie names nobody and dies with a password change.
//
// The bytes are the key of the mac.
type knownBrowsers []byte

const (
	knownMost = 6
	knownID   = 16 // bytes
)

// device returns the id of this browser for the person, or "" if it is not known.
func (k knownBrowsers) device(u idp.User, cookie string) string {
	for i, entry := range strings.Split(cookie, "~") {
		id, mac, ok := strings.Cut(entry, ".")
		if i >= knownMost {
			return ""
		}
		if ok && u.ID != "" && hmac.Equal([]byte(mac), []byte(k.mac(u, id))) {
			return id
		}
	}
	return ""
}

// remember returns the cookie with an entry for the person in front.
func (k knownBrowsers) remember(u idp.User, cookie string) string {
	if k.device(u, cookie) != "" {
		return cookie
	}
	b := make([]byte, knownID)
	rand.Read(b)
	id := base64.RawURLEncoding.EncodeToString(b)
	entries := []string{id + "." + k.mac(u, id)}
	for _, e := range strings.Split(cookie, "~") {
		if e != "" && len(e) < 128 && len(entries) < knownMost {
			entries = append(entries, e)
		}
	}
	return strings.Join(entries, "~")
}

func (k knownBrowsers) mac(u idp.User, id string) string {
	m := hmac.New(sha256.New, k)
	fmt.Fprintf(m, "known\x00%s\x00%d\x00%s", u.ID, u.Epoch, id)
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil)[:16])
}

// What a hard lock counts at most, and how long it lasts at least (PCI DSS
// 8.3.4, SECURITY.md N-06).
const (
	hardTries = 10
	hardLock  = 30 * time.Minute
)

// budgets lists what a wrong password costs. Names that nobody has share a
// bounded number of counters, so that strangers can neither fill the table
// nor tell by its limits who exists (B-06, C-12, E-01).
func (s *Service) budgets(ctx context.Context, u idp.User, canonical, known string, from idp.Origin) ([]mfa.Budget, error) {
	account := mfa.Budget{Key: PasswordKey(u.ID), Max: s.Rules.AccountTries, Per: s.Rules.Per, Streak: s.Rules.Streak}
	hard, err := s.hard(ctx, u)
	if err != nil {
		return nil, err
	}
	if u.ID == "" {
		sum := sha256.Sum256(append([]byte(canonical), s.Secret...))
		account.Key = "pw:?" + strconv.Itoa(int(sum[0])<<8|int(sum[1]))
	} else if hard {
		account.Max, account.Per = min(account.Max, hardTries), max(account.Per, hardLock)
	} else if id := knownBrowsers(s.Secret).device(u, known); id != "" {
		account.Key += ":" + id
	}
	return []mfa.Budget{account, network(s.Rules, from)}, nil
}

// hard reports whether a policy locks somebody hard: then no browser of theirs
// has a budget of its own. At whose door the password is tried makes no
// difference, for it is the same at all of them: conditions of place are left
// aside, or the tries at a kinder door would be free.
func (s *Service) hard(ctx context.Context, u idp.User) (bool, error) {
	if u.ID == "" {
		return false, nil
	}
	ps, err := s.Policies.InForce(ctx)
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(ps, func(p policy.Policy) bool { return p.What.Lock != "" }) {
		return false, nil // the usual case decides nothing
	}
	return policy.Decide(ps, policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Anywhere: true, Now: s.Now(),
	}).HardLock, nil
}

// network is the budget of tries of everybody at one place.
func network(r Rules, from idp.Origin) mfa.Budget {
	return mfa.Budget{Key: "ip:" + Network(from.Address), Max: r.AddressTries, Per: r.Per, Shared: true}
}

// PasswordKey is the budget of wrong passwords from browsers that a person
// has not used before.
func PasswordKey(u idp.UserID) string { return "pw:" + string(u) }

// Network groups addresses that one customer usually has: an IPv4 address, or
// an IPv6 /64 (B-10).
func Network(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64)
	return p.String()
}

// Network counts a try of whoever sits at one place, at a door that knows no
// account yet. A *mfa.LockedError when there were too many.
func (s *Service) Network(ctx context.Context, from idp.Origin) error {
	return s.Limiter.Take(ctx, network(s.Rules, from))
}
