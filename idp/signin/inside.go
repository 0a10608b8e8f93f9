package signin

import (
	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// What follows is for doors behind the sign-in: whoever is asked there is asked on
// the same terms.

// Subject says who is asked, and on which terms.
func Subject(u idp.User, d policy.Decision, from idp.Origin) mfa.Subject { return subject(u, d, from) }

// NewToken makes the token of a session (S-10): 256 random bits.
func NewToken() string { return newToken() }
