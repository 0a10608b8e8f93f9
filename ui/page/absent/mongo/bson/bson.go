// Package bson stands in for the package of that name in
// go.mongodb.org/mongo-driver/v2, which gin links for bodies in a format that
// nobody sends here.
package bson

import "errors"

// ErrAbsent says that the program does not know the format.
var ErrAbsent = errors.New("bson: not in this program")

// Marshal returns [ErrAbsent].
func Marshal(any) ([]byte, error) { return nil, ErrAbsent }

// Unmarshal returns [ErrAbsent].
func Unmarshal([]byte, any) error { return ErrAbsent }
