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

// Check names everything that is wrong with the description of a new person,
// wrapping idp.ErrInvalid; it does not know whether the names are free.
func (s *Service) Check(in New) error {
	_, _, err := s.check(in)
	return err
}
