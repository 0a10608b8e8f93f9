package store

import (
	"context"

	"latchkey/idp"
)

// doors is what somebody is signed in by.
type doors struct{ SessionTokens }

// EndFlows ends sign-ins under way.
func (s doors) EndFlows(ctx context.Context, id idp.UserID) error {
	return s.d.write(ctx, endFlows(id))
}
