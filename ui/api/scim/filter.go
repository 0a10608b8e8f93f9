package scim

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	filter "github.com/scim2/filter-parser/v2"

	"latchkey/idp/provision"
)

const maxFilter = 2000

// userFields and groupFields are what can be searched for, by lower-case path.
var userFields = map[string]provision.Field{
	"id": provision.ID, "externalid": provision.External, "username": provision.Login, "emails": provision.Email, "emails.value": provision.Email,
	"displayname": provision.Name, "name.formatted": provision.Name, "phonenumbers": provision.Phone, "phonenumbers.value": provision.Phone,
	"active": provision.Active, "usertype": provision.Kind, "meta.created": provision.Created, "meta.lastmodified": provision.Updated,
	"groups": provision.InGroup, "groups.value": provision.InGroup, resourceType: "User",
}

var groupFields = map[string]provision.Field{
	"id": provision.ID, "externalid": provision.External, "displayname": provision.Name, "members": provision.Member, "members.value": provision.Member, resourceType: "Group",
}

// resourceType is all the same in one list; it is answered here and is nothing
// that the store searches for.
const resourceType = "meta.resourcetype"

// ofKind is how Entra ID asks for a part of one element of a list, such as
// emails[type eq "work"].value; RFC 7644 has no such thing. We keep one
// element, and it is every kind.
var ofKind = regexp.MustCompile(`\b([A-Za-z]+)\[type eq "[A-Za-z]*"\]\.([A-Za-z]+)`)

// filterOf reads a filter (RFC 7644 §3.4.2.2); an empty one is everything.
func filterOf(said string, fields map[string]provision.Field) (out provision.Expr, err error) {
	if strings.TrimSpace(said) == "" {
		return provision.Expr{}, nil
	}
	if len(said) > maxFilter {
		return out, fmt.Errorf("%w: at most %d bytes", provision.ErrFilter, maxFilter)
	}
	defer func() { // the parser is not ours, the filter may be anybody's
		if recover() != nil {
			out, err = provision.Expr{}, fmt.Errorf("%w: it cannot be read", provision.ErrFilter)
		}
	}()
	e, err := filter.ParseFilter([]byte(ofKind.ReplaceAllString(said, "$1.$2")))
	if err != nil {
		return out, fmt.Errorf("%w: it cannot be read", provision.ErrFilter)
	}
	return translate(e, "", fields)
}

// translate turns an expression into ours. within is the list whose elements it
// is about.
func translate(e filter.Expression, within string, fields map[string]provision.Field) (provision.Expr, error) {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		left, err := translate(e.Left, within, fields)
		if err != nil {
			return left, err
		}
		right, err := translate(e.Right, within, fields)
		return combine(provision.Op(e.Operator), left, right), err
	case *filter.NotExpression:
		in, err := translate(e.Expression, within, fields)
		return provision.Expr{Op: provision.Not, Args: []provision.Expr{in}}, err
	case *filter.ValuePath:
		if err := ours(e.AttributePath, fields); err != nil {
			return provision.Expr{}, err
		}
		return translate(e.ValueFilter, e.AttributePath.AttributeName+".", fields)
	case *filter.AttributeExpression:
		return compare(e, within, fields)
	}
	return provision.Expr{}, provision.ErrFilter
}

// combine leaves out what says nothing.
func combine(op provision.Op, left, right provision.Expr) provision.Expr {
	if op == provision.And && left.Op == "" {
		return right
	}
	if op == provision.And && right.Op == "" {
		return left
	}
	return provision.Expr{Op: op, Args: []provision.Expr{left, right}}
}

// ours refuses an attribute of another schema: it may have the name of one that
// we know, and is another thing.
func ours(p filter.AttributePath, fields map[string]provision.Field) error {
	const core = "urn:ietf:params:scim:schemas:core:2.0:"
	if uri := p.URI(); uri != "" && !strings.EqualFold(uri, core+string(fields[resourceType])) {
		return fmt.Errorf("%w: %s is not searched for", provision.ErrFilter, p)
	}
	return nil
}

// either is everything, or nothing.
func either(is bool) provision.Expr {
	if is {
		return provision.Expr{}
	}
	return provision.Expr{Op: provision.Not, Args: []provision.Expr{{}}}
}

