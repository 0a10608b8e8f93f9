package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"

	"latchkey/idp"
	"latchkey/mfa/policy"
)

// Policies stores policies and holds them in memory. What it returns is
// shared: change a copy.
type Policies struct{ d *DB }

func policyID(p policy.Policy) string { return p.ID }

type policyRow struct{ ID, Name, Body string }

func (s *Policies) read(ctx context.Context) ([]policy.Policy, error) {
	all, err := rows[policyRow](ctx, s.d.engine, `SELECT id, name, body FROM policies ORDER BY place, id`)
	if err != nil {
		return nil, err
	}
	out := make([]policy.Policy, len(all))
	for i, r := range all {
		if err := json.Unmarshal([]byte(r.Body), &out[i]); err != nil {
			return nil, fmt.Errorf("store: policy %s: %w", r.Name, err)
		}
		out[i].ID, out[i].Name = r.ID, r.Name
	}
	return out, nil
}

// All returns every policy, in the order in which they were added.
func (s *Policies) All(ctx context.Context) ([]policy.Policy, error) {
	c, err := s.d.shelves.policies.get(ctx, s.d.engine)
	if err != nil {
		return nil, err
	}
	return slices.Clone(c.all), nil
}

// InForce returns the policies that are switched on.
func (s *Policies) InForce(ctx context.Context) ([]policy.Policy, error) {
	all, err := s.All(ctx)
	return slices.DeleteFunc(all, func(p policy.Policy) bool { return !p.Enabled }), err
}

// Apply adds policies or, by name, replaces them, all or none; a replaced one
// keeps its id and place.
func (s *Policies) Apply(ctx context.Context, ps []policy.Policy) error {
	var stmts []stmt
	for _, p := range ps {
		if p.Name == "" {
			return fmt.Errorf("%w: a policy needs a name", idp.ErrInvalid)
		}
		if p.ID == "" {
			p.ID = rand.Text()
		}
		body, err := json.Marshal(p)
		if err != nil {
			return err
		}
		stmts = append(stmts, stmt{
			sql: `INSERT INTO policies (id, name, body, place)
				VALUES (?, ?, ?, (SELECT coalesce(max(place), 0) + 1 FROM policies))
				ON CONFLICT (name) DO UPDATE SET body = excluded.body`,
			args:  []any{p.ID, p.Name, string(body)},
			taken: idp.ErrTaken,
		})
	}
	if len(stmts) == 0 {
		return nil
	}
	return change(ctx, s.d.engine, &s.d.shelves.policies, stmts...)
}

// Remove also forgets whose days of grace had begun. It fails with
// idp.ErrNotFound.
func (s *Policies) Remove(ctx context.Context, name string) error {
	return change(ctx, s.d.engine, &s.d.shelves.policies, stmt{
		sql: `DELETE FROM graces WHERE policy IN (SELECT id FROM policies WHERE name = ?)`, args: []any{name},
	}, stmt{
		sql: `DELETE FROM policies WHERE name = ?`, args: []any{name}, none: idp.ErrNotFound,
	})
}
