package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Gateway is one SMS gateway. Which settings its type has is not known here:
// whoever does judges them through a [Judge].
type Gateway struct {
	Name     string
	Type     string
	Prefixes []string // the numbers that it is for; none: all
	// Values are text, true, false, json.Number, lists and maps of these.
	// Those that were named as files are here as what the files hold.
	Values map[string]any
}

// Judge finds mistakes that this package knows nothing of. The key of one may
// go on after the name of ours, as in sms.gateways[1].token.
type Judge func(Config) Mistakes

const gatewaysKey = "sms.gateways"

// gateways makes the key of the list.
func gateways(name, allowed, doc string) Key {
	return Key{
		Name: name, Shown: "none", Allowed: allowed, Doc: doc, Secret: true, Structured: true,
		set: func(c *Config, v string) error {
			c.SMS.Gateways = nil
			if v == "" {
				return nil
			}
			list, ok := parseTree(v).([]any)
			if !ok {
				return errValue
			}
			var ms Mistakes
			for i, one := range list {
				g, wrong := gateway(fmt.Sprintf("%s[%d]", name, i), one)
				c.SMS.Gateways, ms = append(c.SMS.Gateways, g), append(ms, wrong...)
			}
			if len(ms) > 0 {
				return ms
			}
			return nil
		},
		get: func(c Config) string { return summary(c.SMS.Gateways) },
	}
}

// gateway reads one entry of the list.
func gateway(key string, v any) (g Gateway, ms Mistakes) {
	fields, ok := v.(map[string]any)
	if !ok {
		return g, Mistakes{{Key: key, Value: hidden, Allowed: "name, type, and the settings of that type"}}
	}
	g.Values = map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		v := fields[name]
		text, isText := v.(string)
		base, isFile := strings.CutSuffix(name, "_file")
		switch {
		case name == "name":
			g.Name = text
		case name == "type":
			g.Type = text
		case name == "prefixes":
			if g.Prefixes, ok = texts(v); !ok {
				ms = append(ms, Mistake{Key: key + ".prefixes", Allowed: `a list of beginnings of numbers, such as ["+33", "+32"]`})
			}
		case isFile && fields[base] != nil:
			ms = append(ms, Mistake{Key: key + "." + base, Value: hidden, Allowed: "one of " + base + " and " + name + ", not both"})
		case isFile && isText:
			secret, allowed := readSecret(text)
			if allowed != "" {
				ms = append(ms, Mistake{Key: key + "." + name, Value: text, Allowed: allowed})
				secret = hidden // there is one: that it cannot be read is told
			}
			g.Values[base] = secret
		default:
			g.Values[name] = v
		}
	}
	return g, ms
}

// texts is a list of texts, or one of them alone.
func texts(v any) (out []string, ok bool) {
	if s, one := v.(string); one {
		v = []any{s}
	}
	list, ok := v.([]any)
	for _, e := range list {
		switch e := e.(type) {
		case string:
			out = append(out, e)
		case json.Number: // +33 without quotes
			out = append(out, e.String())
		default:
			return nil, false
		}
	}
	return out, ok
}

// openSettings of gateways are no secrets and help to find mistakes.
var openSettings = []string{"account", "from", "method", "region", "service"}

// summary shows gateways without their secrets.
func summary(all []Gateway) string {
	var out []string
	for _, g := range all {
		words := []string{g.Name + ": type=" + g.Type}
		if len(g.Prefixes) > 0 {
			words = append(words, "prefixes="+strings.Join(g.Prefixes, ","))
		}
		for _, name := range slices.Sorted(maps.Keys(g.Values)) {
			text, isText := g.Values[name].(string)
			if !isText || !slices.Contains(openSettings, name) {
				text = Key{Secret: true}.masked(or(text, hidden))
			}
			words = append(words, name+"="+text)
		}
		out = append(out, strings.Join(words, " "))
	}
	return strings.Join(out, "; ")
}

// structured is the text of a list or a section, kept as JSON.
func structured(n ast.Node) string {
	if n.Type() == ast.NullType {
		return ""
	}
	raw, err := json.Marshal(tree(n))
	if err != nil {
		return "?" // is no list, and is told as that
	}
	return string(raw)
}

// parseTree reads such a text, or YAML as somebody wrote it into a variable.
func parseTree(text string) any {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err == nil {
		return v
	}
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil || len(file.Docs) != 1 || file.Docs[0].Body == nil {
		return nil
	}
	return tree(file.Docs[0].Body)
}

var numberLike = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,17})$`)

// tree is what a node holds. A number that YAML would read in its own way,
// such as +33612345678 or 007, stays the text that it is.
func tree(n ast.Node) any {
	switch n := n.(type) {
	case *ast.MappingNode:
		out := map[string]any{}
		for _, p := range n.Values {
			out[p.Key.GetToken().Value] = tree(p.Value)
		}
		return out
	case *ast.MappingValueNode:
		return map[string]any{n.Key.GetToken().Value: tree(n.Value)}
	case *ast.SequenceNode:
		out := []any{}
		for _, v := range n.Values {
			out = append(out, tree(v))
		}
		return out
	case *ast.BoolNode:
		return n.Value
	case *ast.IntegerNode:
		if s := n.GetToken().Value; numberLike.MatchString(s) {
			return json.Number(s)
		}
	}
	s, _ := plain(n)
	return s
}

// list makes a key for texts that are separated by commas.
func list(name, shown, allowed, doc string, field func(*Config) *[]string, ok func(string) bool) Key {
	return Key{Name: name, Shown: shown, Allowed: allowed, Doc: doc,
		set: func(c *Config, v string) error {
			*field(c) = nil
			for part := range strings.SplitSeq(v, ",") {
				part = strings.TrimSpace(part)
				if part == "" {
					continue
				}
				if !ok(part) {
					return fmt.Errorf("%q: %w", part, errValue)
				}
				*field(c) = append(*field(c), part)
			}
			return nil
		},
		get: func(c Config) string { return strings.Join(*field(&c), ", ") },
	}
}

var countryLike = regexp.MustCompile(`^(\+[1-9][0-9]{0,6}|[A-Z]{2})$`)

func isCountry(v string) bool { return countryLike.MatchString(v) }
