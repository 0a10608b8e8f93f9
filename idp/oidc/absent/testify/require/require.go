// Package require stands in for the package of that name in
// github.com/stretchr/testify. fosite links the helpers of its own tests into
// every program; nothing here ever calls them.
package require

// TestingT is what a failed check would stop.
type TestingT interface {
	Errorf(format string, args ...any)
	FailNow()
}

const absent = "require: a check of a test in a program"

// Less panics.
func Less(TestingT, any, any, ...any) { panic(absent) }

// NoError panics.
func NoError(TestingT, error, ...any) { panic(absent) }
