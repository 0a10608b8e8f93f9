package store

import (
	"context"
	"time"
)

// portion is how many rows one statement of Sweep deletes: few enough that
// nobody waits for it.
const portion = 500

// Sweep deletes what has expired at now. Counters with a streak stay, because
// a streak ends by a success and not by time; so does the log.
func (d *DB) Sweep(ctx context.Context, now time.Time) error {
	for _, t := range []struct{ table, key, over string }{
		{"sessions", "id", "expires <= ? OR seen + idle <= ?"},
		{"flows", "id", "expires <= ?"},
		{"challenges", "id", "expires <= ?"},
		{"devices", "id", "expires <= ?"},
		{"links", "hash", "expires <= ?"},
		{"registrations", "hash", "expires <= ?"},
		{"credentials", "id", "expires > 0 AND expires <= ?"},
		{"grants", "kind, signature", "expires <= ?"},
		{"client_logins", "session, client, sid", "expires <= ?"},
		{"counters", "name", "cap = 0 AND ends <= ?"},
		{"outbox", "id", "created <= ? - 2592000000"}, // 30 days: what is left is who was written to, and when
		{"outbox_topics", "topic", "ends <= ?"},
		{"api_requests", "caller, name", "expires <= ?"},
		{"batches", "id", "expires <= ?"},
		{"approvals", "id", "expires <= ?"},
		{"jobs", "id", "touched <= CAST(? AS BIGINT) - 86400000"}, // a day
	} {
		args := []any{ms(now)}
		if t.table == "sessions" {
			args = append(args, ms(now))
		}
		query := `DELETE FROM ` + t.table + ` WHERE (` + t.key + `) IN (SELECT ` + t.key + ` FROM ` + t.table +
			` WHERE ` + t.over + ` LIMIT ?) RETURNING 1 AS n`
		for {
			gone, err := returning[struct{ N int }](ctx, d.engine, query, append(args, portion)...)
			if err != nil {
				return err
			}
			if len(gone) < portion {
				break
			}
		}
	}
	return nil
}
