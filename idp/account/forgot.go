package account

import (
	"context"
	"errors"

	"latchkey/idp"
)

// Forgot sends a recovery link to whoever has this login or e-mail, at the
// address on file and never at the one that was typed (SECURITY.md E-06).
// Nobody of that name is no error: the caller's answer must not depend on it. The
// client, if not empty, is where they were going.
func (h *Help) Forgot(ctx context.Context, by idp.Actor, login string, client idp.ClientID) error {
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
	_, err = h.recovery(ctx, u, by, client)
	return err
}
