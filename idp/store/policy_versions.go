package store

import (
	"context"
	"crypto/rand"
	"encoding/json"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
)

// book stores policies with their versions and drafts.
type book struct{ *Policies }

type versionedRow struct {
	Policy string
	Number int
	Name   string
	Act    string
	Source int
	Body   string
	At     int64
	Actor  string
	Who    string
	Reason string
}

const versionColumns = `policy, number, name, act, source, body, at, actor, who, reason`

func (r versionedRow) version() rulebook.Version {
	return rulebook.Version{
		Policy: r.Policy, Number: r.Number, Name: r.Name, Act: rulebook.Act(r.Act), Source: r.Source, Body: r.Body,
		At: at(r.At), Actor: idp.UserID(r.Actor), Who: r.Who, Reason: r.Reason,
	}
}

// versioned writes a version; of two with one number the second is refused.
func versioned(v rulebook.Version) stmt {
	return stmt{
		sql:   `INSERT INTO policy_versions (` + versionColumns + `) VALUES (` + marks(10) + `)`,
		args:  []any{v.Policy, v.Number, v.Name, string(v.Act), v.Source, v.Body, ms(v.At), string(v.Actor), v.Who, v.Reason},
		taken: idp.ErrSpent,
	}
}

func (s book) Publish(ctx context.Context, p policy.Policy, v rulebook.Version) error {
	if p.ID == "" {
		p.ID = rand.Text()
	}
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return change(ctx, s.d.engine, &s.d.shelves.policies, versioned(v), stmt{
		sql: `INSERT INTO policies (id, name, body, place)
			VALUES (?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM policies))
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body`,
		args: []any{p.ID, p.Name, string(text)}, taken: idp.ErrTaken,
	})
}

func (s book) Withdraw(ctx context.Context, v rulebook.Version) error {
	return change(ctx, s.d.engine, &s.d.shelves.policies, versioned(v),
		stmt{sql: `DELETE FROM graces WHERE policy = ?`, args: []any{v.Policy}},
		stmt{sql: `DELETE FROM policies WHERE id = ?`, args: []any{v.Policy}, none: idp.ErrNotFound})
}

func (s book) Note(ctx context.Context, v rulebook.Version) error {
	return s.d.write(ctx, versioned(v))
}

func (s book) Last(ctx context.Context) (map[string]int, error) {
	type row struct {
		Policy string
		Number int
	}
	all, err := rows[row](ctx, s.d.engine, `SELECT policy, MAX(number) AS number FROM policy_versions GROUP BY policy`)
	out := map[string]int{}
	for _, r := range all {
		out[r.Policy] = r.Number
	}
	return out, err
}

func (s book) versions(ctx context.Context, where string, args ...any) ([]rulebook.Version, error) {
	all, err := rows[versionedRow](ctx, s.d.engine, `SELECT `+versionColumns+` FROM policy_versions v `+where, args...)
	if err != nil {
		return nil, err
	}
	out := make([]rulebook.Version, len(all))
	for i, r := range all {
		out[i] = r.version()
	}
	return out, nil
}

func (s book) Versions(ctx context.Context, id string, before, limit int) ([]rulebook.Version, error) {
	return s.versions(ctx, `WHERE policy = ? AND (number < ? OR CAST(? AS BIGINT) = 0) ORDER BY number DESC LIMIT ?`, id, before, before, limit)
}

func (s book) Version(ctx context.Context, id string, number int) (rulebook.Version, error) {
	return first[rulebook.Version](idp.ErrNotFound)(s.versions(ctx, `WHERE policy = ? AND number = ?`, id, number))
}

func (s book) Named(ctx context.Context, name string) (string, error) {
	v, err := first[rulebook.Version](idp.ErrNotFound)(s.versions(ctx, `WHERE name = ? ORDER BY at DESC, number DESC LIMIT 1`, name))
	return v.Policy, err
}

func (s book) Gone(ctx context.Context, limit int) ([]rulebook.Version, error) {
	return s.versions(ctx, `WHERE act = ? AND NOT EXISTS (SELECT 1 FROM policies p WHERE p.id = v.policy)
		AND NOT EXISTS (SELECT 1 FROM policy_versions w WHERE w.policy = v.policy AND w.number > v.number) ORDER BY at DESC LIMIT ?`, string(rulebook.Removed), limit)
}

func (s book) Staff(ctx context.Context) ([]idp.User, error) {
	const most = 1000
	all, err := rows[userRow](ctx, s.d.engine, `SELECT `+person+` FROM users u WHERE u.role <> '' AND u.role IN (?, ?) AND NOT u.disabled ORDER BY u.id LIMIT ?`,
		string(idp.Owner), string(idp.Admin), most)
	if err != nil {
		return nil, err
	}
	out := make([]idp.User, len(all))
	for i, r := range all {
		if out[i], err = r.user(s.d.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}
