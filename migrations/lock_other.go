//go:build !unix

package migrations

import "context"

// lockFile does nothing: SQLite's own lock still lets only one program write,
// and the one that comes second fails and says why.
func lockFile(context.Context, string) (func(), error) { return func() {}, nil }
