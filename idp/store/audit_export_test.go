package store

import (
	"context"

	"latchkey/migrations"
)

// Exec runs a statement as somebody who owns the database can.
func Exec(d *DB, sql string) error {
	_, err := d.writer.ExecContext(context.Background(), sql)
	return err
}

// IsPostgres reports whether the database is PostgreSQL.
func IsPostgres(d *DB) bool { return d.dialect == migrations.Postgres }

// WithoutTriggers is what takes the protection of the log away.
func WithoutTriggers(d *DB) []string {
	if IsPostgres(d) {
		return []string{
			`ALTER TABLE events DISABLE TRIGGER USER`, `ALTER TABLE audit_checkpoints DISABLE TRIGGER USER`, `ALTER TABLE audit_cuts DISABLE TRIGGER USER`,
		}
	}
	var out []string
	for _, name := range []string{
		"events_placed", "events_changed", "events_kept", "audit_checkpoints_changed", "audit_checkpoints_kept", "audit_cuts_changed", "audit_cuts_kept",
	} {
		out = append(out, `DROP TRIGGER `+name)
	}
	return out
}
