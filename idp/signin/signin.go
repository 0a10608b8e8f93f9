// Package signin leads a browser from a stranger to a session.
//
// A [Flow] is one attempt. Until the password is proven it is a sealed value
// in the address, so that strangers cannot fill tables; from then on it is a
// row. Both are good only in the browser that began them. Every step ends in
// [Flow.Next], the one place that decides what comes next, and every door
// asks [Service.Gate] whether a session is good enough for it.
package signin

import (
	"context"
	"net/netip"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/policy"
	"latchkey/mfa/trust"
)

// TTL is how long a sign-in may take.
const TTL = 30 * time.Minute

// Flow is one attempt to sign in.
type Flow struct {
	ID       string    `json:"id,omitempty"` // empty while it is only sealed
	Stored   bool      `json:"-"`            // it came from the store
	Browser  string    `json:"browser"`      // the one that began it
	Need     idp.Need  `json:"need"`
	ReturnTo string    `json:"return_to"`          // path and query on this server
	Redirect string    `json:"redirect,omitempty"` // the client's redirect URI, for form-action
	Onward   bool      `json:"onward,omitempty"`   // the client may redirect further, to other origins
	Client   string    `json:"client,omitempty"`   // its name, for the page
	Hint     string    `json:"hint,omitempty"`
	Locales  string    `json:"locales,omitempty"`
	Choose   bool      `json:"choose,omitempty"`
	Expires  time.Time `json:"expires"`

	// Wants is a factor to be set up in any case, and Link the mailed address that
	// asked for it: it is used up with it (SECURITY.md M-11).
	Wants mfa.Kind `json:"wants,omitempty"`
	Link  string   `json:"link,omitempty"`

	User     idp.UserID    `json:"user,omitempty"`
	Epoch    int64         `json:"epoch,omitempty"` // of the person when the proofs were given
	Proofs   []idp.Proof   `json:"proofs,omitempty"`
	Replaces idp.SessionID `json:"replaces,omitempty"` // the session that this one steps up or follows
	Inherits string        `json:"inherits,omitempty"` // hash of the session whose proofs these are; it must live

	// Asked are the challenges under way. Each method keeps its own, so that
	// changing to and fro neither sends a code again nor wins a try.
	Asked   map[mfa.Kind]mfa.ChallengeID `json:"asked,omitempty"`
	Method  mfa.Kind                     `json:"method,omitempty"`  // asked last
	Unsent  *Unsent                      `json:"unsent,omitempty"`  // why there is no challenge of Method
	Enrol   *Enrolling                   `json:"enrol,omitempty"`   // the wizard, if it runs
	Skipped bool                         `json:"skipped,omitempty"` // an enrolment that is not due yet was put off

	Platform bool `json:"platform,omitempty"` // the browser says that it can make passkeys by itself
	Offered  bool `json:"offered,omitempty"`  // a passkey is offered: all else is proven
	Trust    bool `json:"trust,omitempty"`    // the browser is to be trusted when the offer is answered
}

// Unsent says why a code was not sent.
type Unsent struct {
	Until time.Time `json:"until,omitzero"` // then it may be tried again; zero: another method is needed
}

// Enrolling is a wizard under way.
type Enrolling struct {
	Kind  mfa.Kind        `json:"kind"`
	Asked mfa.ChallengeID `json:"asked"`
	Codes mfa.ChallengeID `json:"codes,omitempty"` // backup codes; empty: there are some, or they would not count
	Kept  bool            `json:"kept,omitempty"`  // the backup codes are saved
	Phone string          `json:"phone,omitempty"` // the number that is being added, E.164
}

// Flows stores attempts that have proven the first factor.
type Flows interface {
	// Put inserts a flow, or changes one that came from Get; idp.ErrExpired when
	// that is gone meanwhile: what has ended does not come back.
	Put(ctx context.Context, f Flow) error
	// Get returns a flow and its person as they are now, in one trip, or
	// idp.ErrExpired.
	Get(ctx context.Context, id string) (Flow, idp.User, error)
	// End removes the flow, or fails with idp.ErrSpent when it is gone: one
	// sign-in makes one session.
	End(ctx context.Context, id string) error
	// EndOthers removes all flows of a person but one.
	EndOthers(ctx context.Context, id idp.UserID, keep string) error
	// EndAll removes all flows of a person.
	EndAll(ctx context.Context, id idp.UserID) error
}

