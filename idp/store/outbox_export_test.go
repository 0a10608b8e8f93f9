package store

import "context"

// Forge runs a statement that no method offers, as somebody with a hand in
// the database would.
func (d *DB) Forge(ctx context.Context, statement string) error {
	return d.write(ctx, stmt{sql: statement})
}
