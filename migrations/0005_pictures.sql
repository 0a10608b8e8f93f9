-- +goose Up
-- The picture that a person chose for themselves: 256 by 256, PNG. name is its
-- public address, which nobody can guess.
CREATE TABLE pictures (
	user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
	name    TEXT NOT NULL UNIQUE,
	image   BYTEA NOT NULL,
	created BIGINT NOT NULL
);

-- +goose Down
DROP TABLE pictures;
