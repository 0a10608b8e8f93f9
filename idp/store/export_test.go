package store

import "context"

// Pragma sets something on the connection that writes, so that tests can fill
// the disk.
func (d *DB) Pragma(ctx context.Context, pragma string) error {
	_, err := d.writer.ExecContext(ctx, "PRAGMA "+pragma)
	return err
}
