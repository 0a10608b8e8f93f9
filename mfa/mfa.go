// Package mfa runs second factors: it knows what a person holds, asks for
// proof and judges the answer.
//
// A [Factor] is one kind of proof and keeps no state of its own. The [Engine]
// runs every factor through the same steps (limits, one-time challenges,
// compare-and-swap of the credential), so a new factor cannot forget one.
//
// The package knows nothing of HTTP, SQL or single sign-on.
package mfa

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

type (
	// Kind names a factor in storage, policies, the audit log and pages.
	Kind string
	// SubjectID is the person's id, as the caller counts people.
	SubjectID string
	// CredentialID names one credential.
	CredentialID string
	// ChallengeID names one ceremony; 130 random bits.
	ChallengeID string
)

// What can go wrong; callers map these to words and status codes.
var (
	ErrWrong    = errors.New("mfa: wrong answer")
	ErrExpired  = errors.New("mfa: challenge unknown, used up or expired")
	ErrLocked   = errors.New("mfa: too many attempts")
	ErrNotHeld  = errors.New("mfa: factor not held")
	ErrNoFactor = errors.New("mfa: no such factor")
	ErrConflict = errors.New("mfa: credential changed meanwhile")
	ErrUnsent   = errors.New("mfa: the code could not be sent")
	ErrRefused  = errors.New("mfa: not accepted by policy") // a right answer of an authenticator that may not be used
	// ErrCloned is the ErrWrong of a key that seems to have a twin, where
	// [Terms.NoClones] refuses it.
	ErrCloned = fmt.Errorf("%w: the key seems to have a twin", ErrWrong)
)

// Subject is the person being asked, in the words factors need.
type Subject struct {
	ID            SubjectID
	Name          string // how an authenticator app lists the account: e-mail or login
	Email         string
	EmailVerified bool
	Phone         string // E.164
	PhoneVerified bool
	Locale        string
	Network       string // where they ask from, as limits on sending group it; empty: not known
	Address       string // the IP address that they ask from, for the words of a letter; empty: not known
	Agent         string // the User-Agent that they ask with, for the same
	Terms         Terms
}

// Terms are what policy says of codes and keys. Zero values get the defaults.
type Terms struct {
	Digits   int           // of codes that are sent; default 6
	Validity time.Duration // of codes that are sent; default 5 minutes, at most 10 (SECURITY.md T-05)
	Tries    int           // at one challenge; default: the engine's rules
	// NoClones refuses a passkey whose signature counter went back (W-08).
	NoClones bool
	// Models are the only makes of passkey that may be used, by AAGUID; none = all (W-12).
	Models []string
	// Attested wants a proof of the make when a passkey is added (W-12).
	Attested bool
}

// Credential is one factor that a subject holds. Data belongs to the factor;
// nobody else reads it, and the store keeps it sealed.
type Credential struct {
	ID      CredentialID
	Subject SubjectID
	Kind    Kind
	Label   string
	Data    []byte
	// Handle, if there is one, is how an answer names the credential before it
	// is known whose it is. It is unique among those of a kind.
	Handle  string
	Version int // raised by the store on each save; 0: not stored
	Created time.Time
	Used    time.Time // zero: never
	Expires time.Time // zero: never; then it is held no more

	// Use is what the factor tells of this one use. It is not stored.
	Use Use
}

// Use is what is true of one use of a credential and of no other.
type Use struct {
	Verified bool // the authenticator knew the person by PIN or body: two factors in one (WebAuthn UV)
	Synced   bool // the key may be on several devices (WebAuthn BE)
	Cloned   bool // the key seems to have a twin (WebAuthn §6.1.1)
}

// Prompt is what a page must show to go on. Factors describe, pages draw: a
// factor that keeps to these shapes needs no template of its own.
type Prompt struct {
	Shape  Shape           `json:"shape"`
	Digits int             `json:"digits,omitempty"`  // ShapeCode: expected length
	SentTo string          `json:"sent_to,omitempty"` // ShapeCode: masked address the code went to
	Until  time.Time       `json:"until,omitzero"`    // ShapeCode: a code that was sent is good until then
	Again  time.Time       `json:"again,omitzero"`    // ShapeCode: from then on another one may be sent
	URI    string          `json:"uri,omitempty"`     // ShapeScan: otpauth URI, drawn as a QR code
	Secret string          `json:"secret,omitempty"`  // ShapeScan: the same secret for typing
	Codes  []string        `json:"codes,omitempty"`   // ShapeCodes: codes to write down, shown once
	Public json.RawMessage `json:"public,omitempty"`  // ShapeKey: options for navigator.credentials
}

// Shape selects the widget that a page draws for a prompt.
type Shape string

const (
	ShapeCode  Shape = "code"  // one input for a short code of digits
	ShapeWord  Shape = "word"  // one input for a code of letters and digits
	ShapeScan  Shape = "scan"  // a QR code, its secret, and one input for a code
	ShapeCodes Shape = "codes" // a list to save and a box to tick
	ShapeKey   Shape = "key"   // a WebAuthn ceremony
)

// Answer is what came back from the page.
type Answer struct {
	Code   string
	Kept   bool // ShapeCodes: the person says that the list is saved
	Public json.RawMessage
}

