// Package validator stands in for github.com/go-playground/validator, by which
// gin judges what its Bind methods have read. Requests are not read by these
// here, and none of them succeeds: what nobody judges is refused.
package validator

import "errors"

// ErrAbsent says that nothing is judged.
var ErrAbsent = errors.New("validator: not in this program: gin's Bind methods cannot be used")

// Validate refuses everything.
type Validate struct{}

// New makes a [Validate].
func New() *Validate { return &Validate{} }

// SetTagName does nothing.
func (*Validate) SetTagName(string) {}

// Struct returns [ErrAbsent].
func (*Validate) Struct(any) error { return ErrAbsent }
