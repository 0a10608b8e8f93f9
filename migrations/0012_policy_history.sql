-- Every policy that was ever in force, as a policy file, with who published it
-- and why; a removed one keeps its history. What is being written is a draft:
-- base is the version that it began from.

-- +goose Up
CREATE TABLE policy_versions (
	policy TEXT NOT NULL,
	number BIGINT NOT NULL,
	name   TEXT NOT NULL,
	act    TEXT NOT NULL,
	source BIGINT NOT NULL,
	body   TEXT NOT NULL,
	at     BIGINT NOT NULL,
	actor  TEXT NOT NULL,
	who    TEXT NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (policy, number)
);
CREATE INDEX policy_versions_name ON policy_versions (name, at);

CREATE TABLE policy_drafts (
	policy  TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	base    BIGINT NOT NULL,
	body    TEXT NOT NULL,
	at      BIGINT NOT NULL,
	actor   TEXT NOT NULL,
	who     TEXT NOT NULL
);

-- Members of a group are read in order, and counted.
CREATE INDEX memberships_members ON memberships (group_name, user_id);
DROP INDEX memberships_group;

-- +goose Down
CREATE INDEX memberships_group ON memberships (group_name);
DROP INDEX memberships_members;
DROP TABLE policy_drafts;
DROP TABLE policy_versions;
