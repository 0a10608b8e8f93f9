-- How administrators find people among a million. sort_name is the name as it is
-- sorted: folded, and empty until the program has made the words of a person.
-- protected says that there is a second factor that lasts. invited is when the
-- last invitation went out.

-- +goose Up
ALTER TABLE users ADD COLUMN sort_name TEXT COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN protected BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN invited BIGINT NOT NULL DEFAULT 0;
UPDATE users SET protected = TRUE WHERE EXISTS (SELECT 1 FROM credentials c WHERE c.subject = users.id AND c.kind <> 'temporary');
CREATE INDEX users_sorted ON users (sort_name, id);
CREATE INDEX users_kind ON users (kind, sort_name, id);
CREATE INDEX users_role ON users (role, sort_name, id) WHERE role <> '';
CREATE INDEX users_disabled ON users (sort_name, id) WHERE disabled;
CREATE INDEX users_bare ON users (sort_name, id) WHERE NOT protected;
CREATE INDEX users_invited ON users (sort_name, id) WHERE invited > 0 AND password = '';
CREATE INDEX users_wordless ON users (id) WHERE sort_name = '';

-- The words of names, logins and addresses, folded: a search is a range of them.
-- sort_name is that of the person, so that who is found is sorted without a look
-- at a hundred thousand people.
CREATE TABLE user_words (
	word      TEXT COLLATE "C" NOT NULL,
	sort_name TEXT COLLATE "C" NOT NULL,
	user_id   TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
	PRIMARY KEY (word, sort_name, user_id)
);
CREATE INDEX user_words_user ON user_words (user_id, word);
ALTER TABLE user_words ALTER COLUMN word SET STATISTICS 1000;

-- When people signed in last, 0 for never. It is no column of users, so that a
-- sign-in does not write to all the indexes of that.
CREATE TABLE signins (
	user_id TEXT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
	at      BIGINT NOT NULL
);
INSERT INTO signins (user_id, at) SELECT u.id, COALESCE(e.at, 0) FROM users u
	LEFT JOIN (SELECT user_id, MAX(at) AS at FROM events WHERE what = 'signin' AND result = 'ok' GROUP BY user_id) e ON e.user_id = u.id;
CREATE INDEX signins_at ON signins (at, user_id);

-- What an administrator is about to do to many people, or has done: the people
-- of a selection, or the rows of a file. body and data hold personal data and
-- are sealed; all of it goes when it expires.
CREATE TABLE batches (
	id      TEXT PRIMARY KEY,
	kind    TEXT NOT NULL,
	owner   TEXT NOT NULL,
	job     TEXT NOT NULL,
	version BIGINT NOT NULL,
	body    BYTEA NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX batches_expires ON batches (expires);

CREATE TABLE batch_files (
	batch TEXT PRIMARY KEY REFERENCES batches (id) ON DELETE CASCADE,
	data  BYTEA NOT NULL
);

CREATE TABLE batch_rows (
	batch  TEXT NOT NULL REFERENCES batches (id) ON DELETE CASCADE,
	place  BIGINT NOT NULL,
	result TEXT NOT NULL,
	body   BYTEA NOT NULL,
	PRIMARY KEY (batch, place)
);

-- +goose Down
DROP TABLE batch_rows;
DROP TABLE batch_files;
DROP TABLE batches;
DROP TABLE signins;
DROP TABLE user_words;
DROP INDEX users_wordless;
DROP INDEX users_invited;
DROP INDEX users_bare;
DROP INDEX users_disabled;
DROP INDEX users_role;
DROP INDEX users_kind;
DROP INDEX users_sorted;
ALTER TABLE users DROP COLUMN invited;
ALTER TABLE users DROP COLUMN protected;
ALTER TABLE users DROP COLUMN sort_name;
