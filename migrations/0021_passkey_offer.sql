-- From when on somebody without a passkey may be offered one after signing in;
-- 0: at once. It is read with the person, so that a sign-in costs no more.

-- +goose Up
ALTER TABLE users ADD COLUMN passkey_offer_after BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE users DROP COLUMN passkey_offer_after;
