-- Who is who: a person here and a user of one Odoo. seen holds fingerprints of
-- what that Odoo said last, so that only what changes there changes anything
-- here. A row whose person is gone keeps them from coming back by themselves.
-- login is their name there; linked is when Odoo was told of them; closed says
-- where an end began: "there" or "here".

-- +goose Up
CREATE TABLE odoo_ties (
	connection TEXT NOT NULL,
	odoo_id    BIGINT NOT NULL,
	user_id    TEXT NOT NULL,
	login      TEXT NOT NULL,
	seen       TEXT NOT NULL,
	linked     BIGINT NOT NULL,
	closed     TEXT NOT NULL,
	created    BIGINT NOT NULL,
	PRIMARY KEY (connection, odoo_id)
);
CREATE UNIQUE INDEX odoo_ties_user ON odoo_ties (user_id, connection);

-- +goose Down
DROP TABLE odoo_ties;
