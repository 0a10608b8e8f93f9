package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/account"
)

// doors is what somebody is signed in by.
type doors struct{ SessionTokens }

// Doors ends what people are signed in by.
func (d *DB) Doors() account.Doors { return doors{SessionTokens{d}} }

// EndFlows ends sign-ins under way.
func (s doors) EndFlows(ctx context.Context, id idp.UserID) error {
	return s.d.write(ctx, endFlows(id))
}
