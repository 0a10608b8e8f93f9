package connector

import "context"

// Round is what Run does every few seconds.
func Round(ctx context.Context, s *Synchroniser, fault func(connection string, err error)) {
	s.round(ctx, fault)
}

// HostDSN reads an address that the operator of this host gave.
var HostDSN = hostDSN

// Outcome says what became of findings.
var Outcome = outcome
