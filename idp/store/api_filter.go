package store

import (
	"fmt"
	"strings"

	"latchkey/idp"
	"latchkey/idp/provision"
)

// searched says how a field is searched for in SQL.
type searched struct {
	sql   string // a column, or a condition with one ?
	exact bool   // with regard to case
	is    string // what its values are: text (empty), bool, number, or set: a condition with one ?
}

// names of people are also found by their canonical form, which is indexed.
var peopleFields = map[provision.Field]searched{
	provision.ID:       {sql: `u.id`, exact: true},
	provision.External: {sql: `COALESCE((SELECT s.external FROM scim_users s WHERE s.user_id = u.id), '')`, exact: true},
	provision.Login:    {sql: `u.login`},
	provision.Email:    {sql: `u.email`},
	provision.Name:     {sql: `u.name`},
	provision.Phone:    {sql: `u.phone`, exact: true},
	provision.Kind:     {sql: `u.kind`},
	provision.Active:   {sql: `NOT u.disabled`, is: "bool"},
	provision.Created:  {sql: `u.created`, is: "number"},
	provision.Updated:  {sql: `u.updated`, is: "number"},
	provision.InGroup: {is: "set", sql: `EXISTS (SELECT 1 FROM memberships m JOIN scim_groups s ON s.group_name = m.group_name
		WHERE m.user_id = u.id AND s.id = ?)`},
}

var groupFields = map[provision.Field]searched{
	provision.ID:       {sql: `COALESCE(s.id, '')`, exact: true},
	provision.External: {sql: `COALESCE(s.external, '')`, exact: true},
	provision.Name:     {sql: `g.name`},
	provision.Member:   {is: "set", sql: `EXISTS (SELECT 1 FROM memberships m WHERE m.group_name = g.name AND m.user_id = ?)`},
}

// clause turns a filter into SQL. Values are arguments, columns are ours.
func clause(e provision.Expr, fields map[provision.Field]searched) (string, []any, error) {
	switch e.Op {
	case "":
		return `(1 = 1)`, nil, nil
	case provision.And, provision.Or, provision.Not:
		return joinedClause(e, fields)
	}
	f, ok := fields[e.Field]
	if !ok {
		return "", nil, fmt.Errorf("%w: this attribute is not searched for", provision.ErrFilter)
	}
	switch f.is {
	case "bool":
		return boolClause(e, f)
	case "number":
		return timeClause(e, f)
	case "set":
		if v, ok := e.Value.(string); ok && e.Op == provision.Equal {
			return `(` + f.sql + `)`, []any{v}, nil
		}
		return "", nil, fmt.Errorf("%w: members are compared with eq", provision.ErrFilter)
	}
	return textClause(e, f)
}

func joinedClause(e provision.Expr, fields map[provision.Field]searched) (string, []any, error) {
	var parts []string
	var args []any
	for _, a := range e.Args {
		sql, more, err := clause(a, fields)
		if err != nil {
			return "", nil, err
		}
		parts, args = append(parts, sql), append(args, more...)
	}
	switch {
	case e.Op == provision.Not && len(parts) == 1:
		return `(NOT ` + parts[0] + `)`, args, nil
	case e.Op != provision.Not && len(parts) > 0:
		return `(` + strings.Join(parts, map[provision.Op]string{provision.And: ` AND `, provision.Or: ` OR `}[e.Op]) + `)`, args, nil
	}
	return "", nil, provision.ErrFilter
}

func boolClause(e provision.Expr, f searched) (string, []any, error) {
	v, ok := e.Value.(bool)
	if e.Op == provision.Present {
		return `(1 = 1)`, nil, nil
	}
	if !ok || e.Op != provision.Equal && e.Op != provision.Unlike {
		return "", nil, fmt.Errorf("%w: active is true or false", provision.ErrFilter)
	}
	if v == (e.Op == provision.Equal) {
		return `(` + f.sql + `)`, nil, nil
	}
	return `(NOT (` + f.sql + `))`, nil, nil
}

var compares = map[provision.Op]string{
	provision.Equal: ` = `, provision.Unlike: ` <> `, provision.After: ` > `, provision.Since: ` >= `, provision.Before: ` < `, provision.Until: ` <= `,
}

func timeClause(e provision.Expr, f searched) (string, []any, error) {
	v, ok := e.Value.(int64)
	if e.Op == provision.Present {
		return `(1 = 1)`, nil, nil
	}
	if !ok || compares[e.Op] == "" {
		return "", nil, fmt.Errorf("%w: times are compared with eq, ne, gt, ge, lt and le", provision.ErrFilter)
	}
	return `(` + f.sql + compares[e.Op] + `?)`, []any{v}, nil
}

func textClause(e provision.Expr, f searched) (string, []any, error) {
	if e.Op == provision.Present {
		return `(` + f.sql + ` <> '')`, nil, nil
	}
	v, ok := e.Value.(string)
	if !ok {
		return "", nil, fmt.Errorf("%w: a text is expected", provision.ErrFilter)
	}
	column, value := f.sql, v
	if !f.exact {
		column, value = `lower(`+f.sql+`)`, strings.ToLower(v)
	}
	switch e.Op {
	case provision.Equal:
		if e.Field == provision.Login || e.Field == provision.Email { // by the index
			return `(u.id IN (SELECT i.user_id FROM identifiers i WHERE i.canonical = ?) AND (` + column + ` = ? OR ` + f.sql + ` = ?))`,
				[]any{idp.Canonical(v), value, v}, nil
		}
		return `(` + column + ` = ? OR ` + f.sql + ` = ?)`, []any{value, v}, nil
	case provision.Unlike:
		return `(` + column + ` <> ? AND ` + f.sql + ` <> ?)`, []any{value, v}, nil
	}
	like := pattern(value)
	switch e.Op {
	case provision.Contains:
	case provision.Begins:
		like = strings.TrimPrefix(like, "%")
	case provision.Ends:
		like = strings.TrimSuffix(like, "%")
	default:
		return "", nil, fmt.Errorf("%w: texts are compared with eq, ne, co, sw, ew and pr", provision.ErrFilter)
	}
	return `(` + column + ` LIKE ? ESCAPE '!')`, []any{like}, nil
}
