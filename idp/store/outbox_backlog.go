package store

import (
	"context"

	"latchkey/idp/mail"
)

// Backlogs reads two partial indexes, of what waits and of what failed, and
// never the whole outbox.
func (s outbox) Backlogs(ctx context.Context) (map[mail.Channel]mail.Backlog, error) {
	type row struct {
		Channel         string
		Oldest, GivenUp int64
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT channel, MIN(created) AS oldest, 0 AS given_up FROM outbox WHERE due > 0 AND sent = 0 GROUP BY channel
		UNION ALL SELECT channel, 0 AS oldest, COUNT(*) AS given_up FROM outbox WHERE sent = 0 AND failure <> '' AND due = 0 AND NOT (`+unwanted+`) GROUP BY channel`)
	out := map[mail.Channel]mail.Backlog{}
	for _, r := range all {
		b := out[mail.Channel(r.Channel)]
		b.GivenUp += int(r.GivenUp)
		if r.Oldest > 0 {
			b.Oldest = at(r.Oldest)
		}
		out[mail.Channel(r.Channel)] = b
	}
	return out, err
}
