package store

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/idp"
	"latchkey/idp/mail"
	"latchkey/idp/odoo/connector"
)

// connections stores the Odoos that are connected.
type connections struct{ d *DB }

type connectionRow struct {
	ID           string
	Body         []byte
	Good, Failed int64
	Failure      string
}

const connectionColumns = `SELECT id, body, good, failed, failure FROM connections`

// connectionPlace binds the key to the client: a row that is moved to another
// client does not open.
func connectionPlace(id string) []byte { return place("connections", "body", id) }

func (s connections) open(r connectionRow) (connector.Connection, error) {
	var c connector.Connection
	err := s.d.openJSON(r.Body, connectionPlace(r.ID), &c)
	f := failureFrom(r.Failure)
	c.Health = connector.Health{Good: at(r.Good), Failed: at(r.Failed), Failure: f.Text, Why: f.Why}
	return c, err
}

// failure is why a contact went wrong. Rows from before it had a reason are its
// text alone.
type failure struct {
	Text string           `json:"text"`
	Why  connector.Reason `json:"why"`
}

func failureFrom(kept string) (f failure) {
	if json.Unmarshal([]byte(kept), &f) != nil {
		return failure{Text: kept}
	}
	return f
}

func failureOf(err error) (string, error) {
	f := failure{text(err.Error()), connector.Why(err)}
	f.Why.Detail = text(f.Why.Detail)
	raw, err := json.Marshal(f)
	return string(raw), err
}

func (s connections) All(ctx context.Context) ([]connector.Connection, error) {
	all, err := rows[connectionRow](ctx, s.d.engine, connectionColumns+` ORDER BY id`)
	if err != nil {
		return nil, err
	}
	out := make([]connector.Connection, len(all))
	for i, r := range all {
		if out[i], err = s.open(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s connections) ByID(ctx context.Context, id string) (connector.Connection, error) {
	r, err := one[connectionRow](ctx, s.d.engine, idp.ErrNotFound, connectionColumns+` WHERE id = ?`, id)
	if err != nil {
		return connector.Connection{}, err
	}
	return s.open(r)
}

func (s connections) ByClient(ctx context.Context, id idp.ClientID) (connector.Connection, error) {
	r, err := one[connectionRow](ctx, s.d.engine, idp.ErrNotFound, connectionColumns+` WHERE client = ?`, string(id))
	if err != nil {
		return connector.Connection{}, err
	}
	return s.open(r)
}

func (s connections) Add(ctx context.Context, c connector.Connection) error {
	body, err := s.d.sealJSON(c, connectionPlace(c.ID))
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `INSERT INTO connections (id, client, body, good) VALUES (?, ?, ?, ?)`,
		args: []any{c.ID, string(c.Client), body, ms(c.Created)}, taken: idp.ErrTaken,
	})
}

func (s connections) Save(ctx context.Context, c connector.Connection) error {
	body, err := s.d.sealJSON(c, connectionPlace(c.ID))
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE connections SET body = ?, client = ? WHERE id = ?`,
		args: []any{body, string(c.Client), c.ID}, none: idp.ErrNotFound, taken: idp.ErrTaken,
	})
}

// Remove also forgets what is known of that Odoo and waits to be told to it.
func (s connections) Remove(ctx context.Context, id string) error {
	return s.d.write(ctx,
		stmt{sql: `DELETE FROM connections WHERE id = ?`, args: []any{id}, none: idp.ErrNotFound},
		stmt{sql: `DELETE FROM odoo_ties WHERE connection = ?`, args: []any{id}},
		stmt{sql: `DELETE FROM odoo_runs WHERE connection = ?`, args: []any{id}},
		stmt{sql: `DELETE FROM odoo_cases WHERE connection = ?`, args: []any{id}},
		stmt{
			sql:  `DELETE FROM outbox WHERE channel = ? AND sent = 0 AND recipient LIKE ?`,
			args: []any{string(mail.Odoo), id + " %"},
		})
}

func (s connections) Heard(ctx context.Context, id string, at time.Time, bad error) error {
	if bad == nil {
		return s.d.write(ctx, stmt{sql: `UPDATE connections SET good = ?, failure = '' WHERE id = ? AND (good < ? OR failure <> '')`, args: []any{ms(at), id, ms(at)}, lazy: true})
	}
	why, err := failureOf(bad)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{sql: `UPDATE connections SET failed = ?, failure = ? WHERE id = ?`, args: []any{ms(at), why, id}, lazy: true})
}

type stateRow struct{ Value string }

func (s connections) State(ctx context.Context, id, name string) (string, error) {
	r, err := one[stateRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT value FROM connection_states WHERE connection = ? AND name = ?`, id, name)
	if err == idp.ErrNotFound {
		err = nil
	}
	return r.Value, err
}

func (s connections) SetState(ctx context.Context, id, name, value string) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO connection_states (connection, name, value) SELECT c.id, CAST(? AS TEXT), CAST(? AS TEXT) FROM connections c WHERE c.id = ?
			ON CONFLICT (connection, name) DO UPDATE SET value = excluded.value`,
		args: []any{name, value, id}, none: idp.ErrNotFound,
	})
}

// Claim is one guarded statement: of many instances one wins.
func (s connections) Claim(ctx context.Context, id, task, holder string, until time.Time) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO connection_states (connection, name, holder, until)
			SELECT c.id, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT) FROM connections c WHERE c.id = ?
			ON CONFLICT (connection, name) DO UPDATE SET holder = excluded.holder, until = excluded.until
			WHERE connection_states.holder = excluded.holder OR connection_states.until <= ?`,
		args: []any{task, holder, ms(until), id, ms(s.d.now())}, none: idp.ErrBusy,
	})
}

// endSessions ends a person's sessions in all connected Odoos. The raised round
// gives them another token (see package odoo): were it the same one, an Odoo
// that gets it again at their next sign-in would take old sessions for good.
func (s connections) endSessions(id idp.UserID) []stmt {
	return []stmt{s.tell(id), {sql: `UPDATE users SET round = round + 1 WHERE id = ?`, args: []any{string(id)}}}
}

// tell puts a message to each connected Odoo into the outbox. It names whom
// in its recipient, in the form that [connector.ParseEnding] reads; once for
// each round.
func (s connections) tell(id idp.UserID) stmt {
	now := ms(s.d.now())
	return stmt{
		sql: `INSERT INTO outbox (id, channel, recipient, body, created, due, tries, sent, failure)
			SELECT 'odoo-' || c.id || '-' || u.id || '-' || u.round, CAST(? AS TEXT), c.id || ' ' || u.id, CAST(? AS ` + s.d.bytes() + `),
				CAST(? AS BIGINT), CAST(? AS BIGINT), 0, 0, '' FROM connections c, users u WHERE u.id = ? ON CONFLICT (id) DO NOTHING`,
		args: []any{string(mail.Odoo), []byte{}, now, now, string(id)},
	}
}
