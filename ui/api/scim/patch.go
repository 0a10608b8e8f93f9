package scim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// operation is one step of a PATCH (RFC 7644 §3.5.2).
type operation struct {
	op    string // add, replace or remove
	path  string
	value any
}

const (
	maxOperations = 1000
	// maxElements of lists come in one PATCH, or join a group in one request.
	maxElements = 5000
	// maxWork is how many elements of lists all operations of a PATCH look at: each
	// may look at all members of a big group (SECURITY.md C-11).
	maxWork = 2_000_000
)

// operations reads the body of a PATCH. Entra ID writes Add, Replace, Remove.
func (c *call) operations() ([]operation, error) {
	o, err := c.read()
	if err != nil {
		return nil, err
	}
	all := list(o, "Operations")
	if len(all) == 0 || len(all) > maxOperations {
		return nil, fmt.Errorf("%w: Operations: 1 to %d are expected", errSyntax, maxOperations)
	}
	var out []operation
	sent := 0
	for _, one := range all {
		o, _ := one.(object)
		p := operation{strings.ToLower(text(o, "op")), text(o, "path"), get(o, "value")}
		if !slices.Contains([]string{"add", "replace", "remove"}, p.op) {
			return nil, fmt.Errorf("%w: op is add, replace or remove", errSyntax)
		}
		if p.op == "remove" && p.path == "" {
			return nil, fmt.Errorf("%w: remove needs a path", errTarget)
		}
		if sent += p.sent(); sent > maxElements {
			return nil, errMany
		}
		out = append(out, p)
	}
	return out, nil
}

// sent counts the elements of lists that come with an operation.
func (p operation) sent() int {
	values, ok := p.value.(object)
	if p.path != "" || !ok {
		return len(elements(p.value))
	}
	n := 0
	for _, v := range values {
		n += len(elements(v))
	}
	return n
}

// fixedAttributes are ours to say.
var fixedAttributes = []string{"id", "meta", "schemas", "groups"}

// patch applies operations to a resource.
func patch(o object, ops []operation) error {
	work := 0
	for _, p := range ops {
		for _, v := range o {
			all, _ := v.([]any)
			work += len(all)
		}
		if work > maxWork {
			return errMany
		}
		if err := p.apply(o); err != nil {
			return err
		}
	}
	return nil
}

// patchKeeping applies operations that leave the attribute which must be there:
// taking it away is an error of its own (RFC 7644 §3.5.2.2).
func patchKeeping(name string, ops []operation) func(object) (object, error) {
	return func(o object) (object, error) {
		if err := patch(o, ops); err != nil {
			return nil, err
		}
		if get(o, name) == nil {
			return nil, fmt.Errorf("%w: %s", errMutable, name)
		}
		return o, nil
	}
}

func (p operation) apply(o object) error {
	if p.path != "" {
		return p.at(o, p.path, p.value)
	}
	values, ok := p.value.(object)
	if !ok {
		return fmt.Errorf("%w: without a path an object is expected", errValue)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if slices.ContainsFunc(fixedAttributes, func(f string) bool { return strings.EqualFold(f, name) }) {
			continue // Okta sends the id along
		}
		// Entra ID writes name.givenName as a name.
		if err := p.at(o, name, values[name]); err != nil {
			return err
		}
	}
	return nil
}

// at applies the operation at a path.
func (p operation) at(o object, path string, value any) error {
	at, known, err := parsePath(path)
	if err != nil || !known {
		return err
	}
	name := named(o, at.AttributePath.AttributeName)
	if slices.ContainsFunc(fixedAttributes, func(f string) bool { return strings.EqualFold(f, name) }) {
		return fmt.Errorf("%w: %s", errMutable, name)
	}
	sub := firstOf(at.AttributePath.SubAttributeName(), at.SubAttributeName())
	if at.ValueExpression != nil {
		return p.among(o, name, sub, at.ValueExpression, value)
	}
	if sub != "" {
		return p.within(o, name, sub, value)
	}
	p.whole(o, name, value)
	return nil
}

// parsePath reads a path. One of a schema that we have not got is not known,
// and passed over.
func parsePath(path string) (at filter.Path, known bool, err error) {
	const longest = 500
	if len(path) > longest {
		return at, false, errPath
	}
	if strings.HasPrefix(strings.ToLower(path), "urn:") {
		rest := path
		for _, s := range []string{schemaUser, schemaGroup} {
			if len(path) > len(s) && strings.EqualFold(path[:len(s)], s) && path[len(s)] == ':' {
				rest = path[len(s)+1:]
			}
		}
		if rest == path {
			return at, false, nil // an extension
		}
		path = rest
	}
	defer func() { // the parser is not ours, the path may be anybody's
		if recover() != nil {
			err = errPath
		}
	}()
	if at, err = filter.ParsePath([]byte(path)); err != nil {
		return at, false, fmt.Errorf("%w: %q", errPath, path)
	}
	return at, true, nil
}

// named is a member as the resource spells it.
func named(o object, name string) string {
	for k := range o {
		if strings.EqualFold(k, name) {
			return k
		}
	}
	for _, known := range []string{"userName", "displayName", "externalId", "nickName", "profileUrl", "userType", "preferredLanguage", "phoneNumbers"} {
		if strings.EqualFold(known, name) {
			return known
		}
	}
	return name
}

