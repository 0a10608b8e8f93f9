-- +goose Up
-- The second factor that a person used last, to be offered first.
ALTER TABLE users ADD COLUMN method TEXT NOT NULL DEFAULT '';
-- Rises when a trusted device is forgotten: what caches know of devices carries it.
ALTER TABLE users ADD COLUMN trust BIGINT NOT NULL DEFAULT 0;
-- The password came by a mailed link, and nothing but mail has proven them since.
ALTER TABLE users ADD COLUMN mailed BOOLEAN NOT NULL DEFAULT FALSE;

-- handle names a credential before it is known whose it is.
ALTER TABLE credentials ADD COLUMN handle TEXT NOT NULL DEFAULT '';
ALTER TABLE credentials ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX credentials_handle ON credentials (kind, handle) WHERE handle <> '';

ALTER TABLE sessions ADD COLUMN device TEXT NOT NULL DEFAULT '';

-- Browsers in which a person need not give the second factor. proven lists the
-- second factors that were proven when trust began.
CREATE TABLE devices (
	id      TEXT PRIMARY KEY,
	subject TEXT NOT NULL,
	hash    TEXT NOT NULL UNIQUE,
	epoch   BIGINT NOT NULL,
	proven  TEXT NOT NULL,
	agent   TEXT NOT NULL,
	ip      TEXT NOT NULL,
	place   TEXT NOT NULL,
	created BIGINT NOT NULL,
	used    BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX devices_subject ON devices (subject);
CREATE INDEX devices_expires ON devices (expires);

-- Addresses that are good once. data is sealed.
CREATE TABLE links (
	hash    TEXT PRIMARY KEY,
	purpose TEXT NOT NULL,
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	epoch   BIGINT NOT NULL,
	data    BYTEA NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX links_user ON links (user_id);
CREATE INDEX links_expires ON links (expires);

-- When the days of grace of a policy began for a person.
CREATE TABLE graces (
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	policy  TEXT NOT NULL,
	started BIGINT NOT NULL,
	PRIMARY KEY (user_id, policy)
);

-- A message that is worth nothing after expires is not sent then; by says which
-- gateway took it, receipt what that called it.
ALTER TABLE outbox ADD COLUMN expires BIGINT NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN handled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN receipt TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE outbox DROP COLUMN receipt;
ALTER TABLE outbox DROP COLUMN handled_by;
ALTER TABLE outbox DROP COLUMN expires;
DROP TABLE graces;
DROP TABLE links;
DROP TABLE devices;
ALTER TABLE sessions DROP COLUMN device;
DROP INDEX credentials_handle;
ALTER TABLE credentials DROP COLUMN expires;
ALTER TABLE credentials DROP COLUMN handle;
ALTER TABLE users DROP COLUMN mailed;
ALTER TABLE users DROP COLUMN trust;
ALTER TABLE users DROP COLUMN method;
