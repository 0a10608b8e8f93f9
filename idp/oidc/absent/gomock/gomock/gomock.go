// Package gomock stands in for the package of that name in
// github.com/golang/mock. fosite links the mocks of its own tests into every
// program; nothing here ever makes one.
package gomock

import "reflect"

// Controller would run a mock. It panics: there is no test.
type Controller struct{ T interface{ Helper() } }

// Call is an expected call.
type Call struct{}

const absent = "gomock: a mock in a program"

// Call panics.
func (*Controller) Call(any, string, ...any) []any { panic(absent) }

// RecordCall panics.
func (*Controller) RecordCall(any, string, ...any) *Call { panic(absent) }

// RecordCallWithMethodType panics.
func (*Controller) RecordCallWithMethodType(any, string, reflect.Type, ...any) *Call { panic(absent) }
