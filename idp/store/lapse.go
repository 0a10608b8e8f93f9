package store

import (
	"context"

	"latchkey/idp/mail"
	"latchkey/mfa/temporary"
)

// Lapse ends, in a copy of the database that takes the original's place, what
// the original may have ended or spent since (SECURITY.md C-14): sessions and
// sign-ins under way, codes and tokens of applications, trusted browsers, links,
// accounts that were asked for, temporary codes, the link of the first owner,
// approvals, kept answers, and who waits to be invited, for they may have been. Messages to people that were
// waiting are withdrawn: most have been sent since, and their links and codes
// are dead.
func (d *DB) Lapse(ctx context.Context) error {
	var stmts []stmt
	for _, table := range []string{
		"sessions", "flows", "challenges", "grants", "client_logins", "devices", "links", "registrations", "foundings", "approvals", "api_requests", "outbox_topics",
	} {
		stmts = append(stmts, stmt{sql: `DELETE FROM ` + table})
	}
	return d.write(counts(ctx), append(stmts, stmt{
		sql: `DELETE FROM credentials WHERE kind = ?`, args: []any{string(temporary.Kind)},
	}, stmt{
		sql: `DELETE FROM connection_states WHERE name = ?`, args: []any{"invite"}, // as package connector calls it
	}, stmt{
		sql:  `UPDATE outbox SET due = 0, body = ?, failure = ? WHERE due > 0 AND channel IN (?, ?)`,
		args: []any{[]byte{}, mail.WasWithdrawn, string(mail.Mail), string(mail.SMS)},
	})...)
}
