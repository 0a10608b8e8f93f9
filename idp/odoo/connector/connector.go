// Package connector looks after Odoos from outside: it connects them, imports
// and links their people, keeps both sides in step, ends their sessions, locks
// their own passwords and finds what is wrong. Nothing is installed in Odoo.
//
// Every use case can be called without a page or a command line. It speaks to
// Odoo by package rpc alone, never to its database, except to read where an
// administrator gave a way (see import).
package connector

import (
	"context"
	"crypto/x509"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/mail"
	"latchkey/idp/oidc"
	"latchkey/mfa"
)

// Prober makes tokens that prove a way and open nothing; package odoo has one.
type Prober interface {
	// Probe arms a probe for a client's validation address.
	Probe(ctx context.Context, c oidc.Client) (token string, err error)
	// Arrived reports whether a probe was validated.
	Arrived(ctx context.Context, c oidc.Client, token string) (bool, error)
}

// Parts are what the use cases stand on. All fields but Roots, Customers, Invites
// and Tell must be set.
type Parts struct {
	Connections Connections
	Journal     Journal
	Clients     oidc.Clients
	Users       idp.Users
	Log         idp.Log
	Atomic      idp.Atomic
	Probes      Prober
	Outbox      mail.Outbox // of ended sessions; see Endings
	Issuer      string      // without a slash at its end
	Brand       string      // the name of this provider, for people
	Now         func() time.Time
	Roots       *x509.CertPool // who vouches for Odoo's servers; nil: the system's
	HTTP        *http.Client   // for our own issuer
	// Say is a text that people read in Odoo, in a language such as "fr"; a
	// language that there is none of gets English.
	Say func(lang, key string, args ...any) string

	Accounts  *account.Service
	Directory account.Directory
	Ties      Ties
	Limiter   mfa.Limiter // of passwords that Odoo is asked about, and of newcomers there
	Customers Customers   // nil: nobody wants to know
	Holder    string      // names this instance among those of one database
	Invites   Inviter     // nil: nobody is invited
	Tell      Teller      // writes to whoever administers both sides; nil: nobody does
}

// Office is the use cases, by subject. There is one for the program, for it
// remembers who is linked and keeps clients of Odoos open.
type Office struct {
	Book     *Book         // which connections there are, and the way to their Odoos
	Register *Register     // what administrators see of them and choose
	Setup    *Setup        // connect, disconnect
	Way      *Way          // the way that a person and their token go
	Doctor   *Doctor       // what is wrong
	Locks    *Locks        // Odoo's own passwords
	Websites *Websites     // the snippet on Odoo's websites
	Imports  *Imports      // people from there to here
	Links    *Links        // who is who, for everybody
	Arrivals *Arrivals     // and for one, at a sign-in
	Sync     *Synchroniser // both sides in step
	Endings  *Endings      // ended sessions
	Trickle  *Trickle      // first passwords
	Watch    *Watch        // what changed since yesterday
}

// New puts the use cases together.
func New(p Parts) *Office {
	book := &Book{connections: p.Connections, log: p.Log, atomic: p.Atomic, now: p.Now, roots: p.Roots}
	lines, known, standing := newLines(book), &known{}, standing{p.Users}
	register := &Register{book, p.Journal}
	buttons, way := buttons{p.Issuer, p.Brand, p.Say, p.Now}, &Way{book, p.Issuer, p.Probes, p.HTTP}
	websites, locks := &Websites{book, p.Issuer, p.Say}, &Locks{book, p.Clients, way, standing, p.Journal}
	doctor := &Doctor{book, p.Clients, p.Outbox, buttons, way, websites, p.Journal}
	return &Office{
		Book: book, Register: register, Way: way, Websites: websites,
		Setup:    &Setup{book, p.Clients, p.Issuer, buttons, way},
		Doctor:   doctor,
		Locks:    locks,
		Imports:  &Imports{book, register, lines, standing, p.Accounts, p.Directory, p.Ties, p.Customers},
		Links:    &Links{book, lines, standing, p.Directory, p.Ties},
		Arrivals: &Arrivals{book, lines, known, p.Journal, p.Ties, p.Tell, p.Limiter},
		Sync: &Synchroniser{
			book: book, lines: lines, known: known, standing: standing, journal: p.Journal, accounts: p.Accounts, directory: p.Directory, ties: p.Ties,
			customers: p.Customers, holder: p.Holder, locks: locks, invites: p.Invites,
		},
		Endings: &Endings{book, newLines(book)}, // of their own: what fails here hangs up on nobody else
		Trickle: &Trickle{book: book, ties: p.Ties, limiter: p.Limiter},
		Watch:   &Watch{book, doctor, p.Tell, p.Holder},
	}
}

// may refuses who may not administer.
func may(by idp.Actor) error {
	return by.May(idp.EditOdoo)
}
