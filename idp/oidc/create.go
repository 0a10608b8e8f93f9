package oidc

import (
	"bytes"
	"context"
)

// creating reports whether prompt=create is taken now.
func (c Config) creating(ctx context.Context) bool { return c.Creating != nil && c.Creating(ctx) }

// namesCreate is a discovery document that offers prompt=create, too (Initiating
// User Registration via OpenID Connect 1.0 §3).
func namesCreate(doc []byte) []byte {
	return bytes.Replace(doc, []byte(`"consent","select_account"]`), []byte(`"consent","select_account","create"]`), 1)
}
