package account

import (
	"context"

	"latchkey/idp"
)

// Acceptable says whether a person may have a new password (SECURITY.md A-01,
// A-04), or fails with idp.ErrInvalid and the reason.
func (s *Service) Acceptable(ctx context.Context, u idp.User, plain string) error {
	return s.acceptable(ctx, u, plain)
}
