package oidc

import (
	"net/http"
	"net/url"
	"time"
)

// For tests in package oidc_test.
var (
	NewKey        = newKey
	RedirectKnown = redirectKnown
	HashSecret    = hashSecret
)

// Verify shows what our own check of an ID token says.
var Verify = (*KeyRing).verify

// CheckStranger is what a server with an issuer asks of a client that registers
// itself.
func CheckStranger(issuer string, c Client) error {
	return enroller{Registrar: &Registrar{Issuer: issuer}}.checkStranger(c)
}

// Sign signs as for an ID token.
var Sign = (*KeyRing).sign

// ReadObject is what becomes of a request object whose signature is right.
func ReadObject(payload []byte, c ClientID, issuer string, now time.Time) (url.Values, error) {
	m, err := readMembers(payload)
	if err != nil {
		return nil, err
	}
	if err := m.check(c, issuer, now); err != nil {
		return nil, err
	}
	return m.parameters()
}

// CallsOf makes calls of two clients.
func CallsOf(strangers, kept *http.Client) Calls { return Calls{strangers, kept} }

// Stamps that a query has from us: as an authorization request and as the address
// of a device's page.
func StampAuthorize(p *Provider, query, browser string, at time.Time) string {
	return p.marks.withArrival(toAuthorize, query, browser, at)
}

func StampDevice(p *Provider, query, browser string, at time.Time) string {
	return p.marks.withArrival(toDevice, query, browser, at)
}

// Of the codes that people type.
var (
	NewUserCode  = newUserCode
	ReadUserCode = readUserCode
)
