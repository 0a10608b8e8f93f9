package store

import (
	"context"
	"time"

	"latchkey/idp"
)

// offers stores what people answered when a passkey was offered to them.
type offers struct{ d *DB }

// PutOff notes from when on a person may be offered a passkey again.
func (s offers) PutOff(ctx context.Context, id idp.UserID, until time.Time) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE users SET passkey_offer_after = ? WHERE id = ?`,
		args: []any{ms(until), string(id)},
		none: idp.ErrNotFound,
	})
}
