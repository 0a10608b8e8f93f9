// Package errors stands in for github.com/pkg/errors, whose errors carry a stack
// trace, which nobody here reads and every refused token would pay for.
package errors

import (
	"errors"
	"fmt"
)

// Frame is where a trace passed.
type Frame uintptr

// StackTrace is always empty.
type StackTrace []Frame

// New is that of package errors.
func New(text string) error { return errors.New(text) }

// Errorf is that of package fmt.
func Errorf(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Is is that of package errors.
func Is(err, target error) bool { return errors.Is(err, target) }

// As is that of package errors.
func As(err error, target any) bool { return errors.As(err, target) }
