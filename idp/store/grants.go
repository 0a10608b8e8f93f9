package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/migrations"
)

// grants stores codes and tokens.
type grants struct{ d *DB }

const grantColumns = `kind, signature, family, client, user_id, session, spent, payload, expires`

type grantRow struct {
	Kind, Signature, Family, Client, UserID, Session string
	Spent                                            bool
	Payload                                          []byte
	Expires                                          int64
}

func (r *grantRow) columns() []any {
	return []any{&r.Kind, &r.Signature, &r.Family, &r.Client, &r.UserID, &r.Session, &r.Spent, &r.Payload, &r.Expires}
}

// heldRow is a grant with its person, if it has one.
type heldRow struct {
	grantRow
	user userRow
}

func (r *heldRow) columns() []any { return append(r.grantRow.columns(), r.user.columns()...) }

func (r grantRow) grant() oidc.Grant {
	return oidc.Grant{
		Kind: r.Kind, Signature: r.Signature, Family: r.Family, Client: oidc.ClientID(r.Client),
		User: idp.UserID(r.UserID), Session: idp.SessionID(r.Session), Spent: r.Spent, Payload: r.Payload, Expires: at(r.Expires),
	}
}

// values are a grant's columns in the order of grantColumns.
func values(g oidc.Grant) []any {
	payload := g.Payload
	if payload == nil {
		payload = []byte{}
	}
	return []any{g.Kind, g.Signature, g.Family, string(g.Client), string(g.User), string(g.Session), g.Spent, payload, ms(g.Expires)}
}

func inserts(gs []oidc.Grant) []stmt {
	out := make([]stmt, len(gs))
	for i, g := range gs {
		out[i] = stmt{
			sql:   `INSERT INTO grants (` + grantColumns + `, armed, uses) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)`,
			args:  values(g),
			taken: idp.ErrTaken,
		}
	}
	return out
}

// Put fails with idp.ErrTaken when a grant of that kind and signature exists.
func (s grants) Put(ctx context.Context, gs ...oidc.Grant) error {
	return s.d.write(ctx, inserts(gs)...)
}

func (s grants) Get(ctx context.Context, kind, signature string) (oidc.Grant, idp.User, error) {
	r, err := one[heldRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT g.kind, g.signature, g.family, g.client, g.user_id, g.session,
		g.spent, g.payload, g.expires, `+person+` FROM grants g LEFT JOIN users u ON u.id = g.user_id
		WHERE g.kind = ? AND g.signature = ?`, kind, signature)
	if err != nil {
		return oidc.Grant{}, idp.User{}, err
	}
	u, err := r.user.user(s.d.now())
	return r.grant(), u, err
}

func (s grants) Spend(ctx context.Context, kind, signature string, into ...oidc.Grant) error {
	spend := stmt{
		sql:  `UPDATE grants SET spent = TRUE WHERE kind = ? AND signature = ? AND NOT spent AND expires > ?`,
		args: []any{kind, signature, ms(s.d.now())},
		none: idp.ErrSpent,
	}
	return s.d.write(ctx, append([]stmt{spend}, inserts(into)...)...)
}

// Delete is content when there is no such grant.
func (s grants) Delete(ctx context.Context, kind, signature string) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM grants WHERE kind = ? AND signature = ?`, args: []any{kind, signature}})
}

