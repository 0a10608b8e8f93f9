package main

import (
	"crypto/x509"
	"fmt"
	"os"
	"time"

	"latchkey/config"
	"latchkey/mfa/passkey"
)

// passkeyFactor makes the factor of passkeys, but for its secret, which is in
// the database. There is none for an issuer that is an IP address: browsers know
// passkeys for names only.
func passkeyFactor(cfg config.Config, now func() time.Time) (*passkey.Factor, error) {
	if cfg.Passkeys.RPID == "" {
		return nil, nil //nolint:nilnil // no factor is no error
	}
	f := &passkey.Factor{RPID: cfg.Passkeys.RPID, RPName: cfg.Branding.Name, Origins: cfg.PasskeyOrigins(), Now: now}
	file := cfg.Passkeys.AttestationRoots
	if file == "" {
		return f, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("passkeys.attestation_roots: %w", err)
	}
	f.Roots = x509.NewCertPool()
	if !f.Roots.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("passkeys.attestation_roots: there is no certificate in %s", file)
	}
	return f, nil
}