// many are the attributes that are lists.
var many = []string{"emails", "phoneNumbers", "members", "addresses", "roles", "ims", "photos", "entitlements", "x509Certificates"}

func (p operation) whole(o object, name string, value any) {
	was := o[name]
	if p.op == "remove" {
		if gone := elements(value); slices.Contains(many, name) && len(gone) > 0 { // Entra ID names whom it removes in the value
			o[name] = without(elements(was), gone)
			return
		}
		delete(o, name)
		return
	}
	next, complex := value.(object)
	before, had := was.(object)
	switch {
	case slices.Contains(many, name) && p.op == "add":
		come := lastOfEach(elements(value))
		o[name] = onePrimary(append(without(elements(was), come), come...))
	case slices.Contains(many, name):
		o[name] = elements(value)
	case complex && had:
		for k, v := range next {
			before[named(before, k)] = v
		}
	default:
		o[name] = value
	}
	followName(o, name)
}

// followName keeps what is one thing here the same: both are a person's name.
func followName(o object, changed string) {
	n, _ := o["name"].(object)
	switch {
	case changed == "displayName" && n != nil:
		delete(n, "formatted")
	case changed == "name" && n != nil && text(n, "formatted") != "":
		o["displayName"] = n["formatted"]
	case changed == "preferredLanguage":
		delete(o, "locale")
	case changed == "locale":
		delete(o, "preferredLanguage")
	}
}

// within is for a part of a complex attribute, or of all elements of a list.
func (p operation) within(o object, name, sub string, value any) error {
	if slices.Contains(many, name) {
		for _, e := range elements(o[name]) {
			if inner, ok := e.(object); ok {
				p.set(inner, sub, value)
			}
		}
		return nil
	}
	inner, ok := o[name].(object)
	if !ok {
		inner = object{}
		o[name] = inner
	}
	p.set(inner, sub, value)
	if strings.EqualFold(name, "name") && strings.EqualFold(sub, "formatted") {
		followName(o, "name")
	}
	return nil
}

func (p operation) set(o object, name string, value any) {
	if name = named(o, name); p.op == "remove" {
		delete(o, name)
		return
	}
	o[name] = value
}

// among is for the elements of a list that an expression means. Where none is
// meant, one is made of the expression: Entra ID sets
// emails[type eq "work"].value of somebody who has none. But one that is meant by
// its value and is not there cannot be replaced (RFC 7644 §3.5.2.3): it would
// join a group that it has left.
func (p operation) among(o object, name, sub string, e filter.Expression, value any) error {
	all, hit := elements(o[name]), false
	var kept []any
	for _, one := range all {
		inner, _ := one.(object)
		ok, err := meets(inner, e)
		if err != nil {
			return err
		}
		if !ok {
			kept = append(kept, one)
			continue
		}
		if hit = true; inner == nil {
			return fmt.Errorf("%w: the elements of %s are objects", errValue, name)
		}
		switch {
		case p.op == "remove" && sub == "":
			continue
		case sub != "":
			p.set(inner, sub, value)
		default:
			if next, ok := value.(object); ok {
				maps.Copy(inner, next)
			}
		}
		kept = append(kept, one)
	}
	if !hit && p.op != "remove" {
		made, err := p.made(name, sub, e, value)
		if err != nil {
			return err
		}
		kept = append(kept, made)
	}
	o[name] = kept
	return nil
}

// made is the element that an expression asks for.
func (p operation) made(name, sub string, e filter.Expression, value any) (object, error) {
	made := object{}
	if err := asks(made, e); err != nil {
		return nil, err
	}
	if p.op == "replace" && keyOf(made) != "" {
		return nil, fmt.Errorf("%w: %s", errTarget, name)
	}
	if sub != "" {
		made[sub] = value
	} else if next, ok := value.(object); ok {
		maps.Copy(made, next)
	}
	return made, nil
}

func elements(v any) []any {
	switch v := v.(type) {
	case []any:
		return slices.Clone(v)
	case object:
		return []any{v}
	}
	return nil
}

// keyOf is what tells an element of a list from others; empty: nothing does.
func keyOf(e any) string {
	o, _ := e.(object)
	return strings.ToLower(text(o, "value"))
}

// without leaves out those elements that are among the gone ones, too.
func without(all, gone []any) []any {
	keys := make(map[string]bool, len(gone))
	for _, e := range gone {
		if k := keyOf(e); k != "" {
			keys[k] = true
		}
	}
	return slices.DeleteFunc(all, func(e any) bool { return keys[keyOf(e)] })
}

// lastOfEach keeps the last of the elements that are the same one.
func lastOfEach(all []any) []any {
	last := make(map[string]int, len(all))
	for i, e := range all {
		last[keyOf(e)] = i
	}
	out := make([]any, 0, len(all))
	for i, e := range all {
		if k := keyOf(e); k == "" || last[k] == i {
			out = append(out, e)
		}
	}
	return out
}

// onePrimary leaves the last element that says so the primary one.
func onePrimary(all []any) []any {
	found := false
	for _, e := range slices.Backward(all) {
		o, _ := e.(object)
		if is, _ := truth(get(o, "primary")); is && o != nil {
			if found {
				o[named(o, "primary")] = false
			}
			found = true
		}
	}
	return all
}
