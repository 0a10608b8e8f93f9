-- +goose Up
-- Documents that administrators change while the house runs; sealed, because
-- there are credentials among them.
CREATE TABLE settings (
	name    TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	body    BYTEA NOT NULL
);
INSERT INTO catalogue (name, version) VALUES ('settings', 1);

-- +goose Down
DELETE FROM catalogue WHERE name = 'settings';
DROP TABLE settings;
