package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"

	"latchkey/idp"
	"latchkey/idp/provision"
)

// provisioned stores what systems that feed people and groups must find again.
type provisioned struct{ d *DB }

// unseen is who was deleted there and is kept here.
const unseen = `EXISTS (SELECT 1 FROM scim_users x WHERE x.user_id = u.id AND x.gone AND u.disabled)`

type personRow struct {
	External string
	user     userRow
}

func (r *personRow) columns() []any {
	return append([]any{opt[string]{&r.External}}, r.user.columns()...)
}

const provisionedColumns = `SELECT (SELECT s.external FROM scim_users s WHERE s.user_id = u.id), ` + person + ` FROM users u`

func (s provisioned) persons(all []personRow, err error) ([]provision.Person, error) {
	if err != nil {
		return nil, err
	}
	out := make([]provision.Person, len(all))
	for i, r := range all {
		out[i].External = r.External
		if out[i].User, err = r.user.user(s.d.now()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type totalRow struct{ N int }

func (s provisioned) People(ctx context.Context, f provision.Expr, from, count int) ([]provision.Person, int, error) {
	where, args, err := clause(f, peopleFields)
	if err != nil {
		return nil, 0, err
	}
	where = ` WHERE NOT ` + unseen + ` AND ` + where
	n, err := rows[totalRow](ctx, s.d.engine, `SELECT COUNT(*) AS n FROM users u`+where, args...)
	if err != nil || count <= 0 || from >= n[0].N {
		return nil, totalOf(n), err
	}
	out, err := s.persons(rows[personRow](ctx, s.d.engine, provisionedColumns+where+` ORDER BY u.id LIMIT ? OFFSET ?`, append(args, count, from)...))
	return out, n[0].N, err
}

func totalOf(n []totalRow) int {
	if len(n) == 0 {
		return 0
	}
	return n[0].N
}

func (s provisioned) Person(ctx context.Context, id idp.UserID) (provision.Person, error) {
	out, err := s.persons(rows[personRow](ctx, s.d.engine, provisionedColumns+` WHERE u.id = ? AND NOT `+unseen, string(id)))
	return first[provision.Person](idp.ErrNotFound)(out, err)
}

func (s provisioned) Deleted(ctx context.Context, id idp.UserID) (bool, error) {
	n, err := rows[totalRow](ctx, s.d.engine, `SELECT COUNT(*) AS n FROM users u WHERE u.id = ? AND `+unseen, string(id))
	return totalOf(n) > 0, err
}

func (s provisioned) Note(ctx context.Context, id idp.UserID, external string, gone bool) error {
	return s.d.write(ctx, stmt{
		sql: `INSERT INTO scim_users (user_id, external, gone) VALUES (?, ?, ?)
			ON CONFLICT (user_id) DO UPDATE SET external = excluded.external, gone = excluded.gone`,
		args: []any{string(id), external, gone},
	})
}

type groupRow struct{ ID, Name, External string }

const scimGroups = `SELECT COALESCE(s.id, '') AS id, g.name AS name, COALESCE(s.external, '') AS external
	FROM user_groups g LEFT JOIN scim_groups s ON s.group_name = g.name`

func (s provisioned) Groups(ctx context.Context, f provision.Expr, from, count int) ([]provision.Group, int, error) {
	where, args, err := clause(f, groupFields)
	if err != nil {
		return nil, 0, err
	}
	n, err := rows[totalRow](ctx, s.d.engine, `SELECT COUNT(*) AS n FROM user_groups g LEFT JOIN scim_groups s ON s.group_name = g.name WHERE `+where, args...)
	if err != nil || count <= 0 || from >= n[0].N {
		return nil, totalOf(n), err
	}
	all, err := rows[groupRow](ctx, s.d.engine, scimGroups+` WHERE `+where+` ORDER BY g.name LIMIT ? OFFSET ?`, append(args, count, from)...)
	if err != nil {
		return nil, 0, err
	}
	out := make([]provision.Group, len(all))
	for i, r := range all {
		if out[i], err = s.named(ctx, r); err != nil {
			return nil, 0, err
		}
	}
	return out, n[0].N, nil
}

// named gives a group an id when it has none. Of two at once one wins.
func (s provisioned) named(ctx context.Context, r groupRow) (provision.Group, error) {
	if r.ID != "" {
		return provision.Group(r), nil
	}
	if _, err := returning[totalRow](ctx, s.d.engine, `INSERT INTO scim_groups (id, group_name) SELECT CAST(? AS TEXT), g.name FROM user_groups g WHERE g.name = ?
		ON CONFLICT (group_name) DO NOTHING RETURNING 1 AS n`, strings.ToLower(rand.Text()), r.Name); err != nil {
		return provision.Group{}, err
	}
	r, err := one[groupRow](ctx, s.d.engine, idp.ErrNotFound, scimGroups+` WHERE g.name = ?`, r.Name)
	return provision.Group(r), err
}

func (s provisioned) Group(ctx context.Context, id string) (provision.Group, error) {
	r, err := one[groupRow](ctx, s.d.engine, idp.ErrNotFound, scimGroups+` WHERE s.id = ?`, id)
	return provision.Group(r), err
}

func (s provisioned) GroupOf(ctx context.Context, name string) (provision.Group, error) {
	r, err := one[groupRow](ctx, s.d.engine, idp.ErrNotFound, scimGroups+` WHERE g.name = ?`, name)
	if err != nil {
		return provision.Group{}, err
	}
	return s.named(ctx, r)
}

func (s provisioned) NoteGroup(ctx context.Context, id, external string) error {
	return s.d.write(ctx, stmt{sql: `UPDATE scim_groups SET external = ? WHERE id = ?`, args: []any{external, id}, none: idp.ErrNotFound})
}

type memberID struct{ ID string }

func (s provisioned) Members(ctx context.Context, name string, most int) ([]idp.UserID, error) {
	all, err := rows[memberID](ctx, s.d.engine, `SELECT u.id AS id FROM memberships m JOIN users u ON u.id = m.user_id
		WHERE m.group_name = ? AND NOT `+unseen+` ORDER BY u.id LIMIT ?`, name, most+1)
	if err == nil && len(all) > most {
		err = fmt.Errorf("%w: members: there are more than %d", idp.ErrInvalid, most)
	}
	out := make([]idp.UserID, len(all))
	for i, r := range all {
		out[i] = idp.UserID(r.ID)
	}
	return out, err
}

func (s provisioned) KeepOut(ctx context.Context, id idp.UserID) error {
	return s.d.write(ctx, letGo(id))
}

// letGo takes somebody out of the hands of the main contact who disabled them.
func letGo(id idp.UserID) stmt {
	return stmt{sql: `UPDATE company_members SET off = 0 WHERE user_id = ? AND off <> 0`, args: []any{string(id)}}
}
