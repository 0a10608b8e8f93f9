package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/oidc"
	"latchkey/migrations"
)

// logins remembers which clients were told of which session.
type logins struct{ d *DB }

// Note writes nothing when the session has ended meanwhile: there is nothing
// left to tell its end of.
func (s logins) Note(ctx context.Context, l oidc.Login) error {
	lock := ``
	if s.d.dialect == migrations.Postgres {
		lock = ` FOR KEY SHARE OF s` // an end that comes at this moment waits, and finds this row
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO client_logins (session, client, sid, user_id, expires)
			SELECT s.id, CAST(? AS TEXT), CAST(? AS TEXT), s.user_id, s.expires FROM sessions s WHERE s.id = ?` + lock + `
			ON CONFLICT (session, client, sid) DO NOTHING`,
		args: []any{string(l.Client), string(l.SID), string(l.Session)},
	})
}

type loginRow struct{ Session, Client, SID, UserID string }

func (r *loginRow) columns() []any { return []any{&r.Session, &r.Client, &r.SID, &r.UserID} }

func (s logins) Of(ctx context.Context, id idp.SessionID) ([]oidc.Login, error) {
	all, err := rows[loginRow](ctx, s.d.engine, `SELECT session, client, sid, user_id FROM client_logins WHERE session = ? ORDER BY client, sid`, string(id))
	if err != nil {
		return nil, err
	}
	out := make([]oidc.Login, len(all))
	for i, r := range all {
		out[i] = oidc.Login{Session: idp.SessionID(r.Session), Client: oidc.ClientID(r.Client), SID: idp.SessionID(r.SID), User: idp.UserID(r.UserID)}
	}
	return out, nil
}

// farewells puts a message to each client of the sessions that a condition
// selects into the outbox and forgets the logins. It reads nothing first: who
// ends a session and who tells of it are one transaction and one round trip
// (P-31). The message names its login in the recipient, in the form that
// [oidc.ParseFarewell] reads; the token is made when it is sent, because it
// is good for two minutes only.
func (s logins) farewells(where string, args ...any) []stmt {
	now := ms(s.d.now())
	return []stmt{{
		sql: `INSERT INTO outbox (id, channel, recipient, body, created, due, tries, sent, failure)
			SELECT 'logout-' || client || '-' || sid, CAST(? AS TEXT), client || ' ' || sid || ' ' || user_id, CAST(? AS ` + s.d.bytes() + `),
				CAST(? AS BIGINT), CAST(? AS BIGINT), 0, 0, '' FROM client_logins WHERE ` + where + ` ON CONFLICT (id) DO NOTHING`,
		args: append([]any{string(mail.Logout), []byte{}, now, now}, args...),
	}, {
		sql: `DELETE FROM client_logins WHERE ` + where, args: args,
	}}
}

// end says goodbye for all sessions of a person but one.
func (s logins) end(id idp.UserID, keep idp.SessionID) []stmt {
	return s.farewells(`user_id = ? AND session <> ?`, string(id), string(keep))
}
