package policy

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Input is how a form asks for a value.
type Input string

const (
	Line    Input = "line"    // a line of text
	Yes     Input = "yes"     // "true" or nothing
	Choice  Input = "choice"  // one of the options, or nothing
	Choices Input = "choices" // some of the options, one a line
	Names   Input = "names"   // one a line
	Number  Input = "number"
	Time    Input = "time"   // such as 90s, 5m or 12h
	Day     Input = "day"    // such as 2027-01-31
	Excepts Input = "except" // one a line: a person, a tab, a day
	Texts   Input = "texts"  // a text by language: each has a value of its own, KEY.LANGUAGE
)

// Field is something that a policy can say, as a form asks for it.
type Field struct {
	Key     string // as in files, such as what.session.idle
	Part    string // of the form: policy, whom, where, demand, stay, codes, passkeys, lock or banner
	Input   Input
	Options []string // of Choice and Choices
	Of      string   // what Names are: group, user, client, network or model
	Least   string   // of Number and Time, as a file would say it
	Most    string
}

// fields are all that a policy can say: the file format in the order in which a
// form asks. What a file may say of each is decided by its reader alone.
var fields = slices.Concat([]Field{
	{Key: "name", Part: "policy", Input: Line},
	{Key: "enabled", Part: "policy", Input: Yes},
	{Key: "whom.everyone", Part: "whom", Input: Yes},
	{Key: "whom.kind", Part: "whom", Input: Choice, Options: []string{"portal", "internal"}},
	{Key: "whom.administrators", Part: "whom", Input: Yes},
	{Key: "whom.groups", Part: "whom", Input: Names, Of: "group"},
	{Key: "whom.users", Part: "whom", Input: Names, Of: "user"},
	{Key: "whom.except", Part: "whom", Input: Excepts},
	{Key: "where.clients", Part: "where", Input: Names, Of: "client"},
	{Key: "where.networks.in", Part: "where", Input: Names, Of: "network"},
	{Key: "where.networks.not_in", Part: "where", Input: Names, Of: "network"},
	{Key: "what.assurance", Part: "demand", Input: Choice, Options: strs(assurances)},
	{Key: "what.methods", Part: "demand", Input: Choices, Options: nameable()},
	{Key: "what.enrolment.deadline", Part: "demand", Input: Day},
	{Key: "what.enrolment.grace_days", Part: "demand", Input: Number, Least: "1", Most: strconv.Itoa(maxGrace)},
}, limited(), []Field{
	{Key: "what.passkeys.clones", Part: "passkeys", Input: Choice, Options: []string{clonesWarn, clonesRefuse}},
	{Key: "what.passkeys.attestation", Part: "passkeys", Input: Choice, Options: []string{attestationNone, attestationRequired}},
	{Key: "what.passkeys.models", Part: "passkeys", Input: Names, Of: "model"},
	{Key: "what.lock", Part: "lock", Input: Choice, Options: []string{lockSoft, lockHard}},
	{Key: "what.banner", Part: "banner", Input: Texts},
})

// limited are the numbers of the table of limits.
func limited() []Field {
	var out []Field
	for i := range limits {
		l := &limits[i]
		f := Field{Key: "what." + l.dimension + "." + l.key, Part: l.part, Input: Number, Least: l.text(l.least), Most: l.text(l.most)}
		if l.duration {
			f.Input = Time
		}
		out = append(out, f)
	}
	return out
}

// nameable are the methods that a policy can name.
func nameable() []string {
	var out []string
	for _, m := range methods {
		if !m.always {
			out = append(out, string(m.kind))
		}
	}
	return out
}

// Fields lists what a policy can say, in the order in which a form asks for it.
func Fields() []Field { return slices.Clone(fields) }

// Values is a policy as a form has it: text by key. What is not said is not
// there, or empty.
type Values map[string]string

// ValuesOf is the opposite of [Values.Policy].
func ValuesOf(p Policy) (Values, error) {
	text, err := Format([]Policy{p})
	if err != nil {
		return nil, err
	}
	root, err := tree(text)
	if err != nil {
		return nil, err
	}
	v := Values{}
	for _, top := range mapping(root) {
		for _, p := range top.Value.(*ast.SequenceNode).Values {
			v.take("", p)
		}
	}
	return v, nil
}

func mapping(n ast.Node) []*ast.MappingValueNode {
	switch m := n.(type) {
	case *ast.MappingNode:
		return m.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{m}
	}
	return nil
}

