package store

import (
	"context"
	"encoding/json"
	"time"

	"latchkey/idp"
)

// sessions stores signed-in browsers.
type sessions struct{ d *DB }

const sessionColumns = `s.id, s.hash, s.user_id, s.epoch, s.proofs, s.created, s.seen, s.expires, s.idle, s.device, s.ip, s.agent`

type sessionRow struct {
	ID, Hash, UserID, Proofs     string
	Epoch                        int64
	Created, Seen, Expires, Idle int64
	Device, IP, Agent            string
}

func (r *sessionRow) columns() []any {
	return []any{&r.ID, &r.Hash, &r.UserID, &r.Epoch, &r.Proofs, &r.Created, &r.Seen, &r.Expires, &r.Idle, &r.Device, &r.IP, &r.Agent}
}

// openRow is a session with its person.
type openRow struct {
	sessionRow
	user userRow
}

func (r *openRow) columns() []any { return append(r.sessionRow.columns(), r.user.columns()...) }

func (r sessionRow) session() (idp.Session, error) {
	s := idp.Session{
		ID: idp.SessionID(r.ID), Hash: r.Hash, User: idp.UserID(r.UserID), Epoch: r.Epoch, Created: at(r.Created), Seen: at(r.Seen),
		Device: r.Device, Expires: at(r.Expires), Idle: time.Duration(r.Idle) * time.Millisecond,
		Origin: idp.Origin{Address: r.IP, Agent: r.Agent},
	}
	return s, json.Unmarshal([]byte(r.Proofs), &s.Proofs)
}

func (s sessions) ByHash(ctx context.Context, hash string) (idp.Session, idp.User, error) {
	r, err := one[openRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+sessionColumns+`, `+person+`
		FROM sessions s JOIN users u ON u.id = s.user_id AND u.epoch = s.epoch WHERE s.hash = ?`, hash)
	if err != nil {
		return idp.Session{}, idp.User{}, err
	}
	session, err := r.session()
	if err != nil {
		return idp.Session{}, idp.User{}, err
	}
	u, err := r.user.user(s.d.now())
	return session, u, err
}

// Open fails with idp.ErrNotFound when the person is gone. When they signed in
// last goes along in the same transaction.
func (s sessions) Open(ctx context.Context, v idp.Session) error {
	proofs, err := json.Marshal(v.Proofs)
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO sessions (id, hash, user_id, epoch, proofs, created, seen, expires, idle, device, ip, agent)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		args: []any{string(v.ID), v.Hash, string(v.User), v.Epoch, string(proofs), ms(v.Created), ms(v.Seen), ms(v.Expires),
			v.Idle.Milliseconds(), v.Device, v.Origin.Address, v.Origin.Agent},
		taken: idp.ErrTaken,
	}, stmt{
		sql: `INSERT INTO signins (user_id, at) VALUES (?, ?)
			ON CONFLICT (user_id) DO UPDATE SET at = excluded.at WHERE signins.at < excluded.at`,
		args: []any{string(v.User), ms(v.Created)},
	})
}

func (s sessions) Ever(ctx context.Context, id idp.UserID) (bool, error) {
	type row struct{ N int }
	found, err := rows[row](ctx, s.d.engine, `SELECT COUNT(*) AS n FROM signins WHERE user_id = ? AND at > 0`, string(id))
	return err == nil && found[0].N > 0, err
}

// Touch never moves Seen back, whatever the clocks of two instances say.
func (s sessions) Touch(ctx context.Context, id idp.SessionID, seen time.Time) error {
	return s.d.write(ctx, stmt{
		sql:  `UPDATE sessions SET seen = ? WHERE id = ? AND seen < ?`,
		args: []any{ms(seen), string(id), ms(seen)},
	})
}

// Of lists live sessions, newest first.
func (s sessions) Of(ctx context.Context, id idp.UserID) ([]idp.Session, error) {
	now := ms(s.d.now())
	all, err := rows[sessionRow](ctx, s.d.engine, `SELECT `+sessionColumns+` FROM sessions s
		WHERE s.user_id = ? AND s.expires > ? AND s.seen + s.idle > ? ORDER BY s.created DESC, s.id`, string(id), now, now)
	if err != nil {
		return nil, err
	}
	out := make([]idp.Session, len(all))
	for i, r := range all {
		if out[i], err = r.session(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// End is content when the session is gone already.
func (s sessions) End(ctx context.Context, id idp.SessionID) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM sessions WHERE id = ?`, args: []any{string(id)}})
}

func (s sessions) EndDevice(ctx context.Context, id idp.UserID, device string, keep idp.SessionID) error {
	where, args := `user_id = ? AND device <> '' AND id <> ?`, []any{string(id), string(keep)}
	if device != "" {
		where, args = where+` AND device = ?`, append(args, device)
	}
	tell := logins(s).farewells(`session IN (SELECT id FROM sessions WHERE `+where+`)`, args...)
	return s.d.write(ctx, append(tell, stmt{sql: `DELETE FROM sessions WHERE ` + where, args: args})...)
}

func (s sessions) Replace(ctx context.Context, old idp.SessionID, v idp.Session) error {
	return s.d.Atomic(ctx, func(ctx context.Context) error {
		err := s.d.write(ctx, stmt{
			sql:  `DELETE FROM sessions WHERE id = ? AND user_id = ?`,
			args: []any{string(old), string(v.User)},
			none: idp.ErrNotFound,
		})
		if err != nil {
			return err
		}
		return s.Open(ctx, v)
	})
}

// EndAll also tells the clients that know the sessions (P-31), and the Odoos
// that are connected: these know nothing of our sessions, so all of a person's
// end there, whichever is kept here.
func (s sessions) EndAll(ctx context.Context, id idp.UserID, keep idp.SessionID) error {
	return s.d.write(ctx, append([]stmt{{
		sql:  `DELETE FROM sessions WHERE user_id = ? AND id <> ?`,
		args: []any{string(id), string(keep)},
	}}, append(connections(s).endSessions(id), logins(s).end(id, keep)...)...)...)
}
