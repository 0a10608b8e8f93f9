package account

import (
	"context"
	"errors"

	"latchkey/idp"
)

// Forgot sends a recovery link to whoever has this login or e-mail, at the
// address on file and never at the one that was typed (SECURITY.md E-06).
// Nobody of that name is no error: the caller's answer must not depend on it.
func (h *Help) Forgot(ctx context.Context, by idp.Actor, login string) error {
	if len(login) > 4*idp.MaxIdentifier {
		return nil
	}
	u, err := h.Users.ByIdentifier(ctx, idp.Canonical(login))
	if errors.Is(err, idp.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	by.User = ""
	_, err = h.SendRecovery(ctx, u, by)
	return err
}
