package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
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

// pairs lists what a mapping holds.
func (r *reader) pairs(at string, n ast.Node, wanted string) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	r.wrong(n, at, plain(n), wanted)
	return nil
}

// fields reads a mapping: each key that is known, once. It returns the keys
// that were there.
func (r *reader) fields(n ast.Node, at string, known []field) (given []string) {
	before := len(r.mistakes)
	values := r.pairs(at, n, "must be a list of keys: "+fieldNames(known))
	if len(r.mistakes) > before {
		return nil
	}
	for _, v := range values {
		name, ok := scalar(v.Key)
		key := at + "." + name
		i := slices.IndexFunc(known, func(f field) bool { return f.key == name })
		switch {
		case !ok:
			r.wrong(v.Key, at, plain(v.Key), "is no plain key")
		case slices.Contains(given, name):
			r.wrong(v.Key, key, "", "is said twice")
		case i >= 0:
			known[i].read(key, v.Value)
		default:
			r.wrong(v.Key, key, "", "is no key here; these are: "+fieldNames(known))
		}
		given = append(given, name)
	}
	for _, f := range known {
		if f.required && !slices.Contains(given, f.key) {
			r.wrong(n, at+"."+f.key, "", "is missing")
		}
	}
	return given
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

// some reads a list that is not empty.
func (r *reader) some(key string, n ast.Node) []ast.Node {
	items := r.list(key, n)
	if _, isList := n.(*ast.SequenceNode); isList && len(items) == 0 {
		r.wrong(n, key, "", "must name at least one")
	}
	return items
}

func (r *reader) names(key string, n ast.Node) []string {
	var out []string
	for i, item := range r.some(key, n) {
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

// someOf notes a mistake where none of the keys was given.
func (r *reader) someOf(n ast.Node, at string, given bool, keys ...string) {
	if !given {
		r.wrong(n, at, "", "must say "+either(keys))
	}
}

func either(keys []string) string {
	if len(keys) == 1 {
		return keys[0]
	}
	last := len(keys) - 1
	return join(keys[:last]) + " or " + keys[last]
}

// number reads a limit of the table.
func (r *reader) number(key string, n ast.Node, dimension, name string) int64 {
	i := slices.IndexFunc(limits, func(l limit) bool { return l.dimension == dimension && l.key == name })
	return r.between(key, n, &limits[i])
}

func (r *reader) between(key string, n ast.Node, l *limit) int64 {
	text, _ := scalar(n)
	v, ok := whole(text)
	allowed := fmt.Sprintf("must be a number from %s to %s", l.text(l.least), l.text(l.most))
	if l.duration {
		d, err := time.ParseDuration(text)
		v, ok = int64(d), err == nil && d%time.Second == 0
		allowed = fmt.Sprintf("must be a time from %s to %s, such as 90s, 5m or 12h", l.text(l.least), l.text(l.most))
	}
	if !ok || v < l.least || v > l.most {
		r.wrong(n, key, plain(n), allowed)
		return 0
	}
	return v
}

// whole reads a number in its one decimal spelling: 010 is eight to some.
func whole(text string) (int64, bool) {
	v, err := strconv.ParseInt(text, 10, 64)
	return v, err == nil && strconv.FormatInt(v, 10) == text
}

// day reads a date.
func (r *reader) day(key string, n ast.Node) Date {
	text, ok := r.text(key, n)
	if _, valid := Date(text).start(); ok && !valid {
		r.wrong(n, key, text, "must be a day such as 2027-01-31")
	}
	return Date(text)
}
