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
INSERT INTO audit_chain (id, seq, hash, mark, marked, began) VALUES (1, 0, '\x0000000000000000000000000000000000000000000000000000000000000000', 0, 0, 0);

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

-- Conditions stand in WHEN, which costs next to nothing; the functions are for
-- what is refused, and for what is removed.
-- +goose StatementBegin
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION audit_below_cut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.seq <= (SELECT max(seq) FROM audit_cuts) THEN
		RETURN OLD;
	END IF;
	RAISE EXCEPTION '% is append-only', TG_TABLE_NAME;
END $$;
-- +goose StatementEnd
CREATE TRIGGER events_placed BEFORE INSERT ON events FOR EACH ROW
	WHEN (NEW.seq IS NOT NULL OR NEW.hash IS NOT NULL) EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER events_changed BEFORE UPDATE ON events FOR EACH ROW
	WHEN (OLD.seq IS NOT NULL OR NEW.seq IS NULL OR NEW.hash IS NULL
		OR (OLD.id, OLD.at, OLD.what, OLD.user_id, OLD.actor, OLD.client, OLD.session, OLD.method, OLD.ip, OLD.agent, OLD.request, OLD.result, OLD.detail, OLD.mac) IS DISTINCT FROM (NEW.id, NEW.at, NEW.what, NEW.user_id, NEW.actor, NEW.client, NEW.session, NEW.method, NEW.ip, NEW.agent, NEW.request, NEW.result, NEW.detail, NEW.mac)) EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER events_kept BEFORE DELETE ON events FOR EACH ROW EXECUTE FUNCTION audit_below_cut();
CREATE TRIGGER events_whole BEFORE TRUNCATE ON events EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_changed BEFORE UPDATE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoints_kept BEFORE DELETE ON audit_checkpoints FOR EACH ROW EXECUTE FUNCTION audit_below_cut();
CREATE TRIGGER audit_checkpoints_whole BEFORE TRUNCATE ON audit_checkpoints EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_cuts_kept BEFORE UPDATE OR DELETE ON audit_cuts FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_cuts_whole BEFORE TRUNCATE ON audit_cuts EXECUTE FUNCTION audit_refuse();

-- +goose Down
DROP TRIGGER events_placed ON events;
DROP TRIGGER events_changed ON events;
DROP TRIGGER events_kept ON events;
DROP TRIGGER events_whole ON events;
DROP TRIGGER audit_checkpoints_changed ON audit_checkpoints;
DROP TRIGGER audit_checkpoints_kept ON audit_checkpoints;
DROP TRIGGER audit_checkpoints_whole ON audit_checkpoints;
DROP TRIGGER audit_cuts_kept ON audit_cuts;
DROP TRIGGER audit_cuts_whole ON audit_cuts;
DROP FUNCTION audit_refuse;
DROP FUNCTION audit_below_cut;
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
