// Package errorsx stands in for the package of that name in github.com/ory/x,
// of which fosite needs these few names. The original's module brings exporters
// for four tracing systems, gRPC and a configuration library with it: a third
// of the program, most of it old.
package errorsx

// WithStack returns err. The original adds a stack trace, which nobody here
// reads and every refused token would pay for.
func WithStack(err error) error { return err }

// Cause follows Cause methods to the error at the bottom.
func Cause(err error) error {
	for {
		c, ok := err.(interface{ Cause() error }) //nolint:errorlint // this is the walk itself
		if !ok || c.Cause() == nil {
			return err
		}
		err = c.Cause()
	}
}

// What an error may tell besides its text.
type (
	StatusCodeCarrier interface{ StatusCode() int }
	RequestIDCarrier  interface{ RequestID() string }
	ReasonCarrier     interface{ Reason() string }
	DebugCarrier      interface{ Debug() string }
	StatusCarrier     interface{ Status() string }
	DetailsCarrier    interface{ Details() map[string]any }
)
