package store

import (
	"context"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/mfa/temporary"
)

// credentials stores what people hold, sealed.
type credentials struct{ d *DB }

type credentialRow struct {
	ID, Subject, Kind, Label string
	Data                     []byte
	Handle                   string
	Version                  int
	Created, Used, Expires   int64
}

func (r *credentialRow) columns() []any {
	return []any{&r.ID, &r.Subject, &r.Kind, &r.Label, &r.Data, &r.Handle, &r.Version, &r.Created, &r.Used, &r.Expires}
}

func credentialPlace(s mfa.SubjectID, k mfa.Kind, id mfa.CredentialID) []byte {
	return place("credentials", "data", string(s), string(k), string(id))
}

const credentialColumns = `id, subject, kind, label, data, handle, version, created, used, expires` //nolint:gosec // columns

func (s credentials) credential(r credentialRow) (mfa.Credential, error) {
	c := mfa.Credential{
		ID: mfa.CredentialID(r.ID), Subject: mfa.SubjectID(r.Subject), Kind: mfa.Kind(r.Kind), Label: r.Label, Handle: r.Handle,
		Version: r.Version, Created: at(r.Created), Used: at(r.Used), Expires: at(r.Expires),
	}
	var err error
	c.Data, err = s.d.ring.Open(r.Data, credentialPlace(c.Subject, c.Kind, c.ID))
	return c, err
}

func (s credentials) Held(ctx context.Context, id mfa.SubjectID) ([]mfa.Credential, error) {
	all, err := rows[credentialRow](ctx, s.d.engine, `SELECT `+credentialColumns+`
		FROM credentials WHERE subject = ? AND (expires = 0 OR expires > ?) ORDER BY created, id`, string(id), ms(s.d.now()))
	if err != nil {
		return nil, err
	}
	out := make([]mfa.Credential, len(all))
	for i, r := range all {
		if out[i], err = s.credential(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s credentials) ByHandle(ctx context.Context, k mfa.Kind, handle string) (mfa.Credential, error) {
	if handle == "" {
		return mfa.Credential{}, mfa.ErrNotHeld
	}
	r, err := one[credentialRow](ctx, s.d.engine, mfa.ErrNotHeld, `SELECT `+credentialColumns+`
		FROM credentials WHERE kind = ? AND handle = ? AND handle <> '' AND (expires = 0 OR expires > ?)`, string(k), handle, ms(s.d.now()))
	if err != nil {
		return mfa.Credential{}, err
	}
	return s.credential(r)
}

func (s credentials) Save(ctx context.Context, c mfa.Credential) error {
	data, err := s.d.ring.Seal(c.Data, credentialPlace(c.Subject, c.Kind, c.ID))
	if err != nil {
		return err
	}
	if c.Version == 0 {
		return s.d.write(ctx, append(protects(c), stmt{
			sql: `INSERT INTO credentials (id, subject, kind, label, data, handle, version, created, used, expires)
				VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?)`,
			args:  []any{string(c.ID), string(c.Subject), string(c.Kind), c.Label, data, c.Handle, ms(c.Created), ms(c.Used), ms(c.Expires)},
			taken: mfa.ErrConflict,
		})...)
	}
	return s.d.write(ctx, stmt{
		sql: `UPDATE credentials SET label = ?, data = ?, used = ?, expires = ?, version = version + 1
			WHERE id = ? AND subject = ? AND kind = ? AND version = ?`,
		args: []any{c.Label, data, ms(c.Used), ms(c.Expires), string(c.ID), string(c.Subject), string(c.Kind), c.Version},
		none: mfa.ErrConflict,
	})
}

func (s credentials) Drop(ctx context.Context, subject mfa.SubjectID, id mfa.CredentialID) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM credentials WHERE id = ? AND subject = ?`,
		args: []any{string(id), string(subject)},
		none: mfa.ErrNotHeld,
	}, protection(subject))
}

// protects notes with a new credential that its owner has a second factor that
// lasts: nobody counts credentials to find those who have none.
func protects(c mfa.Credential) []stmt {
	if c.Kind == temporary.Kind {
		return nil
	}
	return []stmt{{sql: `UPDATE users SET protected = TRUE WHERE id = ? AND NOT protected`, args: []any{string(c.Subject)}}}
}

// protection looks again after something was taken away.
func protection(s mfa.SubjectID) stmt {
	return stmt{
		sql: `UPDATE users SET protected = FALSE WHERE id = ? AND protected
			AND NOT EXISTS (SELECT 1 FROM credentials c WHERE c.subject = users.id AND c.kind <> ?)`,
		args: []any{string(s), string(temporary.Kind)},
	}
}

func (s credentials) DropKind(ctx context.Context, subject mfa.SubjectID, k mfa.Kind) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM credentials WHERE subject = ? AND kind = ?`, args: []any{string(subject), string(k)}}, protection(subject))
}

