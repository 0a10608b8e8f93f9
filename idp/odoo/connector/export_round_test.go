package connector

import "context"

// Round is what Run does every few seconds.
func Round(ctx context.Context, p *People, fault func(connection string, err error)) {
	round(ctx, p, fault)
}

// HostDSN reads an address that the operator of this host gave.
var HostDSN = hostDSN

// Outcome says what became of findings.
var Outcome = outcome
