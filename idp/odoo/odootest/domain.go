package odootest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// search finds records of a model.
type search struct {
	db    *records
	model string
}

// find returns the records that a search finds, in order.
func (s search) find(args map[string]any) ([]Record, error) {
	m := s.db.models[s.model]
	domain, _ := args["domain"].([]any)
	in, _ := args["context"].(map[string]any)
	var out []Record
	for _, id := range m.ids() {
		r := m.rows[id]
		if r["active"] == false && in["active_test"] != false && !mentions(domain, "active") {
			continue
		}
		fits, err := s.fits(r, domain)
		if err != nil {
			return nil, err
		}
		if fits {
			out = append(out, r)
		}
	}
	s.order(out, args["order"])
	if n, ok := number(args["offset"]); ok {
		out = out[min(int(n), len(out)):]
	}
	if n, ok := number(args["limit"]); ok && n > 0 {
		out = out[:min(int(n), len(out))]
	}
	return out, nil
}

func mentions(domain []any, field string) bool {
	return slices.ContainsFunc(domain, func(t any) bool {
		l, ok := t.([]any)
		return ok && len(l) == 3 && l[0] == field
	})
}

// order sorts by a list such as "write_date desc, id".
func (s search) order(rs []Record, by any) {
	terms, _ := by.(string)
	if terms == "" {
		return
	}
	slices.SortStableFunc(rs, func(a, b Record) int {
		for term := range strings.SplitSeq(terms, ",") {
			field, way, _ := strings.Cut(strings.TrimSpace(term), " ")
			c := compare(s.db.whole(s.model, a)[field], s.db.whole(s.model, b)[field])
			if strings.EqualFold(strings.TrimSpace(way), "desc") {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return 0
	})
}

func compare(a, b any) int {
	x, xn := number(a)
	y, yn := number(b)
	if xn && yn {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

// fits evaluates a domain in Odoo's prefix notation.
func (s search) fits(r Record, domain []any) (bool, error) {
	rest, all := domain, true
	for len(rest) > 0 {
		ok, after, err := s.term(r, rest)
		if err != nil {
			return false, err
		}
		all, rest = all && ok, after
	}
	return all, nil
}

func (s search) term(r Record, d []any) (ok bool, rest []any, err error) {
	if len(d) == 0 {
		return false, nil, fmt.Errorf("ValueError: malformed domain")
	}
	switch op := d[0].(type) {
	case string:
		a, rest, err := s.term(r, d[1:])
		if err != nil || op == "!" {
			return !a, rest, err
		}
		b, rest, err := s.term(r, rest)
		if op == "|" {
			return a || b, rest, err
		}
		return a && b, rest, err
	case []any:
		if len(op) != 3 {
			return false, nil, fmt.Errorf("ValueError: malformed domain term %v", op)
		}
		field, _ := op[0].(string)
		v, err := s.value(r, field)
		if err != nil {
			return false, nil, err
		}
		return holds(v, fmt.Sprint(op[1]), op[2]), d[1:], nil
	}
	return false, nil, fmt.Errorf("ValueError: malformed domain")
}

// value follows a path such as partner_id.email.
func (s search) value(r Record, path string) (any, error) {
	field, below, deeper := strings.Cut(path, ".")
	if s.db.models[s.model].fields[field] == "" {
		return nil, fmt.Errorf("ValueError: Invalid field %s.%s in leaf", s.model, field)
	}
	v := s.db.whole(s.model, r)[field]
	if !deeper {
		return v, nil
	}
	id, _ := number(v)
	return search{s.db, refersTo[field]}.value(s.db.models[refersTo[field]].rows[id], below)
}

// operators are the comparisons of a domain; false is nothing.
var operators = map[string]func(is, shall any) bool{
	"=":  same,
	"!=": func(is, shall any) bool { return !same(is, shall) },
	"in": among, "not in": func(is, shall any) bool { return !among(is, shall) },
	"<":  func(is, shall any) bool { return is != false && compare(is, shall) < 0 },
	"<=": func(is, shall any) bool { return is != false && compare(is, shall) <= 0 },
	">":  func(is, shall any) bool { return is != false && compare(is, shall) > 0 },
	">=": func(is, shall any) bool { return is != false && compare(is, shall) >= 0 },
	"ilike": func(is, shall any) bool {
		return is != false && strings.Contains(strings.ToLower(fmt.Sprint(is)), strings.ToLower(fmt.Sprint(shall)))
	},
	"=ilike": func(is, shall any) bool {
		return is != false && strings.EqualFold(fmt.Sprint(is), strings.NewReplacer(`\_`, "_", `\%`, "%", `\\`, `\`).Replace(fmt.Sprint(shall)))
	},
	"like": func(is, shall any) bool { return is != false && strings.Contains(fmt.Sprint(is), fmt.Sprint(shall)) },
}

func among(is, shall any) bool {
	l, _ := shall.([]any)
	return slices.ContainsFunc(l, func(v any) bool { return same(is, v) })
}

func holds(is any, op string, shall any) bool {
	if list, ok := is.([]int64); ok && shall == false { // is there any?
		return (len(list) == 0) == (op == "=")
	} else if ok { // any of them
		return slices.ContainsFunc(list, func(n int64) bool { return holds(n, op, shall) })
	}
	compare, ok := operators[op]
	return ok && compare(is, shall)
}

func same(a, b any) bool {
	if b == nil || b == "" {
		b = false
	}
	x, xn := number(a)
	y, yn := number(b)
	if xn && yn {
		return x == y
	}
	return fmt.Sprint(a) == fmt.Sprint(b)
}
