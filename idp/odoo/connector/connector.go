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
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/oidc"
)

// Prober makes tokens that prove a way and open nothing; package odoo has one.
type Prober interface {
	// Probe arms a probe for a client's validation address.
	Probe(ctx context.Context, c oidc.Client) (token string, err error)
	// Arrived reports whether a probe was validated.
	Arrived(ctx context.Context, c oidc.Client, token string) (bool, error)
}

// Service holds what all use cases need. All fields but Roots must be set.
type Service struct {
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
}

// note leaves an event in the log.
func (s *Service) note(ctx context.Context, by idp.Actor, what string, c Connection, detail map[string]string) error {
	all := map[string]string{"connection": c.ID}
	for k, v := range detail {
		all[k] = v
	}
	return s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, Actor: by.User, Client: c.Client, Origin: by.Origin, Result: "ok", Detail: all,
	})
}

// may refuses who may not administer.
func may(by idp.Actor) error {
	return by.May(idp.EditOdoo)
}
