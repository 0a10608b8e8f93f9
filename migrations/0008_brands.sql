-- How the house looks, and clients that look different: what an administrator
-- set. client is empty for the house. Logos are beside it: pages know their names
-- from memory, and only browsers that have not got them yet ask for the bytes.

-- +goose Up
CREATE TABLE brands (
	client TEXT PRIMARY KEY,
	body   TEXT NOT NULL
);
CREATE TABLE brand_logos (
	client TEXT NOT NULL,
	dark   BOOLEAN NOT NULL,
	hash   TEXT NOT NULL,
	width  BIGINT NOT NULL,
	height BIGINT NOT NULL,
	image  BYTEA NOT NULL,
	PRIMARY KEY (client, dark)
);
CREATE INDEX brand_logos_hash ON brand_logos (hash);
INSERT INTO catalogue (name, version) VALUES ('brands', 1);

-- +goose Down
DELETE FROM catalogue WHERE name = 'brands';
DROP TABLE brand_logos;
DROP TABLE brands;
