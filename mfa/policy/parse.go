package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"latchkey/mfa"
)

// ErrInvalid is what every [Mistakes] is.
var ErrInvalid = errors.New("policy: not valid")

// maxFile is the size of a policy file in bytes; thousands of policies fit.
const maxFile = 256 << 10

// maxDepth is how deep brackets may nest; five levels are ever needed. The
// YAML parser recurses, and a stack that is used up cannot be recovered.
const maxDepth = 64

// Mistake is one thing that is wrong in a policy file.
type Mistake struct {
	Line    int    // 1 is the first; 0 the file as a whole
	Key     string // such as policies[2].what.assurance
	Value   string // as found, shortened; empty: missing
	Allowed string // what would have been right
}

// String says it in one line.
func (m Mistake) String() string {
	var b strings.Builder
	if m.Line > 0 {
		fmt.Fprintf(&b, "line %d: ", m.Line)
	}
	if m.Key != "" {
		b.WriteString(m.Key + ": ")
	}
	if m.Value != "" {
		fmt.Fprintf(&b, "%q: ", m.Value)
	}
	b.WriteString(m.Allowed)
	return b.String()
}

// Mistakes are all things wrong in a policy file, by line. It is an
// [ErrInvalid].
type Mistakes []Mistake

func (ms Mistakes) Error() string {
	lines := []string{ErrInvalid.Error()}
	for _, m := range ms {
		lines = append(lines, m.String())
	}
	return strings.Join(lines, "\n")
}

func (ms Mistakes) Unwrap() error { return ErrInvalid }

// Parse reads a policy file. It is strict, and its error is a [Mistakes] that
// lists everything at once: a key that is skipped in silence would be a
// protection that somebody believes in and does not have.
func Parse(text []byte) ([]Policy, error) {
	root, err := tree(text)
	if err != nil {
		return nil, err
	}
	r := &reader{}
	var ps []Policy
	r.fields(root, "", []field{
		{key: "policies", required: true, read: func(key string, n ast.Node) { ps = r.policies(key, n) }},
	})
	if len(r.mistakes) > 0 {
		slices.SortStableFunc(r.mistakes, func(a, b Mistake) int { return a.Line - b.Line })
		return nil, Mistakes(r.mistakes)
	}
	return ps, nil
}

// tree parses the text into its one document.
func tree(text []byte) (root ast.Node, err error) {
	if len(text) > maxFile {
		return nil, Mistakes{{Allowed: fmt.Sprintf("a policy file has at most %d bytes", maxFile)}}
	}
	defer func() { // the parser is not ours, the file may be anybody's
		if p := recover(); p != nil {
			root, err = nil, Mistakes{{Allowed: "not YAML"}}
		}
	}()
	tokens := lexer.Tokenize(string(text))
	if tooDeep(tokens) {
		return nil, Mistakes{{Allowed: fmt.Sprintf("brackets and indentation nest at most %d deep", maxDepth)}}
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		m := Mistake{Allowed: "not YAML"}
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			m.Allowed = syntax.Message
			if syntax.Token != nil && syntax.Token.Position != nil {
				m.Line = syntax.Token.Position.Line
			}
		}
		return nil, Mistakes{m}
	}
	var docs []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			docs = append(docs, d.Body)
		}
	}
	if len(docs) != 1 {
		return nil, Mistakes{{Allowed: fmt.Sprintf("one YAML document is wanted, found %d", len(docs))}}
	}
	return docs[0], nil
}

// tooDeep counts what can nest: brackets, indentation, and signs that open
// something one after the other.
func tooDeep(tokens token.Tokens) bool {
	brackets, openers, line := 0, 0, 0
	for _, t := range tokens {
		if brackets == 0 && t.Position.Line != line {
			openers = t.Position.Column
		}
		line = t.Position.Line
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			brackets++
		case token.SequenceEndType, token.MappingEndType:
			brackets--
		case token.CollectEntryType:
			openers = 0
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.TagType, token.AnchorType:
			openers++
		}
		if brackets > maxDepth || openers > 8*maxDepth {
			return true
		}
	}
	return false
}

