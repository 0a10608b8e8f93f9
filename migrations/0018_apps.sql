-- What runs of the synchronisation with an Odoo did, those that did something or
-- failed; people of whom nobody can tell which user of Odoo they are; work that
-- somebody started on a page and that goes on behind it; and when the secrets of
-- clients were used last.

-- +goose Up
CREATE TABLE odoo_runs (
	connection TEXT NOT NULL,
	began      BIGINT NOT NULL,
	ended      BIGINT NOT NULL,
	body       TEXT NOT NULL,
	PRIMARY KEY (connection, began)
);

CREATE TABLE odoo_cases (
	connection TEXT NOT NULL,
	user_id    TEXT NOT NULL,
	seen       BIGINT NOT NULL,
	what       TEXT NOT NULL,
	PRIMARY KEY (connection, user_id)
);
CREATE INDEX odoo_cases_user ON odoo_cases (user_id);

-- One piece of work of a kind about one thing goes on at a time: the row is
-- named by both. touched moves while it does; what stands still is lost.
CREATE TABLE jobs (
	id      TEXT PRIMARY KEY,
	kind    TEXT NOT NULL,
	about   TEXT NOT NULL,
	owner   TEXT NOT NULL,
	state   TEXT NOT NULL,
	began   BIGINT NOT NULL,
	touched BIGINT NOT NULL,
	ended   BIGINT NOT NULL,
	body    BYTEA NOT NULL
);
CREATE UNIQUE INDEX jobs_running ON jobs (kind, about) WHERE state = 'running';
CREATE INDEX jobs_about ON jobs (about, began);
CREATE INDEX jobs_touched ON jobs (touched);

-- proof and serial say which secret of the client it was.
CREATE TABLE client_uses (
	client TEXT NOT NULL,
	proof  TEXT NOT NULL,
	serial BIGINT NOT NULL,
	used   BIGINT NOT NULL,
	PRIMARY KEY (client, proof, serial)
);

-- Who changes a client says which one they have seen, so that an old secret does
-- not come back with somebody's slow edit.
ALTER TABLE clients ADD COLUMN version BIGINT NOT NULL DEFAULT 1;

-- +goose Down
ALTER TABLE clients DROP COLUMN version;
DROP TABLE client_uses;
DROP TABLE jobs;
DROP TABLE odoo_cases;
DROP TABLE odoo_runs;