// ofOne is about the type, or whether it is the primary, of the elements of a
// list. Of addresses and numbers we keep one, which is every type, and the
// primary one; members are people, and groups what they are in.
func ofOne(e *filter.AttributeExpression, list provision.Field) (provision.Expr, error) {
	switch list {
	case provision.Email, provision.Phone:
		if is, ok := truth(e.CompareValue); ok && is != (e.Operator == filter.EQ) {
			return either(false), nil
		}
		return provision.Expr{Op: provision.Present, Field: list}, nil
	case provision.Member, provision.InGroup:
		return either(true), nil
	}
	return provision.Expr{}, fmt.Errorf("%w: %s is not searched for", provision.ErrFilter, e.AttributePath)
}

func compare(e *filter.AttributeExpression, within string, fields map[string]provision.Field) (provision.Expr, error) {
	if err := ours(e.AttributePath, fields); err != nil {
		return provision.Expr{}, err
	}
	path := within + e.AttributePath.AttributeName
	if sub := e.AttributePath.SubAttributeName(); sub != "" {
		path += "." + sub
	}
	path = strings.ToLower(path)
	list, part, _ := strings.Cut(path, ".")
	field, ok := fields[path]
	if part == "type" || part == "primary" {
		return ofOne(e, fields[list])
	}
	if !ok {
		return provision.Expr{}, fmt.Errorf("%w: %s is not searched for", provision.ErrFilter, path)
	}
	x := provision.Expr{Op: provision.Op(strings.ToLower(string(e.Operator))), Field: field, Value: e.CompareValue}
	switch {
	case path == resourceType:
		return ofType(x)
	case field == provision.Active:
		if is, ok := truth(e.CompareValue); ok {
			x.Value = is
		}
	case field == provision.Created || field == provision.Updated:
		text, _ := e.CompareValue.(string)
		at, err := time.Parse(time.RFC3339, text)
		if err != nil && x.Op != provision.Present {
			return x, fmt.Errorf("%w: a time such as 2026-01-31T12:00:00Z is expected", provision.ErrFilter)
		}
		x.Value = at.UnixMilli()
	}
	return x, nil
}

// ofType is about what all resources of a list are.
func ofType(x provision.Expr) (provision.Expr, error) {
	shall, ok := x.Value.(string)
	same := strings.EqualFold(shall, string(x.Field))
	switch {
	case x.Op == provision.Present:
		return either(true), nil
	case ok && (x.Op == provision.Equal || x.Op == provision.Unlike):
		return either(same == (x.Op == provision.Equal)), nil
	}
	return x, fmt.Errorf("%w: meta.resourceType is compared with eq and ne", provision.ErrFilter)
}

// meets reports whether an element of a list is meant by an expression.
func meets(o object, e filter.Expression) (bool, error) {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		left, err := meets(o, e.Left)
		if err != nil {
			return false, err
		}
		right, err := meets(o, e.Right)
		if e.Operator == filter.AND {
			return left && right, err
		}
		return left || right, err
	case *filter.NotExpression:
		in, err := meets(o, e.Expression)
		return !in, err
	case *filter.AttributeExpression:
		return equals(get(o, e.AttributePath.AttributeName), e)
	}
	return false, errPath
}

func equals(have any, e *filter.AttributeExpression) (bool, error) {
	if is, ok := truth(have); ok {
		shall, also := truth(e.CompareValue)
		return e.Operator == filter.EQ && also && is == shall, nil
	}
	is, _ := have.(string)
	shall, _ := e.CompareValue.(string)
	switch e.Operator {
	case filter.EQ:
		return strings.EqualFold(is, shall), nil
	case filter.NE:
		return !strings.EqualFold(is, shall), nil
	case filter.PR:
		return is != "", nil
	case filter.SW:
		return strings.HasPrefix(strings.ToLower(is), strings.ToLower(shall)), nil
	case filter.CO:
		return strings.Contains(strings.ToLower(is), strings.ToLower(shall)), nil
	}
	return false, errPath
}

// asks makes an element that an expression means.
func asks(o object, e filter.Expression) error {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		if e.Operator != filter.AND {
			return errTarget
		}
		if err := asks(o, e.Left); err != nil {
			return err
		}
		return asks(o, e.Right)
	case *filter.AttributeExpression:
		if e.Operator == filter.EQ {
			o[e.AttributePath.AttributeName] = e.CompareValue
			return nil
		}
	}
	return errTarget
}
