// Package idp holds the words of the identity provider: people, groups,
// sessions, events, and the small interfaces through which they are stored.
// It does nothing by itself; the packages below it do.
package idp

import (
	"errors"
	"slices"
	"strings"
	"time"

	"latchkey/mfa"
)

type (
	// UserID is a person's id and the `sub` of their tokens: 130 random bits,
	// never used again.
	UserID string
	// SessionID is the `sid` of tokens.
	SessionID string
	ClientID  string
)

// What can go wrong; ui and cmd map these to words and status codes.
var (
	ErrNotFound = errors.New("idp: not found")
	ErrDenied   = errors.New("idp: not allowed")
	ErrBadLogin = errors.New("idp: wrong name or password")
	ErrTaken    = errors.New("idp: already taken")
	ErrSpent    = errors.New("idp: already used")
	ErrExpired  = errors.New("idp: expired")
	ErrInvalid  = errors.New("idp: not valid") // wrapped with the field and what is allowed
	ErrBusy     = errors.New("idp: too busy, try again")
	ErrMore     = errors.New("idp: more proof is needed") // somebody is signed in, but not well enough
	ErrForeign  = errors.New("idp: begun in another browser")
	// ErrLastOwner means that nobody would be left who owns the house.
	ErrLastOwner = errors.New("idp: the last owner")
	ErrForged    = errors.New("idp: the form was not ours, or is too old") // CSRF
)

// Kind tells employees from portal customers.
type Kind string

const (
	Internal Kind = "internal"
	Portal   Kind = "portal"
)

// Role is what a person may do in the administration; empty for most.
type Role string

const (
	Owner    Role = "owner"
	Admin    Role = "admin"
	HelpDesk Role = "helpdesk"
	Auditor  Role = "auditor"
)

// User is a person: an employee or a portal customer.
type User struct {
	ID            UserID
	Login         string // as typed when it was made; never empty, the e-mail by default
	Email         string // lower case
	EmailVerified bool
	Name          string
	Phone         string // E.164
	PhoneVerified bool
	Kind          Kind
	Role          Role
	Locale        string // BCP 47; empty: not chosen
	Profile       Profile
	Groups        []string // names, sorted
	Password      string   // encoded hash, see package password; empty: none
	Disabled      bool
	// Epoch rises when everything issued before must die: password change,
	// factor reset, disabling. Trusted devices and Odoo's tokens carry it.
	Epoch   int64
	Created time.Time
	Updated time.Time

	// Mailed says that the password came by a mailed link and that nothing but
	// mail has proven them since (SECURITY.md E-03).
	Mailed bool
	// Method is the second factor that they used last; it is offered first.
	Method mfa.Kind
	// Trust rises when one of their trusted devices is forgotten: what a cache
	// knows of devices carries it.
	Trust int64
	// PasskeyOffer is from when on they may be offered a passkey after signing in;
	// zero: at once.
	PasskeyOffer time.Time
	// Round rises when all their sessions are ended at once. Odoo's tokens carry
	// it, beside the epoch.
	Round int64
	// Registered is when they made their own account; zero: somebody else did. What
	// such a person says of themselves makes nobody an employee.
	Registered time.Time

	// Factors lists the kinds of factor that the person holds. The store fills
	// it on reading, because every decision asks for it.
	Factors []mfa.Kind
	// Graces says when the grace of a policy began, by the policy's id.
	Graces map[string]time.Time
}

// Subject says who the user is in the words of package mfa.
func (u User) Subject() mfa.Subject {
	name := u.Email
	if name == "" {
		name = u.Login
	}
	return mfa.Subject{
		ID: mfa.SubjectID(u.ID), Name: name, Email: u.Email, EmailVerified: u.EmailVerified,
		Phone: u.Phone, PhoneVerified: u.PhoneVerified, Locale: u.Locale,
	}
}

