-- Customer companies, whose main contacts look after their own people. source is
-- "hand", or which contact of which Odoo it is; heard is the name that Odoo told
-- last, so that another one, given here, stays.

-- +goose Up
CREATE TABLE companies (
	id        TEXT PRIMARY KEY,
	name      TEXT NOT NULL,
	sort_name TEXT NOT NULL,
	source    TEXT NOT NULL,
	heard     TEXT NOT NULL DEFAULT '',
	created   BIGINT NOT NULL
);
CREATE INDEX companies_sorted ON companies (sort_name, id);
CREATE UNIQUE INDEX companies_source ON companies (source) WHERE source <> 'hand';

-- Who belongs to a company. user_id is empty where somebody was invited whose
-- address is another account's: the company must not learn that there is one, so
-- it sees an invitation like every other. lead is a main contact. hand says that
-- an administrator or a main contact put them there, and no Odoo changes that.
-- off is the epoch of the account after a main contact disabled it: they enable
-- nobody whom somebody else disabled.
CREATE TABLE company_members (
	id        TEXT PRIMARY KEY,
	company   TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
	user_id   TEXT REFERENCES users (id) ON DELETE CASCADE,
	lead      BOOLEAN NOT NULL DEFAULT FALSE,
	hand      BOOLEAN NOT NULL DEFAULT FALSE,
	off       BIGINT NOT NULL DEFAULT 0,
	name      TEXT NOT NULL DEFAULT '',
	sort_name TEXT NOT NULL DEFAULT '',
	email     TEXT NOT NULL DEFAULT '',
	invited   BIGINT NOT NULL DEFAULT 0,
	added     BIGINT NOT NULL
);
CREATE UNIQUE INDEX company_members_user ON company_members (company, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX company_members_email ON company_members (company, email) WHERE email <> '';
CREATE INDEX company_members_of ON company_members (user_id) WHERE user_id IS NOT NULL;

-- +goose Down
DROP TABLE company_members;
DROP TABLE companies;
