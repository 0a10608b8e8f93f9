package store

import (
	"context"

	"latchkey/idp/odoo/connector"
)

// Pragma sets something on the connection that writes, so that tests can fill
// the disk.
func (d *DB) Pragma(ctx context.Context, pragma string) error {
	_, err := d.writer.ExecContext(ctx, "PRAGMA "+pragma)
	return err
}

// Unword leaves people as a version before there were words wrote them.
func Unword(d *DB, ctx context.Context) error {
	return d.write(ctx, stmt{sql: `UPDATE users SET sort_name = ''`}, stmt{sql: `DELETE FROM user_words`}, stmt{sql: `DELETE FROM signins`})
}

// Lying returns what lies in the database of remembered answers.
func Lying(d *DB, ctx context.Context) ([]string, error) {
	type row struct{ Answer string }
	all, err := rows[row](ctx, d.engine, `SELECT answer FROM api_requests`)
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.Answer
	}
	return out, err
}

// Swap gives one remembered answer the cell of another, as somebody could who
// writes into the database.
func Swap(d *DB, ctx context.Context, from, to string) error {
	return d.write(ctx, stmt{sql: `UPDATE api_requests SET answer = (SELECT answer FROM api_requests WHERE name = ?) WHERE name = ?`, args: []any{from, to}})
}

// Counts is counts for tests.
var Counts = counts

// Sleep reads for some seconds.
func (d *DB) Sleep(ctx context.Context, seconds float64) error {
	_, err := rows[struct{ N int }](ctx, d.engine, `SELECT 1 AS n FROM (SELECT pg_sleep(?)) x`, seconds)
	return err
}

// FailureFrom reads the cell of a connection that says why a contact failed.
func FailureFrom(kept string) (string, connector.Reason) {
	f := failureFrom(kept)
	return f.Text, f.Why
}
