-- The log as a chain. A row is sealed when it is written (mac; NULL: from before
-- this), and gets its place (seq) and hash a moment later. Nothing else of it
-- ever changes, and rows go only below a cut: the triggers say so to everybody
-- who means well, the chain finds out about the others.

-- +goose Up
ALTER TABLE events ADD COLUMN request TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN mac BYTEA;
ALTER TABLE events ADD COLUMN seq BIGINT;
ALTER TABLE events ADD COLUMN hash BYTEA;

CREATE UNIQUE INDEX events_seq ON events (seq) WHERE seq IS NOT NULL;
CREATE INDEX events_unchained ON events (at, id) WHERE seq IS NULL;
CREATE INDEX events_actor ON events (actor, at, id) WHERE actor <> '' AND actor <> user_id;
CREATE INDEX events_what ON events (what, at, id);
CREATE INDEX events_client ON events (client, at, id) WHERE client <> '';
CREATE INDEX events_ip ON events (ip, at, id) WHERE ip <> '';
CREATE INDEX events_result ON events (result, at, id) WHERE result <> 'ok';
CREATE INDEX events_request ON events (request) WHERE request <> '';

-- How far the chain has got: one row.
CREATE TABLE audit_chain (
	id     BIGINT PRIMARY KEY CHECK (id = 1),
	seq    BIGINT NOT NULL,
	hash   BYTEA NOT NULL,
	mark   BIGINT NOT NULL,
	marked BIGINT NOT NULL,
	began  BIGINT NOT NULL
);
INSERT INTO audit_chain (id, seq, hash, mark, marked, began) VALUES (1, 0, x'0000000000000000000000000000000000000000000000000000000000000000', 0, 0, 0);

CREATE TABLE audit_checkpoints (
	seq       BIGINT PRIMARY KEY,
	hash      BYTEA NOT NULL,
	at        BIGINT NOT NULL,
	count     BIGINT NOT NULL,
	began     BIGINT NOT NULL,
	key       TEXT NOT NULL,
	signature BYTEA NOT NULL
);
CREATE INDEX audit_checkpoints_at ON audit_checkpoints (at, seq);

CREATE TABLE audit_cuts (
	seq       BIGINT PRIMARY KEY,
	hash      BYTEA NOT NULL,
	at        BIGINT NOT NULL,
	count     BIGINT NOT NULL,
	began     BIGINT NOT NULL,
	key       TEXT NOT NULL,
	signature BYTEA NOT NULL,
	actor     TEXT NOT NULL
);

-- What background tasks on the log remember, and who is at work.
CREATE TABLE audit_work (
	name   TEXT PRIMARY KEY,
	value  TEXT NOT NULL DEFAULT '',
	holder TEXT NOT NULL DEFAULT '',
	until  BIGINT NOT NULL DEFAULT 0
);

-- +goose StatementBegin
CREATE TRIGGER events_placed BEFORE INSERT ON events
WHEN NEW.seq IS NOT NULL OR NEW.hash IS NOT NULL
BEGIN
	SELECT RAISE(ABORT, 'events get their place from the chain');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_changed BEFORE UPDATE ON events
WHEN OLD.seq IS NOT NULL OR NEW.seq IS NULL OR NEW.hash IS NULL
	OR OLD.id IS NOT NEW.id OR OLD.at IS NOT NEW.at OR OLD.what IS NOT NEW.what OR OLD.user_id IS NOT NEW.user_id OR OLD.actor IS NOT NEW.actor OR OLD.client IS NOT NEW.client OR OLD.session IS NOT NEW.session OR OLD.method IS NOT NEW.method OR OLD.ip IS NOT NEW.ip OR OLD.agent IS NOT NEW.agent OR OLD.request IS NOT NEW.request OR OLD.result IS NOT NEW.result OR OLD.detail IS NOT NEW.detail OR OLD.mac IS NOT NEW.mac
BEGIN
	SELECT RAISE(ABORT, 'events are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER events_kept BEFORE DELETE ON events
WHEN OLD.seq IS NULL OR OLD.seq > coalesce((SELECT max(seq) FROM audit_cuts), 0)
BEGIN
	SELECT RAISE(ABORT, 'events are append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_changed BEFORE UPDATE ON audit_checkpoints
BEGIN
	SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_checkpoints_kept BEFORE DELETE ON audit_checkpoints
WHEN OLD.seq >= coalesce((SELECT max(seq) FROM audit_cuts), 0)
BEGIN
	SELECT RAISE(ABORT, 'audit_checkpoints is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_cuts_changed BEFORE UPDATE ON audit_cuts
BEGIN
	SELECT RAISE(ABORT, 'audit_cuts is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_cuts_kept BEFORE DELETE ON audit_cuts
BEGIN
	SELECT RAISE(ABORT, 'audit_cuts is append-only');
END;
-- +goose StatementEnd

-- +goose Down
DROP TRIGGER events_placed;
DROP TRIGGER events_changed;
DROP TRIGGER events_kept;
DROP TRIGGER audit_checkpoints_changed;
DROP TRIGGER audit_checkpoints_kept;
DROP TRIGGER audit_cuts_changed;
DROP TRIGGER audit_cuts_kept;
DROP TABLE audit_work;
DROP TABLE audit_cuts;
DROP TABLE audit_checkpoints;
DROP TABLE audit_chain;
DROP INDEX events_request;
DROP INDEX events_result;
DROP INDEX events_ip;
DROP INDEX events_client;
DROP INDEX events_what;
DROP INDEX events_actor;
DROP INDEX events_unchained;
DROP INDEX events_seq;
ALTER TABLE events DROP COLUMN hash;
ALTER TABLE events DROP COLUMN seq;
ALTER TABLE events DROP COLUMN mac;
ALTER TABLE events DROP COLUMN request;
