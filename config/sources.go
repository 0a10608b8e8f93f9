package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// file reads the YAML text into values.
func (r *reading) file(name string, text []byte) {
	tree, err := parser.ParseBytes(text, 0)
	if err != nil {
		r.wrong(Mistake{Key: "config", Value: name, From: name, Allowed: "YAML; " + syntax(err)})
		return
	}
	var bodies []ast.Node
	for _, d := range tree.Docs {
		if d.Body != nil && d.Body.Type() != ast.NullType && d.Body.Type() != ast.CommentType {
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) > 1 {
		r.wrong(Mistake{Key: "config", Value: name, From: name, Allowed: "one YAML document, not several"})
	}
	if len(bodies) > 0 {
		r.section(name, "", bodies[0])
	}
}

// syntax is the first line of a YAML error, without the picture below it.
func syntax(err error) string {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil {
		p := y.GetToken().Position
		return fmt.Sprintf("line %d, column %d: %s", p.Line, p.Column, y.GetMessage())
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	return first
}

// section walks one level of the file.
func (r *reading) section(file, path string, n ast.Node) {
	var pairs []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	default:
		r.wrong(Mistake{Key: or(path, "config"), Value: n.GetToken().Value, From: at(file, n), Allowed: "a section: keys with values below it"})
		return
	}
	for _, p := range pairs {
		name := p.Key.GetToken().Value
		if path != "" {
			name = path + "." + name
		}
		r.entry(file, name, p)
	}
}

// entry takes one key of the file and what stands beside it.
func (r *reading) entry(file, name string, p *ast.MappingValueNode) {
	n, place := p.Value, at(file, p.Key)
	k, isKey := find(name)
	switch {
	case k.Structured:
		if text := structured(n); text != "" {
			r.values[name] = value{text: text, from: place}
		}
	case isKey:
		text, ok := plain(n)
		if !ok {
			r.wrong(Mistake{Key: name, Value: k.masked(n.GetToken().Value), From: place, Allowed: k.Allowed + "; here stands a section"})
		} else if text != "" {
			r.values[name] = value{text: text, from: place}
		}
	case isSection(name):
		if n.Type() != ast.NullType {
			r.section(file, name, n)
		}
	default:
		r.wrong(unknown(name, place, append(names(), sections()...)))
	}
}

// plain is the text of a scalar, or of a list joined by commas.
func plain(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.NullNode:
		return "", true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	case *ast.StringNode:
		return n.Value, true
	case *ast.SequenceNode:
		var parts []string
		for _, v := range n.Values {
			s, ok := plain(v)
			if !ok {
				return "", false
			}
			parts = append(parts, s)
		}
		return strings.Join(parts, ","), true
	case ast.ScalarNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func at(file string, n ast.Node) string {
	return fmt.Sprintf("%s line %d", file, n.GetToken().Position.Line)
}

// sections lists what stands before a dot of a key, at every depth.
func sections() []string {
	var out []string
	for _, n := range names() {
		for i, r := range n {
			if r == '.' && !slices.Contains(out, n[:i]) {
				out = append(out, n[:i])
			}
		}
	}
	return out
}

func isSection(name string) bool { return slices.Contains(sections(), name) }

// notOurs are variables with our prefix that other programs set. Kubernetes
// describes a service of the name "latchkey" to every pod in this way.
var notOurs = regexp.MustCompile(`^LATCHKEY_(TEST_.*|CONFIG|PORT|PORT_\d+_.*|SERVICE_HOST|SERVICE_PORT.*)$`)

// environment reads LATCHKEY_… variables over what the file said. An empty
// one is as good as none, as compose files cannot leave one away.
func (r *reading) environment(env []string) {
	vars := map[string]string{}
	for _, e := range env {
		name, text, _ := strings.Cut(e, "=")
		if strings.HasPrefix(name, prefix) && !notOurs.MatchString(name) && text != "" {
			vars[name] = text
		}
	}
	var known []string
	for _, k := range keys {
		known = append(known, k.Variable())
		text, set := vars[k.Variable()]
		file, fromFile := vars[k.Variable()+"_FILE"]
		delete(vars, k.Variable())
		if k.Secret {
			known = append(known, k.Variable()+"_FILE")
			delete(vars, k.Variable()+"_FILE")
		}
		switch {
		case set && fromFile && k.Secret:
			r.wrong(Mistake{Key: k.Name, Value: hidden, From: k.Variable(), Allowed: "one of " + k.Variable() + " and " + k.Variable() + "_FILE, not both"})
		case set:
			r.values[k.Name] = value{text: text, from: k.Variable()}
		case fromFile && k.Secret:
			r.secretFile(k, file)
		}
	}
	left := make([]string, 0, len(vars))
	for name := range vars {
		left = append(left, name)
	}
	slices.Sort(left)
	for _, name := range left {
		r.wrong(unknown(name, "the environment", known))
	}
}

// secretFile takes the value of a key from a file.
func (r *reading) secretFile(k Key, file string) {
	variable := k.Variable() + "_FILE"
	secret, allowed := readSecret(file)
	if allowed != "" {
		r.wrong(Mistake{Key: k.Name, Value: file, From: variable, Allowed: allowed})
		return
	}
	r.values[k.Name] = value{text: secret, from: variable}
}

// readSecret reads a file with one line, or says what is allowed; a newline at
// the end belongs to the editor that wrote it.
func readSecret(file string) (secret, allowed string) {
	f, err := os.Open(file)
	if err != nil {
		return "", "a file that can be read: " + reason(err)
	}
	defer f.Close()
	const most = 64 * 1024
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	s := strings.TrimRight(string(text), "\r\n")
	if err != nil || len(text) > most || s == "" || strings.ContainsAny(s, "\r\n") {
		return "", "a file with one line: the secret"
	}
	return s, ""
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
