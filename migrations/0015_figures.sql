-- +goose Up
-- What happened, counted per day (days since 1970, UTC): the dashboard reads
-- these instead of the log.
CREATE TABLE figures_events (
	day    BIGINT NOT NULL,
	what   TEXT NOT NULL,
	method TEXT NOT NULL,
	result TEXT NOT NULL,
	n      BIGINT NOT NULL,
	PRIMARY KEY (day, what, method, result)
);

-- How well people were protected on a day, by scope: all, kind:…, role:… and
-- group:….
CREATE TABLE figures_coverage (
	day       BIGINT NOT NULL,
	scope     TEXT NOT NULL,
	people    BIGINT NOT NULL,
	ready     BIGINT NOT NULL,
	resistant BIGINT NOT NULL,
	never     BIGINT NOT NULL,
	stale     BIGINT NOT NULL,
	PRIMARY KEY (day, scope)
);

-- How far the counting has got: an event's seq, or a moment.
CREATE TABLE figures_at (
	name  TEXT PRIMARY KEY,
	value BIGINT NOT NULL
);
INSERT INTO figures_at (name, value) VALUES ('events', 0), ('coverage', 0);

-- +goose Down
DROP TABLE figures_at;
DROP TABLE figures_coverage;
DROP TABLE figures_events;
