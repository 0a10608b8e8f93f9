package signin

import (
	"context"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// What follows is for doors behind the sign-in: a wrong password there counts
// as here, and whoever is asked is asked on the same terms (SECURITY.md B-01).

// PasswordBudgets are what a wrong password of a person costs, at every door.
// The first is the account's, and a lock of it says nothing about the network.
func (s *Service) PasswordBudgets(ctx context.Context, u idp.User, known string, from idp.Origin) ([]mfa.Budget, error) {
	return s.budgets(ctx, u, "", known, from)
}

// Remember returns the cookie of known browsers with this one for the person as
// they are now: a raised epoch makes it a stranger.
func (s *Service) Remember(u idp.User, known string) string {
	return knownBrowsers(s.Secret).remember(u, known)
}

// Subject says who is asked, and on which terms.
func Subject(u idp.User, d policy.Decision, from idp.Origin) mfa.Subject { return subject(u, d, from) }

// NewToken makes the token of a session (S-10): 256 random bits.
func NewToken() string { return newToken() }
