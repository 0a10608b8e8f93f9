-- +goose Up
-- Changes to who owns the house follow one another by this row.
INSERT INTO catalogue (name, version) VALUES ('owners', 1);

-- Links that make the first owner; worth nothing once there is one.
CREATE TABLE foundings (
	hash    TEXT PRIMARY KEY,
	expires BIGINT NOT NULL
);

-- +goose Down
DROP TABLE foundings;
DELETE FROM catalogue WHERE name = 'owners';
