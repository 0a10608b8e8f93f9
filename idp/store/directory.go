package store

import (
	"context"

	"latchkey/idp"
	"latchkey/idp/account"
)

// directory answers package account about many people at once.
type directory struct{ d *DB }

type holderRow struct{ Name, UserID string }

func (r *holderRow) columns() []any { return []any{&r.Name, &r.UserID} }

func (s directory) Holding(ctx context.Context, ids []idp.Identifier) (account.Holders, error) {
	canonical, skeletons := names(ids)
	byName, err := s.holders(ctx, "identifiers", "canonical", canonical)
	if err != nil {
		return account.Holders{}, err
	}
	byLook, err := s.holders(ctx, "looks", "skeleton", skeletons)
	return account.Holders{Names: byName, Looks: byLook}, err
}

func (s directory) holders(ctx context.Context, table, column string, wanted []string) (map[string]idp.UserID, error) {
	out := map[string]idp.UserID{}
	if len(wanted) == 0 {
		return out, nil
	}
	all, err := rows[holderRow](ctx, s.d.engine, `SELECT `+column+`, user_id FROM `+table+` WHERE `+column+` IN (`+marks(len(wanted))+`)`, anys(wanted)...)
	for _, r := range all {
		out[r.Name] = idp.UserID(r.UserID)
	}
	return out, err
}

func (s directory) People(ctx context.Context, ids []idp.UserID) ([]idp.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	all, err := rows[userRow](ctx, s.d.engine, `SELECT `+person+` FROM users u WHERE u.id IN (`+marks(len(ids))+`)`, anys(ids)...)
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
