-- +goose Up
-- Odoos that an administrator connected. body holds a key to all of one and is
-- sealed; health is beside it, for it changes all the time.
CREATE TABLE connections (
	id      TEXT PRIMARY KEY,
	client  TEXT NOT NULL UNIQUE,
	body    BYTEA NOT NULL,
	good    BIGINT NOT NULL DEFAULT 0,
	failed  BIGINT NOT NULL DEFAULT 0,
	failure TEXT NOT NULL DEFAULT ''
);

-- What background tasks keep for a connection, and who is at work.
CREATE TABLE connection_states (
	connection TEXT NOT NULL REFERENCES connections (id) ON DELETE CASCADE,
	name       TEXT NOT NULL,
	value      TEXT NOT NULL DEFAULT '',
	holder     TEXT NOT NULL DEFAULT '',
	until      BIGINT NOT NULL DEFAULT 0,
	PRIMARY KEY (connection, name)
);

-- How often all of somebody's sessions were ended at once; Odoo's tokens carry it.
ALTER TABLE users ADD COLUMN round BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE users DROP COLUMN round;
DROP TABLE connection_states;
DROP TABLE connections;
