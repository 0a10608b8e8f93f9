// Package jwt stands in for github.com/cristalhq/jwt. fosite links the helpers
// of its own tests into every program; nothing here ever calls them.
package jwt

import (
	"errors"
	"time"
)

// ErrAbsent says that the program has no such parser.
var ErrAbsent = errors.New("jwt: not in this program")

// Token is never made.
type Token struct{}

// NumericDate is a moment.
type NumericDate struct{ time.Time }

// RegisteredClaims has the one that the helper reads.
type RegisteredClaims struct{ ExpiresAt *NumericDate }

// ParseNoVerify returns [ErrAbsent].
func ParseNoVerify([]byte) (*Token, error) { return nil, ErrAbsent }

// Claims is nothing.
func (*Token) Claims() []byte { return nil }
