package connector

import (
	"context"

	"latchkey/idp/oidc"
)

// Validates asks a client's validation address about a token of nobody, as
// Odoo's server does, and says what is wrong; "" when nothing is.
func (s *Service) Validates(ctx context.Context, c oidc.Client) (evidence string, err error) {
	f, err := s.direct(ctx, c)
	return f.Evidence, err
}
