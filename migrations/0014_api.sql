-- +goose Up
-- Tokens of the API; hash is all that is known of them. Who is removed takes
-- theirs along.
CREATE TABLE api_tokens (
	id      TEXT PRIMARY KEY,
	hash    TEXT NOT NULL UNIQUE,
	name    TEXT NOT NULL,
	owner   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	scopes  TEXT NOT NULL,
	epoch   BIGINT NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL DEFAULT 0,
	revoked BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX api_tokens_owner ON api_tokens (owner);

-- Requests that carried an Idempotency-Key, with their answers. status is 0
-- while one is under way, until lease.
CREATE TABLE api_requests (
	caller  TEXT NOT NULL,
	name    TEXT NOT NULL,
	hash    TEXT NOT NULL,
	status  BIGINT NOT NULL,
	head    TEXT NOT NULL,
	answer  TEXT NOT NULL,
	lease   BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (caller, name)
);
CREATE INDEX api_requests_expires ON api_requests (expires);

-- What systems that feed people and groups by SCIM call them (RFC 7643 §3.1);
-- gone is whom they deleted and we keep.
CREATE TABLE scim_users (
	user_id  TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
	external TEXT NOT NULL,
	gone     BOOLEAN NOT NULL
);
CREATE INDEX scim_users_external ON scim_users (external);
-- Groups are known by their names; here they have ids that outlive them.
CREATE TABLE scim_groups (
	id         TEXT PRIMARY KEY,
	group_name TEXT NOT NULL UNIQUE,
	external   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX scim_groups_external ON scim_groups (external);

-- +goose Down
DROP TABLE scim_groups;
DROP TABLE scim_users;
DROP TABLE api_requests;
DROP TABLE api_tokens;