func (r *reader) policies(key string, n ast.Node) []Policy {
	var ps []Policy
	lines := map[string]int{}
	for i, item := range r.list(key, n) {
		at := fmt.Sprintf("%s[%d]", key, i+1)
		p := r.policy(at, item)
		if first, twice := lines[p.Name]; twice && p.Name != "" {
			r.wrong(item, at+".name", p.Name, fmt.Sprintf("the policy in line %d has this name, too", first))
		} else {
			lines[p.Name] = line(item)
		}
		ps = append(ps, p)
	}
	return ps
}

// later are keys of the file format that this version cannot obey. It says so
// instead of skipping them.
var later = []string{"where", "enrolment", "trusted_devices", "session", "codes", "banner"}

func (r *reader) policy(at string, n ast.Node) Policy {
	p := Policy{Enabled: true}
	r.fields(n, at, []field{
		{key: "name", required: true, read: func(key string, n ast.Node) { p.Name = r.name(key, n) }},
		{key: "enabled", read: func(key string, n ast.Node) { p.Enabled = r.yes(key, n) }},
		{key: "whom", required: true, read: func(key string, n ast.Node) { p.Whom = r.whom(key, n) }},
		{key: "what", required: true, read: func(key string, n ast.Node) { p.What = r.what(key, n) }},
	})
	return p
}

func (r *reader) whom(at string, n ast.Node) Whom {
	var w Whom
	before := len(r.mistakes)
	r.fields(n, at, []field{
		{key: "everyone", read: func(key string, n ast.Node) { w.Everyone = r.yes(key, n) }},
		{key: "kind", read: func(key string, n ast.Node) { w.Kind = r.oneOf(key, n, []string{"internal", "portal"}) }},
		{key: "groups", read: func(key string, n ast.Node) { w.Groups = r.names(key, n) }},
		{key: "users", read: func(key string, n ast.Node) { w.Users = r.names(key, n) }},
		{key: "except", read: func(key string, n ast.Node) {
			for i, item := range r.list(key, n) {
				w.Except = append(w.Except, r.except(fmt.Sprintf("%s[%d]", key, i+1), item))
			}
		}},
	})
	if len(r.mistakes) > before {
		return w
	}
	given := 0
	for _, c := range conditions {
		if c.given(w) {
			given++
		}
	}
	switch {
	case given == 0:
		r.wrong(n, at, "", "must say everyone: true, kind, groups or users")
	case w.Everyone && given > 1:
		r.wrong(n, at, "", "everyone: true leaves no room for "+join(conditionKeys()[1:]))
	}
	return w
}

func conditionKeys() []string {
	var keys []string
	for _, c := range conditions {
		keys = append(keys, c.key)
	}
	return keys
}

func (r *reader) except(at string, n ast.Node) Except {
	var e Except
	r.fields(n, at, []field{
		{key: "user", required: true, read: func(key string, n ast.Node) { e.User = r.name(key, n) }},
		{key: "until", required: true, read: func(key string, n ast.Node) {
			text, ok := r.text(key, n)
			if _, err := time.Parse(time.DateOnly, text); ok && err != nil {
				r.wrong(n, key, text, "must be a day such as 2027-01-31")
			}
			e.Until = Date(text)
		}},
	})
	return e
}

func (r *reader) what(at string, n ast.Node) What {
	var w What
	before := len(r.mistakes)
	r.fields(n, at, []field{
		{key: "assurance", read: func(key string, n ast.Node) {
			w.Assurance = Assurance(r.oneOf(key, n, strs(assurances)))
		}},
		{key: "methods", read: func(key string, n ast.Node) {
			items := r.list(key, n)
			for i, item := range items {
				w.Methods = append(w.Methods, mfa.Kind(r.oneOf(fmt.Sprintf("%s[%d]", key, i+1), item, methodNames())))
			}
			if len(items) == 0 {
				r.wrong(n, key, "", "must name at least one of "+join(methodNames()))
			}
		}},
	})
	if len(r.mistakes) == before && w.Assurance == "" && w.Methods == nil {
		r.wrong(n, at, "", "must say assurance or methods")
	}
	return w
}

func methodNames() []string {
	var out []string
	for _, m := range methods {
		out = append(out, string(m.kind))
	}
	return out
}

func strs[S ~string](in []S) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}

// Format writes a policy file that Parse reads back.
func Format(ps []Policy) ([]byte, error) {
	return yaml.Marshal(struct {
		Policies []Policy `yaml:"policies"`
	}{ps})
}
