-- Which applications were told of which session, so that they hear when it
-- ends. sid is the session's name in their tokens; session is where it has
-- moved to since, for a step-up puts another one in its place.

-- +goose Up
CREATE TABLE client_logins (
	session TEXT NOT NULL,
	client  TEXT NOT NULL,
	sid     TEXT NOT NULL,
	user_id TEXT NOT NULL,
	expires BIGINT NOT NULL,
	PRIMARY KEY (session, client, sid)
);
CREATE INDEX client_logins_user ON client_logins (user_id);
CREATE INDEX client_logins_expires ON client_logins (expires);

-- +goose Down
DROP TABLE client_logins;
