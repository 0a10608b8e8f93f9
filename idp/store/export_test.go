package store

import "context"

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
