-- due is when a message may be tried next, 0 when nothing is left to do: sent,
-- or given up with its failure. While somebody sends it, due lies ahead, so
-- that a sender that dies leaves it to another. body is sealed.

-- +goose Up
CREATE TABLE outbox (
	id        TEXT PRIMARY KEY,
	channel   TEXT NOT NULL,
	recipient TEXT NOT NULL,
	body      BYTEA NOT NULL,
	created   BIGINT NOT NULL,
	due       BIGINT NOT NULL,
	tries     BIGINT NOT NULL,
	sent      BIGINT NOT NULL,
	failure   TEXT NOT NULL
);
CREATE INDEX outbox_due ON outbox (due) WHERE due > 0;
CREATE INDEX outbox_created ON outbox (created, id);

-- Who has been told what lately: no second message on the topic before ends.
CREATE TABLE outbox_topics (
	topic   TEXT PRIMARY KEY,
	message TEXT NOT NULL,
	ends    BIGINT NOT NULL
);
CREATE INDEX outbox_topics_ends ON outbox_topics (ends);

-- +goose Down
DROP TABLE outbox_topics;
DROP TABLE outbox;