// Factor is one kind of proof. It keeps no state: what it must remember
// between the two halves of a ceremony it returns as State.
type Factor interface {
	Kind() Kind
	// Enroll starts adding the factor for somebody who holds these of its kind.
	Enroll(ctx context.Context, s Subject, held []Credential) (Prompt, State, error)
	// Confirm turns a right answer into a credential.
	Confirm(ctx context.Context, s Subject, st State, a Answer) (Credential, error)
	// Ask starts a verification, sending a code if the factor sends codes. It
	// runs outside of every Atomic.
	Ask(ctx context.Context, s Subject, held []Credential) (Prompt, State, error)
	// Check returns the credential that the answer proves, with what the
	// factor must remember about this use, or ErrWrong.
	Check(ctx context.Context, s Subject, held []Credential, st State, a Answer) (Credential, error)
}

// Sole is an extra ability of a [Factor] of which one credential is enough: a
// new one replaces what the subject held, in the same transaction.
type Sole interface {
	Sole()
}

// Sending is an extra ability of a [Factor] whose Ask and Enroll send
// something: pages start it by POST only, and may ask to send again.
type Sending interface {
	Sending()
}

// Lending is an extra ability of a [Factor] that can work without an
// enrolment: it makes a credential of what is known of the subject, such as a
// verified address. Whether that may be used is policy's to say.
type Lending interface {
	Lend(s Subject) (Credential, bool)
}

// Discovering is an extra ability of a [Factor] whose answers tell who gives
// them, so that nobody need be named first.
type Discovering interface {
	// Discover starts a verification of whoever will answer. What it returns is
	// judged by Check like any other.
	Discover(ctx context.Context) (Prompt, State, error)
	// Handle reads from an answer which credential it claims to come from, or
	// fails with ErrWrong. Nothing is proven by it.
	Handle(a Answer) (string, error)
}

// State is a factor's private memory between two requests. The store keeps
// it sealed.
type State []byte

// Challenge is a ceremony under way.
type Challenge struct {
	ID      ChallengeID
	Subject SubjectID
	Kind    Kind
	Adding  bool   // an enrolment, not a verification
	Binding string // what the challenge belongs to (a sign-in, a session); it is good nowhere else
	State   State
	Tries   int    // that are used up
	Prompt  Prompt // kept sealed, so that a reloaded page shows the same secret
	Expires time.Time
}

// Credentials stores what people hold.
type Credentials interface {
	// Held leaves out what has expired.
	Held(ctx context.Context, s SubjectID) ([]Credential, error)
	// Save inserts a credential with Version 0 and otherwise replaces that
	// very version, or fails with ErrConflict.
	Save(ctx context.Context, c Credential) error
	// Drop removes one credential, or fails with ErrNotHeld.
	Drop(ctx context.Context, s SubjectID, id CredentialID) error
	// DropKind removes what the subject has of a kind, if anything, and also
	// what has expired.
	DropKind(ctx context.Context, s SubjectID, k Kind) error
	// DropAll removes every credential of the subject.
	DropAll(ctx context.Context, s SubjectID) error
	// ByHandle finds a credential by its handle, or fails with ErrNotHeld.
	ByHandle(ctx context.Context, k Kind, handle string) (Credential, error)
}

// Challenges stores ceremonies under way.
type Challenges interface {
	Put(ctx context.Context, c Challenge) error
	// Get returns a challenge that is neither spent nor expired, or ErrExpired.
	Get(ctx context.Context, id ChallengeID) (Challenge, error)
	// Try counts one try at the challenge, in a commit of its own, or fails
	// with ErrExpired when all of them are used up. Parallel tries all count.
	Try(ctx context.Context, id ChallengeID, most int) error
	// Renew gives a challenge that is neither spent nor expired a new state and
	// prompt and keeps its tries, or fails with ErrExpired (SECURITY.md T-07).
	Renew(ctx context.Context, c Challenge) error
	// Burn spends a challenge that was never put, or fails with ErrExpired when
	// that has been done before.
	Burn(ctx context.Context, c Challenge) error
	// Spend removes the challenge, or fails with ErrExpired when it is gone:
	// of two parallel right answers one wins.
	Spend(ctx context.Context, id ChallengeID) error
}

// Budget is a number of tries. Own budgets (of an account, of a credential)
// start anew after a success; shared ones (of a network, of the house) only
// get the one try back.
type Budget struct {
	Key    string
	Max    int           // tries in Per; the next one is refused until Per has passed
	Per    time.Duration // how long the window, and then the lock, lasts
	Streak int           // tries without a success ever; 0 = no such cap
	Shared bool
}

// Limiter counts tries. Counts live in the database, each in a commit of its
// own, so that neither a failing sign-in nor a lost cache undoes them.
type Limiter interface {
	// Take uses one try of each budget, or fails with a [*LockedError] when
	// one of them is used up. Parallel calls all count; a try refused by a
	// lock does not.
	Take(ctx context.Context, bs ...Budget) error
	// Forgive follows a success: own budgets start anew, shared ones get one
	// try back. It joins the caller's transaction.
	Forgive(ctx context.Context, bs ...Budget) error
}

// LockedError says until when a budget is used up. It is an [ErrLocked].
type LockedError struct {
	Key   string
	Until time.Time // zero: until somebody unlocks it
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("%v: %s until %s", ErrLocked, e.Key, e.Until.Format(time.RFC3339))
}

func (e *LockedError) Unwrap() error { return ErrLocked }

// Atomic runs do and sends the writes that it made in one transaction: all of
// them or none. Writes are gathered and sent when do returns, so reads inside
// see the state before, and the first write that fails (a guard that matched
// nothing, a value already taken) makes Atomic return that error. It joins an
// Atomic that is already under way in ctx.
type Atomic func(ctx context.Context, do func(ctx context.Context) error) error
