package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// reader walks a YAML tree and gathers mistakes instead of stopping at them.
// Reading functions return a zero value where they noted a mistake.
type reader struct{ mistakes []Mistake }

// field is a key that a mapping may have.
type field struct {
	key      string
	required bool
	read     func(key string, n ast.Node)
}

func (r *reader) wrong(n ast.Node, key, value, allowed string) {
	r.mistakes = append(r.mistakes, Mistake{line(n), strings.TrimPrefix(key, "."), shorten(value), allowed})
}

func line(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0].Key
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

func shorten(s string) string {
	const most = 60
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// fields reads a mapping: each key that is known, once.
func (r *reader) fields(n ast.Node, at string, known []field) {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	default:
		r.wrong(n, at, plain(n), "must be a list of keys: "+fieldNames(known))
		return
	}
	seen := map[string]bool{}
	for _, v := range values {
		name, ok := scalar(v.Key)
		key := at + "." + name
		i := slices.IndexFunc(known, func(f field) bool { return f.key == name })
		switch {
		case !ok:
			r.wrong(v.Key, at, plain(v.Key), "is no plain key")
		case seen[name]:
			r.wrong(v.Key, key, "", "is said twice")
		case i >= 0:
			known[i].read(key, v.Value)
		case slices.Contains(later, name):
			r.wrong(v.Key, key, "", "is not offered by this version")
		default:
			r.wrong(v.Key, key, "", "is no key here; these are: "+fieldNames(known))
		}
		seen[name] = true
	}
	for _, f := range known {
		if f.required && !seen[f.key] {
			r.wrong(n, at+"."+f.key, "", "is missing")
		}
	}
}

func fieldNames(fs []field) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.key)
	}
	return join(out)
}

func (r *reader) list(key string, n ast.Node) []ast.Node {
	s, ok := n.(*ast.SequenceNode)
	if !ok {
		r.wrong(n, key, plain(n), "must be a list")
		return nil
	}
	return s.Values
}

// scalar is the text of a plain value. Anchors, aliases and tags are none: a
// file that says what it means needs none of them.
func scalar(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// plain is a value as a mistake shows it.
func plain(n ast.Node) string {
	if text, ok := scalar(n); ok {
		return text
	}
	if n == nil || n.GetToken() == nil {
		return ""
	}
	return strings.TrimSpace(n.GetToken().Value)
}

func (r *reader) text(key string, n ast.Node) (string, bool) {
	text, ok := scalar(n)
	if !ok {
		r.wrong(n, key, plain(n), "must be a text")
	}
	return text, ok
}

// name is the name of a policy, a group or a person.
func (r *reader) name(key string, n ast.Node) string {
	text, ok := r.text(key, n)
	if !ok {
		return ""
	}
	const most = 256
	if text == "" || text != strings.TrimSpace(text) || utf8.RuneCountInString(text) > most ||
		!utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		r.wrong(n, key, text, fmt.Sprintf("must be one line of 1 to %d characters, with no space at its ends", most))
		return ""
	}
	return text
}

func (r *reader) names(key string, n ast.Node) []string {
	items := r.list(key, n)
	if _, isList := n.(*ast.SequenceNode); isList && len(items) == 0 {
		r.wrong(n, key, "", "must name at least one")
	}
	var out []string
	for i, item := range items {
		out = append(out, r.name(fmt.Sprintf("%s[%d]", key, i+1), item))
	}
	return out
}

func (r *reader) oneOf(key string, n ast.Node, allowed []string) string {
	text, ok := scalar(n)
	if !ok || !slices.Contains(allowed, text) {
		r.wrong(n, key, plain(n), "must be one of "+join(allowed))
		return ""
	}
	return text
}

func (r *reader) yes(key string, n ast.Node) bool {
	b, ok := n.(*ast.BoolNode)
	if !ok {
		r.wrong(n, key, plain(n), "must be true or false")
		return false
	}
	return b.Value
}
