package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/idp/odoo/connector"
)

// journal remembers runs of the synchronisation and open cases.
type journal struct{ d *DB }

type runRow struct{ Body string }

func (s journal) Ran(ctx context.Context, connection string, r connector.SyncRun) error {
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO odoo_runs (connection, began, ended, body) SELECT c.id, CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TEXT) FROM connections c WHERE c.id = ?
			ON CONFLICT (connection, began) DO NOTHING`,
		args: []any{ms(r.Began), ms(r.Ended), string(body), connection}, lazy: true,
	}, stmt{
		sql: `DELETE FROM odoo_runs WHERE connection = ? AND began < (SELECT MIN(began) FROM
			(SELECT began FROM odoo_runs WHERE connection = ? ORDER BY began DESC LIMIT ?) AS last)`,
		args: []any{connection, connection, connector.JournalKeep}, lazy: true,
	})
}

func (s journal) Runs(ctx context.Context, connection string, limit int) ([]connector.SyncRun, error) {
	all, err := rows[runRow](ctx, s.d.engine, `SELECT body FROM odoo_runs WHERE connection = ? ORDER BY began DESC LIMIT ?`, connection, limit)
	if err != nil {
		return nil, err
	}
	out := make([]connector.SyncRun, len(all))
	for i, r := range all {
		if err := json.Unmarshal([]byte(r.Body), &out[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s journal) Open(ctx context.Context, c connector.Case) error {
	kept, err := keptCase(c)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO odoo_cases (connection, user_id, seen, what) VALUES (?, ?, ?, ?)
			ON CONFLICT (connection, user_id) DO UPDATE SET seen = excluded.seen, what = excluded.what`,
		args: []any{c.Connection, string(c.User), ms(c.Seen), kept},
	})
}

func (s journal) Settled(ctx context.Context, connection string, u idp.UserID) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM odoo_cases WHERE connection = ? AND user_id = ?`, args: []any{connection, string(u)}})
}

// keptCase is who they may be, as it is kept: a note, or the English text alone.
func keptCase(c connector.Case) (string, error) {
	n := connector.Note{Text: text(c.What), Said: connector.Said{Says: c.Said.Says}}
	if n.Says == "" {
		return n.Text, nil
	}
	for _, f := range c.Said.Facts {
		n.Facts = append(n.Facts, text(f))
	}
	b, err := json.Marshal(n)
	return string(b), err
}

// caseKept reads it. What was kept formerly is a text alone, whatever it begins with.
func caseKept(kept string) (what string, said connector.Said) {
	var n connector.Note
	if !strings.HasPrefix(kept, "{") || json.Unmarshal([]byte(kept), &n) != nil || n.Says == "" {
		return kept, said
	}
	return n.Text, n.Said
}

type caseRow struct {
	UserID      string
	Seen        int64
	What        string
	Name, Login string
}

// Cases passes over people who are gone.
func (s journal) Cases(ctx context.Context, connection string, limit int) ([]connector.Case, error) {
	all, err := rows[caseRow](ctx, s.d.engine, `SELECT o.user_id, o.seen, o.what, u.name, u.login FROM odoo_cases o JOIN users u ON u.id = o.user_id
		WHERE o.connection = ? ORDER BY o.seen DESC, o.user_id LIMIT ?`, connection, limit)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Case, len(all))
	for i, r := range all {
		out[i] = connector.Case{Connection: connection, User: idp.UserID(r.UserID), Name: r.Name, Login: r.Login, Seen: at(r.Seen)}
		out[i].What, out[i].Said = caseKept(r.What)
	}
	return out, nil
}

// administrators is an [Administrators].
type administrators struct{ d *DB }

type idRow struct{ ID string }

// Reachable returns those whose address is known to be theirs.
func (s administrators) Reachable(ctx context.Context) ([]idp.User, error) {
	return s.reachable(ctx, idp.Owner, idp.Admin)
}

// Owners returns the owners among them.
func (s administrators) Owners(ctx context.Context) ([]idp.User, error) {
	return s.reachable(ctx, idp.Owner)
}

func (s administrators) reachable(ctx context.Context, roles ...idp.Role) ([]idp.User, error) {
	all, err := rows[idRow](ctx, s.d.engine, `SELECT id FROM users WHERE role IN (`+marks(len(roles))+`) AND NOT disabled AND email_verified AND email <> '' ORDER BY id LIMIT 50`,
		anys(roles)...)
	if err != nil {
		return nil, err
	}
	ids := make([]idp.UserID, len(all))
	for i, r := range all {
		ids[i] = idp.UserID(r.ID)
	}
	return s.d.Directory.People(ctx, ids)
}

// Entered reads the events of people whom somebody asks about, not of everybody.
func (s journal) Entered(ctx context.Context, client idp.ClientID, who []idp.UserID, since time.Time) (map[idp.UserID]time.Time, error) {
	out := map[idp.UserID]time.Time{}
	if len(who) == 0 {
		return out, nil
	}
	args := append([]any{string(client), ms(since)}, anys(who)...)
	all, err := rows[enteredRow](ctx, s.d.engine, `SELECT user_id, MAX(at) FROM events WHERE client = ? AND at >= ? AND result = 'ok'
		AND what IN ('token.issue', 'password.trickle') AND user_id IN (`+marks(len(who))+`) GROUP BY user_id`, args...)
	for _, r := range all {
		out[idp.UserID(r.User)] = at(r.At)
	}
	return out, err
}

type enteredRow struct {
	User string
	At   int64
}

func (r *enteredRow) columns() []any { return []any{&r.User, &r.At} }
