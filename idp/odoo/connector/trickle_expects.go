package connector

import (
	"context"
	"errors"

	"latchkey/idp"
)

// Expects reports whether the password that somebody types would be tried in a
// connected Odoo, for they have none here; it asks no Odoo.
func (t *Trickle) Expects(ctx context.Context, u idp.User) (bool, error) {
	if !untried(u) {
		return false, nil
	}
	ties, err := t.ties.OfUser(ctx, u.ID)
	if err != nil {
		return false, err
	}
	for _, tie := range ties {
		c, err := t.book.connections.ByID(ctx, tie.Connection)
		if errors.Is(err, idp.ErrNotFound) {
			continue
		} else if err != nil {
			return false, err
		}
		if c.Settings.Trickle && tie.Closed == Open && tie.Login != "" {
			return true, nil
		}
	}
	return false, nil
}