// take reads a tree that Format wrote.
func (v Values) take(at string, n ast.Node) {
	if values := mapping(n); values != nil {
		for _, m := range values {
			name, _ := scalar(m.Key)
			v.take(strings.TrimPrefix(at+"."+name, "."), m.Value)
		}
		return
	}
	switch m := n.(type) {
	case *ast.SequenceNode:
		var lines []string
		for _, item := range m.Values {
			var cells []string
			for _, c := range mapping(item) {
				cells = append(cells, plain(c.Value))
			}
			if cells == nil {
				cells = []string{plain(item)}
			}
			lines = append(lines, strings.Join(cells, "\t"))
		}
		v[at] = strings.Join(lines, "\n")
	case *ast.BoolNode:
		if m.Value {
			v[at] = "true"
		}
	default:
		v[at] = plain(n)
	}
}

// Policy reads the values as a file with them would be read. Its error is a
// [Mistakes], by [Mistake.Key].
func (v Values) Policy() (Policy, error) {
	top := ast.Mapping(blank(""), false)
	for _, part := range []string{"whom", "what"} { // that these are missing is said of them, not of the whole
		put(top, part, ast.Mapping(blank(""), false))
	}
	for _, f := range fields {
		if f.Input == Texts {
			for _, key := range slices.Sorted(maps.Keys(v)) {
				if tag, under := strings.CutPrefix(key, f.Key+"."); under && strings.TrimSpace(v[key]) != "" {
					put(inner(top, f.Key), tag, text(strings.TrimSpace(v[key])))
				}
			}
		} else if n := f.node(v[f.Key]); n != nil {
			part, name := "", f.Key
			if i := strings.LastIndexByte(f.Key, '.'); i >= 0 {
				part, name = f.Key[:i], f.Key[i+1:]
			}
			put(inner(top, part), name, n)
		}
	}
	r := policyReader{&reader{}}
	p := r.policy("", top)
	if len(r.mistakes) > 0 {
		return Policy{}, Mistakes(r.mistakes)
	}
	return p, nil
}

// node is a value as the reader of files wants it; nil: nothing is said. Nothing
// goes through the text of a file, so nothing in it can be taken for a key.
func (f Field) node(value string) ast.Node {
	if f.Input == Yes {
		return ast.Bool(blank(strconv.FormatBool(value == "true")))
	}
	if strings.TrimSpace(value) == "" {
		return nil
	}
	switch f.Input {
	case Names, Choices, Excepts:
		list := ast.Sequence(blank(""), false)
		for line := range strings.Lines(value) {
			if strings.TrimSpace(line) == "" {
				continue
			}
			item := text(strings.TrimSpace(line))
			if f.Input == Excepts {
				item = except(line)
			}
			list.Values = append(list.Values, item)
		}
		return list
	}
	return text(strings.TrimSpace(value))
}

// except is a person and the day on which their exemption ends.
func except(line string) ast.Node {
	out := ast.Mapping(blank(""), false)
	user, until, _ := strings.Cut(line, "\t")
	put(out, "user", text(strings.TrimSpace(user)))
	put(out, "until", text(strings.TrimSpace(until)))
	return out
}

func blank(value string) *token.Token { return token.New(value, value, &token.Position{}) }

func text(s string) ast.Node { return ast.String(blank(s)) }

func put(m *ast.MappingNode, key string, n ast.Node) {
	m.Values = append(m.Values, ast.MappingValue(blank(":"), ast.String(blank(key)), n))
}

// inner is the mapping at a key, made if it is new.
func inner(m *ast.MappingNode, key string) *ast.MappingNode {
	for part := range strings.SplitSeq(key, ".") {
		if part == "" {
			continue
		}
		i := slices.IndexFunc(m.Values, func(v *ast.MappingValueNode) bool {
			name, _ := scalar(v.Key)
			return name == part
		})
		if i < 0 {
			put(m, part, ast.Mapping(blank(""), false))
			i = len(m.Values) - 1
		}
		m = m.Values[i].Value.(*ast.MappingNode)
	}
	return m
}

var numbered = regexp.MustCompile(`^(.*?)\[(\d+)\](?:\.(.*))?$`)

// Field is the key of a form's field, and which of its lines, from 1 on; 0 is
// all of it.
func (m Mistake) Field() (key string, item int, inner string) {
	parts := numbered.FindStringSubmatch(m.Key)
	if parts == nil {
		return m.Key, 0, ""
	}
	item, _ = strconv.Atoi(parts[2])
	return parts[1], item, parts[3]
}