// Revoke fails with idp.ErrInvalid when the selection selects nothing in
// particular: a forgotten field must not sign everybody out.
func (s grants) Revoke(ctx context.Context, sel oidc.Selection) error {
	var where []string
	var args []any
	for _, c := range []struct{ column, value string }{
		{"family", sel.Family}, {"user_id", string(sel.User)}, {"session", string(sel.Session)}, {"client", string(sel.Client)},
	} {
		if c.value == "" {
			continue
		}
		// The inequality lets both databases use the partial indexes.
		where, args = append(where, c.column+` = ? AND `+c.column+` <> ''`), append(args, c.value)
	}
	if len(where) == 0 { // a kind alone is everybody's
		return fmt.Errorf("%w: selection of grants: a family, person, client or session must be named", idp.ErrInvalid)
	}
	if len(sel.Kinds) > 0 {
		where, args = append(where, `kind IN (`+marks(len(sel.Kinds))+`)`), append(args, anys(sel.Kinds)...)
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE grants SET spent = TRUE, uses = 0 WHERE NOT spent AND ` + strings.Join(where, ` AND `),
		args: args,
	})
}

// OdooTokens are the stable tokens of package odoo: grants that can be armed
// again and again for a few uses within a short time.
type OdooTokens struct{ d *DB }

const rearm = ` ON CONFLICT (kind, signature) DO UPDATE SET family = excluded.family, client = excluded.client,
	user_id = excluded.user_id, session = excluded.session, spent = FALSE, payload = excluded.payload,
	expires = excluded.expires, armed = excluded.armed, uses = excluded.uses`

// Arm makes the grant good for a number of uses until a moment, whether it is
// new or was spent. On PostgreSQL the transaction that it belongs to does not
// wait for the disk: a crash within the next fraction of a second undoes all of
// it, the grant is not armed, and the person clicks once more. What uses the
// grant does wait, and with it everything before it.
func (s OdooTokens) Arm(ctx context.Context, g oidc.Grant, uses int, until time.Time) error {
	g.Kind, g.Spent = oidc.KindOdoo, false
	args := append(values(g), ms(until), uses)
	if s.d.dialect == migrations.Postgres {
		// The setting counts for this transaction only. The query reads its
		// result, or the planner might leave it out.
		return s.d.write(ctx, stmt{lazy: true, args: args, sql: `WITH lazy AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true) AS v)
			INSERT INTO grants (` + grantColumns + `, armed, uses)
			SELECT CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS text), CAST(? AS text),
				CAST(? AS boolean), CAST(? AS bytea), CAST(? AS bigint), CAST(? AS bigint), CAST(? AS bigint)
			FROM lazy WHERE lazy.v = 'off'` + rearm})
	}
	return s.d.write(ctx, stmt{args: args, sql: `INSERT INTO grants (` + grantColumns + `, armed, uses)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)` + rearm})
}

// Fire uses an armed grant once and returns it, or fails with idp.ErrSpent
// when it is unknown, another client's, revoked, used up or no longer armed.
// It may not run inside an Atomic.
func (s OdooTokens) Fire(ctx context.Context, signature string, client oidc.ClientID) (oidc.Grant, error) {
	now := ms(s.d.now())
	r, err := first[grantRow](idp.ErrSpent)(returning[grantRow](ctx, s.d.engine, `UPDATE grants SET uses = uses - 1
		WHERE kind = '`+oidc.KindOdoo+`' AND signature = ? AND client = ? AND NOT spent AND uses > 0 AND armed > ? AND expires > ?
		RETURNING `+grantColumns, signature, string(client), now, now))
	return r.grant(), err
}

// SessionTokens are the grants that came from a session and end with it.
// Refresh tokens are none of them: offline_access means to outlive it.
type SessionTokens struct{ d *DB }

// EndSession is a [signin.Tokens]. It also tells the clients that know the
// session; the revocation comes first, so that an exchange of a code that is
// under way is either undone by it or heard of.
func (s SessionTokens) EndSession(ctx context.Context, id idp.SessionID) error {
	err := s.d.Grants.Revoke(ctx, oidc.Selection{Session: id, Kinds: []string{oidc.KindCode, oidc.KindAccess, oidc.KindOdoo}})
	if err != nil {
		return err
	}
	return s.d.write(ctx, logins(s).farewells(`session = ?`, string(id))...)
}

// EndOthers is EndSession for every session of a person but one.
func (s SessionTokens) EndOthers(ctx context.Context, u idp.UserID, keep idp.SessionID) error {
	return s.d.write(ctx, append([]stmt{{
		sql: `UPDATE grants SET spent = TRUE, uses = 0 WHERE NOT spent AND user_id = ? AND user_id <> '' AND session <> '' AND session <> ?
			AND kind IN (` + marks(3) + `)`,
		args: []any{string(u), string(keep), oidc.KindCode, oidc.KindAccess, oidc.KindOdoo},
	}}, logins(s).end(u, keep)...)...)
}

// MoveSession is a [signin.Tokens]. What clients know the session by stays.
func (s SessionTokens) MoveSession(ctx context.Context, u idp.UserID, from, to idp.SessionID) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE grants SET session = ? WHERE session = ? AND session <> '' AND user_id = ?`,
		args: []any{string(to), string(from), string(u)},
	}, stmt{
		sql: `UPDATE client_logins SET session = ?, expires = COALESCE((SELECT s.expires FROM sessions s WHERE s.id = ?), expires)
			WHERE session = ? AND user_id = ?`,
		args: []any{string(to), string(to), string(from), string(u)},
	})
}
