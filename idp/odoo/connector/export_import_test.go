package connector

import (
	"context"

	"latchkey/idp/account"
)

// TryWrite tries to change something through the connection of an import.
func TryWrite(ctx context.Context, s *SQL) error {
	_, err := s.conn.Exec(ctx, `UPDATE res_users SET login = 'x'`)
	return err
}

// Judge decides about somebody who is alone.
func Judge(o Options, p Person, open bool) (account.New, bool) {
	c := newCensus()
	c.count(p)
	v := o.judge(p, c, open)
	return v.in, v.skip
}
