// Package http3 stands in for the package of that name in
// github.com/quic-go/quic-go, which gin links for a method that is never
// called here: HTTP/3 is the proxy's to speak.
package http3

import (
	"errors"
	"net/http"
)

// ErrAbsent says that the program has no HTTP/3.
var ErrAbsent = errors.New("http3: not in this program")

// ListenAndServeQUIC returns [ErrAbsent].
func ListenAndServeQUIC(_, _, _ string, _ http.Handler) error { return ErrAbsent }
