-- Times are Unix milliseconds, 0 for "never"; lengths of time are
-- milliseconds; BYTEA columns named body, data, private and value are sealed.

-- +goose Up
CREATE TABLE users (
	id             TEXT PRIMARY KEY,
	login          TEXT NOT NULL,
	email          TEXT NOT NULL,
	email_verified BOOLEAN NOT NULL,
	name           TEXT NOT NULL,
	phone          TEXT NOT NULL,
	phone_verified BOOLEAN NOT NULL,
	kind           TEXT NOT NULL,
	role           TEXT NOT NULL,
	locale         TEXT NOT NULL,
	profile        TEXT NOT NULL,
	password       TEXT NOT NULL,
	disabled       BOOLEAN NOT NULL,
	epoch          BIGINT NOT NULL,
	created        BIGINT NOT NULL,
	updated        BIGINT NOT NULL
);

CREATE TABLE identifiers (
	canonical TEXT PRIMARY KEY,
	user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX identifiers_user ON identifiers (user_id);

-- What a person's identifiers look like; one person may hold several that look
-- the same, two persons may not.
CREATE TABLE looks (
	skeleton TEXT PRIMARY KEY,
	user_id  TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE
);
CREATE INDEX looks_user ON looks (user_id);

CREATE TABLE user_groups (
	name TEXT PRIMARY KEY
);

CREATE TABLE memberships (
	user_id    TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	group_name TEXT NOT NULL REFERENCES user_groups (name) ON DELETE CASCADE,
	PRIMARY KEY (user_id, group_name)
);
CREATE INDEX memberships_group ON memberships (group_name);

CREATE TABLE sessions (
	id      TEXT PRIMARY KEY,
	hash    TEXT NOT NULL UNIQUE,
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	epoch   BIGINT NOT NULL,
	proofs  TEXT NOT NULL,
	created BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	idle    BIGINT NOT NULL,
	ip      TEXT NOT NULL,
	agent   TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE flows (
	id      TEXT PRIMARY KEY,
	user_id TEXT NOT NULL,
	body    BYTEA NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX flows_user ON flows (user_id);
CREATE INDEX flows_expires ON flows (expires);

CREATE TABLE credentials (
	id      TEXT PRIMARY KEY,
	subject TEXT NOT NULL,
	kind    TEXT NOT NULL,
	label   TEXT NOT NULL,
	data    BYTEA NOT NULL,
	version BIGINT NOT NULL,
	created BIGINT NOT NULL,
	used    BIGINT NOT NULL
);
CREATE INDEX credentials_subject ON credentials (subject);

CREATE TABLE challenges (
	id      TEXT PRIMARY KEY,
	subject TEXT NOT NULL,
	kind    TEXT NOT NULL,
	adding  BOOLEAN NOT NULL,
	binding TEXT NOT NULL,
	body    BYTEA NOT NULL,
	tries   BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX challenges_subject ON challenges (subject);
CREATE INDEX challenges_expires ON challenges (expires);

-- most, per and cap are the budget's numbers when it was last used: an upsert
-- can only compare with columns.
CREATE TABLE counters (
	name    TEXT PRIMARY KEY,
	tries   BIGINT NOT NULL,
	streak  BIGINT NOT NULL,
	ends    BIGINT NOT NULL,
	most    BIGINT NOT NULL,
	per     BIGINT NOT NULL,
	cap     BIGINT NOT NULL
);
CREATE INDEX counters_ends ON counters (ends) WHERE cap = 0;

CREATE TABLE clients (
	id   TEXT PRIMARY KEY,
	body BYTEA NOT NULL
);

CREATE TABLE policies (
	id    TEXT PRIMARY KEY,
	name  TEXT NOT NULL UNIQUE,
	body  TEXT NOT NULL,
	place BIGINT NOT NULL
);

CREATE TABLE signing_keys (
	id      TEXT PRIMARY KEY,
	alg     TEXT NOT NULL,
	state   TEXT NOT NULL,
	private BYTEA NOT NULL,
	created BIGINT NOT NULL,
	changed BIGINT NOT NULL
);
CREATE UNIQUE INDEX signing_keys_active ON signing_keys (alg, state) WHERE state IN ('next', 'current');

CREATE TABLE grants (
	kind      TEXT NOT NULL,
	signature TEXT NOT NULL,
	family    TEXT NOT NULL,
	client    TEXT NOT NULL,
	user_id   TEXT NOT NULL,
	session   TEXT NOT NULL,
	spent     BOOLEAN NOT NULL,
	payload   BYTEA NOT NULL,
	expires   BIGINT NOT NULL,
	armed     BIGINT NOT NULL,
	uses      BIGINT NOT NULL,
	PRIMARY KEY (kind, signature)
);
-- None of these mention spent or uses, so that PostgreSQL can spend a grant
-- without touching an index.
CREATE INDEX grants_family ON grants (family) WHERE family <> '';
CREATE INDEX grants_user ON grants (user_id) WHERE user_id <> '';
CREATE INDEX grants_session ON grants (session) WHERE session <> '';
CREATE INDEX grants_expires ON grants (expires);

CREATE TABLE consents (
	user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	client  TEXT NOT NULL,
	scopes  TEXT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (user_id, client)
);

CREATE TABLE events (
	id      TEXT PRIMARY KEY,
	at      BIGINT NOT NULL,
	what    TEXT NOT NULL,
	user_id TEXT NOT NULL,
	actor   TEXT NOT NULL,
	client  TEXT NOT NULL,
	session TEXT NOT NULL,
	method  TEXT NOT NULL,
	ip      TEXT NOT NULL,
	agent   TEXT NOT NULL,
	result  TEXT NOT NULL,
	detail  TEXT NOT NULL
);
CREATE INDEX events_user ON events (user_id, at, id);
CREATE INDEX events_at ON events (at, id);

CREATE TABLE secrets (
	name  TEXT PRIMARY KEY,
	value BYTEA NOT NULL
);

-- A version rises with every change to the table of that name; instances that
-- hold the table in memory compare it.
CREATE TABLE catalogue (
	name    TEXT PRIMARY KEY,
	version BIGINT NOT NULL
);
INSERT INTO catalogue (name, version) VALUES ('clients', 1), ('policies', 1), ('signing_keys', 1);

-- +goose Down
DROP TABLE catalogue;
DROP TABLE secrets;
DROP TABLE events;
DROP TABLE consents;
DROP TABLE grants;
DROP TABLE signing_keys;
DROP TABLE policies;
DROP TABLE clients;
DROP TABLE counters;
DROP TABLE challenges;
DROP TABLE credentials;
DROP TABLE flows;
DROP TABLE sessions;
DROP TABLE memberships;
DROP TABLE user_groups;
DROP TABLE looks;
DROP TABLE identifiers;
DROP TABLE users;
