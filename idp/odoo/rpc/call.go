package rpc

import (
	"context"
	"slices"
)

// reads are methods that change nothing; only these are tried again.
var reads = []string{
	"search_read", "search", "read", "search_count", "fields_get", "get_param", "context_get", "default_get", "has_group", "name_search", "read_group",
}

// placed are arguments that XML-RPC is given by their places: until 19, modules
// called them as they liked (write(values) of websites, search(args) in 16), and
// create looks at the place.
var placed = map[string][]string{
	"create": {"vals_list"}, "write": {"vals"}, "read": {"fields"}, "search": {"domain"}, "search_count": {"domain"}, "search_read": {"domain", "fields"},
	"get_param": {"key"}, "set_param": {"key", "value"},
}

// Domain is a search, such as Domain{{"active", "=", true}}; its terms are
// joined by "and". [Or] makes an "or".
type Domain []any

// Is is one term of a [Domain].
func Is(field, operator string, value any) []any { return []any{field, operator, value} }

// Or joins terms by "or", in Odoo's prefix notation.
func Or(terms ...[]any) Domain {
	var d Domain
	for range len(terms) - 1 {
		d = append(d, "|")
	}
	for _, t := range terms {
		d = append(d, t)
	}
	return d
}

// Page is which part of a search is wanted; zero: all, in the model's order.
type Page struct {
	Limit, Offset int
	Order         string // such as "id" or "write_date, id"
	Archived      bool   // with what is archived, too
	Context       Args   // such as {"lang": "fr_FR"}
}

func (p Page) args() Args {
	a := Args{}
	if p.Limit > 0 {
		a["limit"] = p.Limit
	}
	if p.Offset > 0 {
		a["offset"] = p.Offset
	}
	if p.Order != "" {
		a["order"] = p.Order
	}
	where := Args{}
	for k, v := range p.Context {
		where[k] = v
	}
	if p.Archived {
		where["active_test"] = false
	}
	if len(where) > 0 {
		a["context"] = where
	}
	return a
}

// Call runs a method of a model and decodes its answer into out, as JSON does;
// see [Text], [Ref] and [Time] for Odoo's own way of saying nothing. ids are
// the records that it is for; nil: a method of the model itself. Arguments go
// by their names, for JSON-2 knows no others; "context" is one of them. A
// method that changes something is never tried twice.
func (c *Client) Call(ctx context.Context, model, method string, ids []int64, args Args, out any) error {
	read := slices.Contains(reads, method)
	if c.protocol == JSON2 {
		named := Args{}
		for k, v := range args {
			named[k] = v
		}
		if ids != nil {
			named["ids"] = ids
		}
		return c.server.json(ctx, model, method, named, out, read)
	}
	positional, named := []any{}, map[string]any{}
	for k, v := range args {
		named[k] = v
	}
	if ids != nil {
		positional = append(positional, ids)
	}
	for _, name := range placed[method] {
		v, ok := named[name]
		if !ok {
			break
		}
		positional = append(positional, v)
		delete(named, name)
	}
	return c.server.xml(ctx, "/xmlrpc/2/object", "execute_kw",
		[]any{c.server.cfg.Database, c.uid, c.server.cfg.Key, model, method, positional, named}, out, read)
}

// SearchRead reads fields of the records that a search finds into out, a
// pointer to a slice of structs with json tags.
func (c *Client) SearchRead(ctx context.Context, model string, where Domain, fields []string, p Page, out any) error {
	a := p.args()
	a["domain"], a["fields"] = none(where), fields
	return c.Call(ctx, model, "search_read", nil, a, out)
}

func none(d Domain) Domain {
	if d == nil {
		return Domain{} // an empty list, not nothing
	}
	return d
}

// Read reads fields of records, archived or not. Records that are gone are an
// error.
func (c *Client) Read(ctx context.Context, model string, ids []int64, fields []string, out any) error {
	return c.Call(ctx, model, "read", ids, Args{"fields": fields}, out)
}

// Search finds ids.
func (c *Client) Search(ctx context.Context, model string, where Domain, p Page) (ids []int64, err error) {
	a := p.args()
	a["domain"] = none(where)
	return ids, c.Call(ctx, model, "search", nil, a, &ids)
}

// Count counts what a search finds.
func (c *Client) Count(ctx context.Context, model string, where Domain, p Page) (n int, err error) {
	a := p.args()
	a["domain"] = none(where)
	return n, c.Call(ctx, model, "search_count", nil, a, &n)
}

// Create makes one record. in is its context, such as no_reset_password; nil:
// none.
func (c *Client) Create(ctx context.Context, model string, values, in Args) (int64, error) {
	ids, err := c.CreateAll(ctx, model, []Args{values}, in)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return ids[0], nil
}

// CreateAll makes several records in one transaction and returns their ids in
// the same order.
func (c *Client) CreateAll(ctx context.Context, model string, values []Args, in Args) (ids []int64, err error) {
	return ids, c.Call(ctx, model, "create", nil, withContext(Args{"vals_list": values}, in), &ids)
}

// Write changes records, all in the same way.
func (c *Client) Write(ctx context.Context, model string, ids []int64, values, in Args) error {
	return c.Call(ctx, model, "write", ids, withContext(Args{"vals": values}, in), nil)
}

// Unlink deletes records.
func (c *Client) Unlink(ctx context.Context, model string, ids []int64) error {
	return c.Call(ctx, model, "unlink", ids, nil, nil)
}

func withContext(a, in Args) Args {
	if len(in) > 0 {
		a["context"] = in
	}
	return a
}

// Fields are the names of a model's fields. A model that is not there is
// [ErrNotFound].
func (c *Client) Fields(ctx context.Context, model string) (map[string]bool, error) {
	var all map[string]any
	if err := c.Call(ctx, model, "fields_get", nil, Args{"attributes": []string{"type"}}, &all); err != nil {
		return nil, err
	}
	out := make(map[string]bool, len(all))
	for name := range all {
		out[name] = true
	}
	return out, nil
}

// Param reads a system parameter; "" when it is not set.
func (c *Client) Param(ctx context.Context, key string) (string, error) {
	var v Text
	err := c.Call(ctx, "ir.config_parameter", "get_param", nil, Args{"key": key}, &v)
	return string(v), err
}

// SetParam writes a system parameter; "" removes it, as Odoo itself does.
func (c *Client) SetParam(ctx context.Context, key, value string) error {
	v := any(value)
	if value == "" {
		v = false
	}
	return c.Call(ctx, "ir.config_parameter", "set_param", nil, Args{"key": key, "value": v}, nil)
}
