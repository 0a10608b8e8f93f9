package oidc

// For tests in package oidc_test.
var (
	NewKey        = newKey
	RedirectKnown = redirectKnown
	HashSecret    = hashSecret
)

// Verify shows what our own check of an ID token says.
var Verify = (*KeyRing).verify
