package idp

import (
	"context"
	"time"

	"latchkey/mfa"
)

// Users stores people. Readers fill Groups and Factors.
type Users interface {
	// ByID fails with ErrNotFound.
	ByID(ctx context.Context, id UserID) (User, error)
	// ByIdentifier finds a person by login or e-mail in canonical form (see
	// package account), or fails with ErrNotFound.
	ByIdentifier(ctx context.Context, canonical string) (User, error)
	// Add inserts a person with their identifiers, or fails with ErrTaken when
	// one of these, or one that looks the same, belongs to somebody else.
	Add(ctx context.Context, u User, ids []Identifier) error
	// Update changes a person and their identifiers, or fails as Add does.
	// Login, address, number, what is known to be theirs, and role must still be
	// what they were: ErrSpent otherwise.
	Update(ctx context.Context, was, is User, ids []Identifier) error
	// SetPassword replaces the hash if it still is old (rehash on sign-in must
	// not undo a change made meanwhile); ErrSpent otherwise.
	SetPassword(ctx context.Context, id UserID, old, hash string) error
	// VoidPassword takes the password away, whatever it is now.
	VoidPassword(ctx context.Context, id UserID) error
	// SetDisabled also raises the epoch when it disables. It and RaiseEpoch end
	// the person's sign-ins under way, so both come before what these could
	// still write.
	SetDisabled(ctx context.Context, id UserID, disabled bool) error
	// RaiseEpoch kills what carries the old one.
	RaiseEpoch(ctx context.Context, id UserID) error
	// SetMethod notes the second factor that a person used last.
	SetMethod(ctx context.Context, id UserID, k mfa.Kind) error
	// SetProfile changes what people look after themselves, and nothing else.
	SetProfile(ctx context.Context, u User) error
	// SetEmail notes an address that is proven to be a person's, with the login
	// that goes with it, if both still are what they were: ErrSpent otherwise, and
	// ErrTaken as Update.
	SetEmail(ctx context.Context, was, is User, ids []Identifier) error
	// Free fails with ErrTaken when one of the identifiers, or one that looks the
	// same, belongs to somebody else.
	Free(ctx context.Context, id UserID, ids []Identifier) error
	// SetPhone notes a number that is proven to be theirs.
	SetPhone(ctx context.Context, id UserID, phone string) error
	// RaiseTrust ends what caches know of a person's trusted devices, or fails
	// with ErrSpent when it is no longer was: of two changes that began from the
	// same state one wins.
	RaiseTrust(ctx context.Context, id UserID, was int64) error
	// ForgetPhone notes that a number (empty: whichever there is) is no longer
	// known to be theirs.
	ForgetPhone(ctx context.Context, id UserID, phone string) error
	// SetMailed notes whether nothing but mail has proven them since a password
	// came by mail.
	SetMailed(ctx context.Context, id UserID, mailed bool) error
	// BeginGrace notes that the grace of these policies begins for a person; one
	// that has begun goes on.
	BeginGrace(ctx context.Context, id UserID, policies []string, at time.Time) error
	// List returns up to limit people after the given id, by id.
	List(ctx context.Context, q UserQuery) ([]User, error)
	Remove(ctx context.Context, id UserID) error
}

// Identifier is a name by which a person can be found.
type Identifier struct {
	Canonical string // unique over logins and e-mails
	Skeleton  string // what it looks like; unique, too
}

// UserQuery selects a page of people, in order of id.
type UserQuery struct {
	Text  string // in login, name or e-mail
	Group string
	Kind  Kind
	After UserID
	Limit int // default 100
}

// Groups stores groups and who is in them.
type Groups interface {
	All(ctx context.Context) ([]Group, error)
	// Put creates the group if it is new.
	Put(ctx context.Context, name string) error
	Remove(ctx context.Context, name string) error
	Join(ctx context.Context, group string, id UserID) error
	Leave(ctx context.Context, group string, id UserID) error
}

// Group is a named set of people.
type Group struct {
	Name    string
	Members int
}

// Sessions stores signed-in browsers.
type Sessions interface {
	// ByHash returns the session and its person, as they are now, in one trip;
	// ErrNotFound when it is ended or unknown, or of an epoch that is over: one
	// that was opened while the password changed is dead from the start. The
	// caller checks Live.
	ByHash(ctx context.Context, hash string) (Session, User, error)
	Open(ctx context.Context, s Session) error
	// Touch moves Seen.
	Touch(ctx context.Context, id SessionID, seen time.Time) error
	Of(ctx context.Context, id UserID) ([]Session, error)
	// Ever reports whether a person has ever signed in.
	Ever(ctx context.Context, id UserID) (bool, error)
	// End ends one session.
	End(ctx context.Context, id SessionID) error
	// EndDevice ends the sessions that were opened with the help of a trusted
	// device (empty: of any), but for the one to keep.
	EndDevice(ctx context.Context, id UserID, device string, keep SessionID) error
	// Replace opens a session in the place of one, or fails with ErrNotFound when
	// that has ended meanwhile: what is over does not come back (S-05).
	Replace(ctx context.Context, old SessionID, s Session) error
	// EndAll ends every session of a person but the one to keep.
	EndAll(ctx context.Context, id UserID, keep SessionID) error
}

// Log takes events.
type Log interface {
	Append(ctx context.Context, e Event) error
	// Events calls f with events in order of time until it returns an error.
	Events(ctx context.Context, q EventQuery, f func(Event) error) error
}

// EventQuery selects events.
type EventQuery struct {
	User   UserID
	What   []string // of these kinds; none named = all
	Since  time.Time
	Before Cursor // with Limit: only what came before it
	Limit  int    // newest first when set; 0 = all, oldest first
}

// Cursor is a place in the log, between an event and the one after it; the
// zero value is its end.
type Cursor struct {
	At time.Time // to the millisecond
	ID string
}

// Atomic runs do and sends what it wrote in one transaction; see [mfa.Atomic].
type Atomic = mfa.Atomic
