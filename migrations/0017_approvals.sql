-- Temporary codes that wait for a second administrator, or have been allowed by
-- one and are not shown yet.

-- +goose Up
CREATE TABLE approvals (
	id        TEXT PRIMARY KEY,
	user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	requester TEXT NOT NULL,
	approver  TEXT NOT NULL,
	reason    TEXT NOT NULL,
	life      BIGINT NOT NULL,
	uses      BIGINT NOT NULL,
	created   BIGINT NOT NULL,
	expires   BIGINT NOT NULL
);
CREATE INDEX approvals_user ON approvals (user_id);
CREATE INDEX approvals_expires ON approvals (expires);

-- +goose Down
DROP TABLE approvals;
