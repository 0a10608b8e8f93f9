package oidc

import (
	"errors"
	"slices"
	"strings"
)

// Requests is how a client's authorization requests may come, beside plainly in
// the browser's address (RFC 9126, RFC 9101).
type Requests struct {
	RequirePushed bool     `json:"require_pushed,omitempty"`             // none but pushed ones
	RequestURIs   []string `json:"request_uris,omitempty"`               // where signed ones may be fetched
	RequestAlg    string   `json:"request_object_signing_alg,omitempty"` // one of AssertionAlgs; empty: any of them
}

// maxRequestURIs is how many addresses of requests a client may have.
const maxRequestURIs = 20

// checkRequests checks how a client's requests may come. A stock Odoo can
// neither push nor sign, and only a client with a server can keep a key.
func (c Client) checkRequests() error {
	var errs []error
	if c.RequirePushed && c.Type != Web && c.Type != SPA && c.Type != Native {
		errs = append(errs, invalid("require_pushed", "is for types web, spa and native"))
	}
	if c.RequestAlg != "" && (c.Type != Web || !slices.Contains(AssertionAlgs, c.RequestAlg)) {
		errs = append(errs, invalid("request_object_signing_alg", "is for type web, and one of %s", strings.Join(AssertionAlgs, ", ")))
	}
	if len(c.RequestURIs) > 0 && c.Type != Web || len(c.RequestURIs) > maxRequestURIs {
		errs = append(errs, invalid("request_uris", "are for type web, and at most %d", maxRequestURIs))
	}
	for _, uri := range c.RequestURIs {
		if _, err := checkURI(Web, fetched(uri)); err != nil {
			errs = append(errs, invalid("request_uris", "%q %s", uri, err))
		} else if !callable(uri) { // P-28
			errs = append(errs, invalid("request_uris", "%q is in a private or special network, which is never called", uri))
		}
	}
	return errors.Join(errs...)
}

// fetched is the part of a request URI that is called. Behind it may stand a
// hash of what is there (OpenID Connect Core 1.0 §6.2).
func fetched(uri string) string {
	address, _, _ := strings.Cut(uri, "#")
	return address
}
