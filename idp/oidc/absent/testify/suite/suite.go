// Package suite is empty: `go mod tidy` looks for it on behalf of tests that are
// not run here.
package suite
