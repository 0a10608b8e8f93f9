package idp

import (
	"slices"
	"time"

	"latchkey/mfa"
)

// Password is the method name of the first step.
const Password mfa.Kind = "pwd"

// Authentication context class references, from least to most (`acr`).
const (
	AAL1              = "aal1" // one factor
	AAL2              = "aal2" // two different factors, or one that is two
	PhishingResistant = "phr"  // OpenID EAP ACR Values 1.0 §4
)

// ACRs lists them in order.
var ACRs = []string{AAL1, AAL2, PhishingResistant}

// Proof is one thing that a person proved, and when.
type Proof struct {
	Kind mfa.Kind  `json:"kind"`
	At   time.Time `json:"at"`
}

// Session is a signed-in browser. The browser holds a random token, we its
// hash.
type Session struct {
	ID      SessionID
	Hash    string // hex SHA-256 of the token
	User    UserID
	Epoch   int64 // of the person when the sign-in began; a raised one kills the session
	Proofs  []Proof
	Created time.Time
	Seen    time.Time
	Expires time.Time     // absolute
	Idle    time.Duration // ends after so long without a request
	Origin  Origin
}

// Live reports whether the session is neither idle nor expired at now.
func (s Session) Live(now time.Time) bool {
	return now.Before(s.Expires) && now.Before(s.Seen.Add(s.Idle))
}

// AuthTime is when the person last proved the first factor.
func (s Session) AuthTime() time.Time { return AuthTime(s.Proofs) }

// AuthTime is the `auth_time` of some proofs. It is as exact as the clock:
// in whole seconds, a sign-in just before prompt=login would pass for one
// after it.
func AuthTime(ps []Proof) time.Time {
	for _, p := range slices.Backward(ps) {
		if p.Kind == Password {
			return p.At
		}
	}
	return time.Time{}
}

// methods says what each kind of proof is in a token: its `amr` values
// (RFC 8176) and whether it counts as a factor of its own beside the password.
var methods = map[mfa.Kind]struct {
	amr    []string
	second bool
}{
	Password: {amr: []string{"pwd"}},
	"totp":   {amr: []string{"otp"}, second: true},
	"backup": {amr: []string{"otp"}, second: true},
}

// AMR is the `amr` claim of some proofs: what happened, nothing else.
func AMR(ps []Proof) []string {
	var out []string
	add := func(v string) {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	for _, p := range ps {
		for _, v := range methods[p.Kind].amr {
			add(v)
		}
	}
	if ACR(ps) != AAL1 {
		add("mfa")
	}
	return out
}

// ACR is the `acr` claim of some proofs.
func ACR(ps []Proof) string {
	first, second := false, false
	for _, p := range ps {
		m, known := methods[p.Kind]
		first = first || known && !m.second
		second = second || m.second
	}
	if first && second {
		return AAL2
	}
	return AAL1
}

// Need is what a door asks of the session behind it. The zero Need asks only
// for somebody who is signed in as policy wants it.
type Need struct {
	Client ClientID
	ACR    string // at least this; empty: whatever policy says
	// Essential makes a missing ACR a refusal instead of a wish
	// (OpenID Connect Core 1.0 §5.5.1.1).
	Essential bool
	// Since asks for a first factor proven at or after this moment
	// (prompt=login, max_age); zero: any time in the session's life.
	Since time.Time
	// Subject, if set, is the only person who will do (id_token_hint).
	Subject UserID
}
