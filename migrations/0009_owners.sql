-- +goose Up
-- Changes to who owns the house follow one another by this row.
INSERT INTO catalogue (name, version) VALUES ('owners', 1);

-- +goose Down
DELETE FROM catalogue WHERE name = 'owners';
