package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
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
	r := policyReader{&reader{}}
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
