-- What administrators say in messages in the place of ours: plain texts, no
-- secrets. What is set back keeps its row, so that versions only rise.

-- +goose Up
CREATE TABLE texts (
	message  TEXT NOT NULL,
	language TEXT NOT NULL,
	version  BIGINT NOT NULL,
	body     TEXT NOT NULL,
	PRIMARY KEY (message, language)
);
INSERT INTO catalogue (name, version) VALUES ('texts', 1);

-- The log of deliveries is read a page at a time: those of a channel, those to
-- somebody, those that failed.
CREATE INDEX outbox_channel ON outbox (channel, created, id);
CREATE INDEX outbox_recipient ON outbox (lower(recipient), created, id);
CREATE INDEX outbox_failed ON outbox (created, id) WHERE sent = 0 AND failure <> '';

-- +goose Down
DROP INDEX outbox_failed;
DROP INDEX outbox_recipient;
DROP INDEX outbox_channel;
DELETE FROM catalogue WHERE name = 'texts';
DROP TABLE texts;
