package store

import (
	"context"
	"fmt"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/mfa/policy"
)

type draftRow struct {
	Policy  string
	Version int
	Base    int
	Body    string
	At      int64
	Actor   string
	Who     string
}

const draftColumns = `policy, version, base, body, at, actor, who`

func (r draftRow) draft() (rulebook.Draft, error) {
	ps, err := policy.Parse([]byte(r.Body))
	if err == nil && len(ps) != 1 {
		err = policy.ErrInvalid
	}
	if err != nil {
		return rulebook.Draft{}, fmt.Errorf("store: draft %s: %w", r.Policy, err)
	}
	ps[0].ID = r.Policy
	return rulebook.Draft{Policy: ps[0], Version: r.Version, Base: r.Base, At: at(r.At), Actor: idp.UserID(r.Actor), Who: r.Who}, nil
}

func (s book) Drafts(ctx context.Context) ([]rulebook.Draft, error) {
	all, err := rows[draftRow](ctx, s.d.engine, `SELECT `+draftColumns+` FROM policy_drafts ORDER BY at DESC, policy`)
	if err != nil {
		return nil, err
	}
	out := make([]rulebook.Draft, len(all))
	for i, r := range all {
		if out[i], err = r.draft(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (s book) Draft(ctx context.Context, id string) (rulebook.Draft, error) {
	r, err := one[draftRow](ctx, s.d.engine, idp.ErrNotFound, `SELECT `+draftColumns+` FROM policy_drafts WHERE policy = ?`, id)
	if err != nil {
		return rulebook.Draft{}, err
	}
	return r.draft()
}

// SaveDraft inserts the first version and replaces any other by the one after
// it: of two who saw the same, the second changes no row.
func (s book) SaveDraft(ctx context.Context, d rulebook.Draft) error {
	text, err := policy.Format([]policy.Policy{d.Policy})
	if err != nil {
		return err
	}
	args := []any{d.Version, d.Base, string(text), ms(d.At), string(d.Actor), d.Who, d.Policy.ID}
	if d.Version == 1 {
		return s.d.write(ctx, stmt{
			sql: `INSERT INTO policy_drafts (version, base, body, at, actor, who, policy) VALUES (` + marks(7) + `)`, args: args, taken: idp.ErrSpent,
		})
	}
	return s.d.write(ctx, stmt{
		sql:  `UPDATE policy_drafts SET version = ?, base = ?, body = ?, at = ?, actor = ?, who = ? WHERE policy = ? AND version = ?`,
		args: append(args, d.Version-1), none: idp.ErrSpent,
	})
}

func (s book) DropDraft(ctx context.Context, id string, version int) error {
	return s.d.write(ctx, stmt{sql: `DELETE FROM policy_drafts WHERE policy = ? AND version = ?`, args: []any{id, version}, none: idp.ErrSpent})
}
