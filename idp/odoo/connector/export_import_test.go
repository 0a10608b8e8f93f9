package connector

import (
	"context"
	"time"

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

// Impatient makes the reading of a database wait this long, on a server that
// takes longer.
func Impatient(s *SQL, limit time.Duration) {
	s.limit, s.query = limit, "SELECT pg_sleep(20), $1::bigint, $2::bigint[], $3::bigint"
}

// StrangersDSN reads an address that somebody gave on a page.
var StrangersDSN = strangersDSN
