package idp

import (
	"slices"
	"time"

	"latchkey/mfa"
)

// Kinds of proof that this package must know by name.
const (
	Password mfa.Kind = "pwd" // the first step
	Passkey  mfa.Kind = "passkey"
	// Device is a trusted browser. It is no factor (SECURITY.md M-13): it only
	// says why the second one was not asked for.
	Device mfa.Kind = "device"
)

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
	Kind     mfa.Kind   `json:"kind"`
	At       time.Time  `json:"at"`
	Verified bool       `json:"uv,omitempty"`     // of a passkey: it knew the person by PIN or body in this very use
	Synced   bool       `json:"synced,omitempty"` // of a passkey: it may be on several devices
	Device   string     `json:"device,omitempty"` // of a trusted browser: which
	Proven   []mfa.Kind `json:"proven,omitempty"` // of a trusted browser: the second factors when trust began
}

// First reports whether the proof stands for the first step: a password, or a
// passkey that verified the person.
func (p Proof) First() bool { return p.Kind == Password || p.Kind == Passkey && p.Verified }

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
	Device  string        // the trusted device that helped to open it, if one did
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
		if p.First() {
			return p.At
		}
	}
	return time.Time{}
}

// methods says what each kind of proof is in a token: its `amr` values
// (RFC 8176), whether it counts as a factor of its own beside the password, and
// whether it withstands phishing. A code by e-mail is no such factor
// (SECURITY.md M-17), and a trusted browser is no proof at all (M-13).
var methods = map[mfa.Kind]struct {
	amr               []string
	second, resistant bool
}{
	Password:    {amr: []string{"pwd"}},
	"totp":      {amr: []string{"otp"}, second: true},
	"backup":    {amr: []string{"otp"}, second: true},
	"temporary": {amr: []string{"otp"}, second: true},
	"sms":       {amr: []string{"otp", "sms"}, second: true},
	"email":     {amr: []string{"otp"}},
	Passkey:     {second: true, resistant: true},
	Device:      {},
}

// keys are the `amr` values of a passkey: where its key lives (RFC 8176
// "hwk", "swk"), and that somebody was there ("user").
func (p Proof) keys() []string {
	if p.Kind != Passkey {
		return nil
	}
	if p.Synced {
		return []string{"swk", "user"}
	}
	return []string{"hwk", "user"}
}

// AMR is the `amr` claim of some proofs: what happened, nothing else.
func AMR(ps []Proof) []string {
	var out []string
	for _, p := range ps {
		for _, v := range slices.Concat(methods[p.Kind].amr, p.keys()) {
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	if ACR(ps) != AAL1 {
		out = append(out, "mfa")
	}
	return out
}

// ACR is the `acr` claim of some proofs.
func ACR(ps []Proof) string {
	first, second, resistant := false, false, false
	for _, p := range ps {
		m := methods[p.Kind]
		first = first || p.First()
		second = second || m.second
		resistant = resistant || m.resistant
	}
	switch {
	case first && resistant:
		return PhishingResistant
	case first && second:
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
	// Every asks that the second factor, too, was proven since then: what guards
	// a change of factors (SECURITY.md M-05).
	Every bool
	// Subject, if set, is the only person who will do (id_token_hint).
	Subject UserID
}