// Profile is the rest of the standard claims (OpenID Connect Core 1.0 §5.1).
type Profile struct {
	GivenName         string   `json:"given_name,omitempty"`
	FamilyName        string   `json:"family_name,omitempty"`
	MiddleName        string   `json:"middle_name,omitempty"`
	Nickname          string   `json:"nickname,omitempty"`
	PreferredUsername string   `json:"preferred_username,omitempty"` // default: the login
	Website           string   `json:"website,omitempty"`
	Page              string   `json:"profile,omitempty"`
	Picture           string   `json:"picture,omitempty"`
	Gender            string   `json:"gender,omitempty"`
	Birthdate         string   `json:"birthdate,omitempty"`
	Zoneinfo          string   `json:"zoneinfo,omitempty"`
	Address           *Address `json:"address,omitempty"`
}

// Address is the address claim (OpenID Connect Core 1.0 §5.1.1).
type Address struct {
	Formatted     string `json:"formatted,omitempty"`
	StreetAddress string `json:"street_address,omitempty"`
	Locality      string `json:"locality,omitempty"`
	Region        string `json:"region,omitempty"`
	PostalCode    string `json:"postal_code,omitempty"`
	Country       string `json:"country,omitempty"`
}

// Origin is where a request came from.
type Origin struct {
	Address string // IP address, from trusted proxies only
	Agent   string // User-Agent, at most 256 bytes
	Request string // correlation id of the request; empty on the command line
}

// Actor is who does something, and from where. Every use case that changes
// anything takes one.
type Actor struct {
	User   UserID // empty: the host's command line, or nobody yet
	Role   Role
	Host   bool // somebody with a shell on the server: may do everything, is logged as such
	Origin Origin
	// Scopes limits what they may do to some rights; nil: to those of their
	// role. A token of the API always has some.
	Scopes []Right
	// Session is the one through which they act, and Proofs what they proved in
	// it; none on the command line and with a token of the API.
	Session SessionID
	Proofs  []Proof
	// Token names the token of the API through which an administrator or a service
	// acts; empty: none.
	Token string
}

// servicePrefix begins the name of a service, which no id of a person does.
const servicePrefix = "client:"

// ServiceUser is the name in which a service acts through the API.
func ServiceUser(id ClientID) UserID { return UserID(servicePrefix + id) }

// Service returns the client that acts, if it is one and not a person.
func (a Actor) Service() (ClientID, bool) {
	id, is := strings.CutPrefix(string(a.User), servicePrefix)
	return ClientID(id), is
}

// ActorOf is a person who acts through their session.
func ActorOf(s Session, u User, from Origin) Actor {
	return Actor{User: u.ID, Role: u.Role, Origin: from, Session: s.ID, Proofs: s.Proofs}
}

// Proven reports whether the actor has proven since a moment what guards a
// change of factors, address or recovery data (SECURITY.md M-05): the first
// factor, and a second one if one is held.
func (a Actor) Proven(held []mfa.Kind, since time.Time) bool {
	recent := slices.DeleteFunc(slices.Clone(a.Proofs), func(p Proof) bool { return p.At.Before(since) })
	first := slices.ContainsFunc(recent, Proof.First)
	// A code by mail guards only what nothing better does (M-17).
	better := slices.ContainsFunc(held, func(k mfa.Kind) bool { return methods[k].second })
	return first && (len(held) == 0 || slices.ContainsFunc(recent, func(p Proof) bool {
		return methods[p.Kind].second || !better && p.Kind != Password && p.Kind != Device
	}))
}

// Event is one line of the log of what happened.
type Event struct {
	ID      string // shown on error pages, so that help can find it
	At      time.Time
	What    string // such as "signin.password" or "factor.add"
	User    UserID // whom it is about; empty when nobody was recognised
	Actor   UserID
	Client  ClientID
	Session SessionID
	Method  mfa.Kind
	Origin  Origin
	Result  string            // "ok" or a short reason such as "wrong" or "locked"
	Detail  map[string]string // never a secret
}
