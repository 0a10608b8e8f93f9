-- Accounts that people asked for themselves, until the link in their mail is
-- followed: there is nobody yet to whom a row of links could belong. The address
-- is known by its hash alone; it may have several requests that are good.

-- +goose Up
CREATE TABLE registrations (
	hash    TEXT PRIMARY KEY,
	address TEXT NOT NULL,
	data    BYTEA NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX registrations_expires ON registrations (expires);
CREATE INDEX registrations_address ON registrations (address);

-- When somebody made their own account; 0: somebody else did.
ALTER TABLE users ADD COLUMN registered BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE users DROP COLUMN registered;
DROP TABLE registrations;
