package signin

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// What a hard lock counts at most, and how long it lasts at least (PCI DSS
// 8.3.4, SECURITY.md N-06).
const (
	hardTries = 10
	hardLock  = 30 * time.Minute
)

// Tries knows what a wrong answer costs, at every door: here, and behind the
// sign-in, where it counts as here (SECURITY.md B-01).
type Tries struct {
	limiter  mfa.Limiter
	policies Policies
	rules    Rules
	secret   []byte // signs the cookies of known browsers
	now      func() time.Time
}

// Tries knows what a wrong answer costs.
func (s *Service) Tries() Tries { return Tries{s.Limiter, s.Policies, s.Rules, s.Secret, s.Now} }

// Password is what a wrong password of a person costs. The first budget is the
// account's, and a lock of it says nothing about the network.
func (t Tries) Password(ctx context.Context, u idp.User, known string, from idp.Origin) ([]mfa.Budget, error) {
	return t.budgets(ctx, u, "", known, from)
}

// Remember returns the cookie of known browsers with this one for the person as
// they are now: a raised epoch makes it a stranger.
func (t Tries) Remember(u idp.User, known string) string {
	return knownBrowsers(t.secret).remember(u, known)
}

// Place counts a try of whoever sits at one place, at a door that knows no
// account yet. A *mfa.LockedError when there were too many.
func (t Tries) Place(ctx context.Context, from idp.Origin) error {
	return t.limiter.Take(ctx, network(t.rules, from))
}

// budgets lists what a wrong password costs. Names that nobody has share a
// bounded number of counters, so that strangers can neither fill the table
// nor tell by its limits who exists (B-06, C-12, E-01).
func (t Tries) budgets(ctx context.Context, u idp.User, canonical, known string, from idp.Origin) ([]mfa.Budget, error) {
	account := mfa.Budget{Key: PasswordKey(u.ID), Max: t.rules.AccountTries, Per: t.rules.Per, Streak: t.rules.Streak}
	hard, err := t.hard(ctx, u)
	if err != nil {
		return nil, err
	}
	if u.ID == "" {
		sum := sha256.Sum256(append([]byte(canonical), t.secret...))
		account.Key = "pw:?" + strconv.Itoa(int(sum[0])<<8|int(sum[1]))
	} else if hard {
		account.Max, account.Per = min(account.Max, hardTries), max(account.Per, hardLock)
	} else if id := knownBrowsers(t.secret).device(u, known); id != "" {
		account.Key += ":" + id
	}
	return []mfa.Budget{account, network(t.rules, from)}, nil
}

// hard reports whether a policy locks somebody hard: then no browser of theirs
// has a budget of its own. At whose door the password is tried makes no
// difference, for it is the same at all of them: conditions of place are left
// aside, or the tries at a kinder door would be free.
func (t Tries) hard(ctx context.Context, u idp.User) (bool, error) {
	if u.ID == "" {
		return false, nil
	}
	ps, err := t.policies.InForce(ctx)
	if err != nil {
		return false, err
	}
	if !slices.ContainsFunc(ps, func(p policy.Policy) bool { return p.What.Lock != "" }) {
		return false, nil // the usual case decides nothing
	}
	return policy.Decide(ps, policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(), Anywhere: true, Now: t.now(),
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