func (s credentials) DropAll(ctx context.Context, subject mfa.SubjectID) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM credentials WHERE subject = ?`, args: []any{string(subject)}}, protection(subject))
}

// challenges stores ceremonies under way; state and prompt are sealed.
type challenges struct{ d *DB }

type challengeRow struct {
	ID, Subject, Kind string
	Adding            bool
	Binding           string
	Body              []byte
	Tries             int
	Expires           int64
}

func (r *challengeRow) columns() []any {
	return []any{&r.ID, &r.Subject, &r.Kind, &r.Adding, &r.Binding, &r.Body, &r.Tries, &r.Expires}
}

// challengeBody is what outsiders must not read: the secret of an enrolment,
// the code that was sent.
type challengeBody struct {
	State  []byte     `json:"state"`
	Prompt mfa.Prompt `json:"prompt"`
}

// challengePlace covers the binding: a challenge cannot be moved to another
// sign-in or person by editing the row.
func challengePlace(c mfa.Challenge) []byte {
	return place("challenges", "body", string(c.ID), string(c.Subject), string(c.Kind), c.Binding)
}

func (s challenges) Put(ctx context.Context, c mfa.Challenge) error {
	body, err := s.d.sealJSON(challengeBody{c.State, c.Prompt}, challengePlace(c))
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO challenges (id, subject, kind, adding, binding, body, tries, expires)
			VALUES (?, ?, ?, ?, ?, ?, 0, ?)`,
		args:  []any{string(c.ID), string(c.Subject), string(c.Kind), c.Adding, c.Binding, body, ms(c.Expires)},
		taken: idp.ErrTaken,
	})
}

func (s challenges) Renew(ctx context.Context, c mfa.Challenge) error {
	body, err := s.d.sealJSON(challengeBody{c.State, c.Prompt}, challengePlace(c))
	if err != nil {
		return err
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE challenges SET body = ? WHERE id = ? AND subject = ? AND expires > ?`,
		args: []any{body, string(c.ID), string(c.Subject), ms(s.d.now())},
		none: mfa.ErrExpired,
	})
}

// Burn leaves a row that no Get can read, until the challenge has expired.
func (s challenges) Burn(ctx context.Context, c mfa.Challenge) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO challenges (id, subject, kind, adding, binding, body, tries, expires)
			VALUES (?, '', ?, ?, '', ?, 0, ?)`,
		args:  []any{"burnt:" + string(c.ID), string(c.Kind), false, []byte{}, ms(c.Expires)},
		taken: mfa.ErrExpired,
	})
}

func (s challenges) Get(ctx context.Context, id mfa.ChallengeID) (mfa.Challenge, error) {
	r, err := one[challengeRow](ctx, s.d.engine, mfa.ErrExpired, `SELECT id, subject, kind, adding, binding, body, tries, expires
		FROM challenges WHERE id = ? AND expires > ?`, string(id), ms(s.d.now()))
	if err != nil {
		return mfa.Challenge{}, err
	}
	c := mfa.Challenge{
		ID: mfa.ChallengeID(r.ID), Subject: mfa.SubjectID(r.Subject), Kind: mfa.Kind(r.Kind), Adding: r.Adding,
		Binding: r.Binding, Tries: r.Tries, Expires: at(r.Expires),
	}
	var body challengeBody
	err = s.d.openJSON(r.Body, challengePlace(c), &body)
	c.State, c.Prompt = body.State, body.Prompt
	return c, err
}

// Try never joins an Atomic: a failing sign-in must not take its count back.
func (s challenges) Try(ctx context.Context, id mfa.ChallengeID, most int) error {
	if s.d.unit(ctx) != nil {
		return errAlone
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE challenges SET tries = tries + 1 WHERE id = ? AND expires > ? AND tries < ?`,
		args: []any{string(id), ms(s.d.now()), most},
		none: mfa.ErrExpired,
	})
}

func (s challenges) Spend(ctx context.Context, id mfa.ChallengeID) error {
	return s.d.write(ctx, stmt{
		sql:  `DELETE FROM challenges WHERE id = ? AND expires > ?`,
		args: []any{string(id), ms(s.d.now())},
		none: mfa.ErrExpired,
	})
}