// Tokens is what came from a session: codes, access tokens, Odoo's tokens.
type Tokens interface {
	EndSession(ctx context.Context, id idp.SessionID) error
	// MoveSession gives a person's tokens to the session that follows theirs.
	MoveSession(ctx context.Context, u idp.UserID, from, to idp.SessionID) error
}

// Policies returns the policies in force.
type Policies interface {
	InForce(ctx context.Context) ([]policy.Policy, error)
}

// Passwords hashes and checks; see package password.
type Passwords interface {
	Hash(ctx context.Context, plain string) (string, error)
	Check(ctx context.Context, encoded, plain string) (ok, outdated bool, err error)
}

// Elsewhere is the system that people came from. It knows the passwords of those
// who have none here yet.
type Elsewhere interface {
	// Check reports whether plain is the password of somebody there. It is asked
	// only of people without a password here, and a right one is then kept.
	Check(ctx context.Context, u idp.User, plain string) (bool, error)
	// Begin returns what a refusal waits for before it is told: a question to
	// another system takes long, and so would tell who is there (E-01, A-12). It
	// also says whether that system was silent before this try, whoever tries.
	Begin(ctx context.Context) (even func() (silent bool))
}

// Sealer seals what travels through the browser; see package keyring.
type Sealer interface {
	Seal(plain, purpose []byte) ([]byte, error)
	Open(sealed, purpose []byte) ([]byte, error)
}

// Rules are the numbers of package signin; see SECURITY §1.1.
type Rules struct {
	AccountTries int           // wrong passwords per account and kind of browser in Per
	AddressTries int           // sign-in attempts per IPv4 address or IPv6 /64 in Per
	Per          time.Duration // how long a window and a lock last
	Streak       int           // wrong passwords in a row, ever (63B §3.2.2)
	Idle         time.Duration // a session ends after so long without a request
	Absolute     time.Duration // and after so long in any case
}

// DefaultRules are those of a company's staff.
var DefaultRules = Rules{
	AccountTries: 10, AddressTries: 300, Per: 15 * time.Minute, Streak: 100,
	Idle: 30 * time.Minute, Absolute: 12 * time.Hour,
}

// Service signs people in. Its fields are set once, before first use.
type Service struct {
	Users     idp.Users
	Sessions  idp.Sessions
	Flows     Flows
	Policies  Policies
	Factors   *mfa.Engine
	Passwords Passwords
	Elsewhere Elsewhere // optional
	Limiter   mfa.Limiter
	// Limit is how many sessions a person may have at once; nil, or 0: any number.
	Limit   func(context.Context) (int, error)
	Log     idp.Log
	Tokens  Tokens
	Devices *trust.Book
	Links   idp.Links
	Notify  Notifier
	// Offers notes to whom a passkey was offered; nil: to nobody is one.
	Offers Offers
	Atomic idp.Atomic
	Sealer Sealer
	Secret []byte // signs the cookies of known browsers
	Rules  Rules
	Now    func() time.Time
}

// decide asks policy about a person as they are now, where they are now.
func (s *Service) decide(ctx context.Context, f Flow, u idp.User, from idp.Origin) (policy.Decision, error) {
	ps, err := s.Policies.InForce(ctx)
	if err != nil {
		return policy.Decision{}, err
	}
	address, _ := netip.ParseAddr(from.Address) // one that is not known is in every network
	return policy.Decide(ps, policy.Facts{
		User: string(u.ID), Email: u.Email, Login: u.Login, Kind: string(u.Kind), Groups: u.Groups, Administrator: u.Role.Administers(),
		Client: string(f.Need.Client), Address: address.Unmap(), Held: u.Factors, Lent: s.Factors.Lent(u.Subject()),
		Started: u.Graces, Mailed: u.Mailed, Now: s.Now(),
	}), nil
}

// subject says who is asked, and on which terms.
func subject(u idp.User, d policy.Decision, from idp.Origin) mfa.Subject {
	out := u.Subject()
	out.Network, out.Terms = Network(from.Address), d.Terms
	out.Address, out.Agent = from.Address, from.Agent
	return out
}
