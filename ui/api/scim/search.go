package scim

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"latchkey/idp/provision"
)

// search is a list whose parameters come in the body, where logs do not keep
// them (RFC 7644 §3.4.3).
func search(h handler) handler {
	return func(c *call) (*answer, error) {
		o, err := c.read()
		if err != nil {
			return nil, err
		}
		q := url.Values{}
		for _, name := range []string{"filter", "startIndex", "count"} {
			if v := get(o, name); v != nil {
				q.Set(name, plain(v))
			}
		}
		for _, name := range []string{"attributes", "excludedAttributes"} {
			var all []string
			for _, one := range list(o, name) {
				all = append(all, fmt.Sprint(one))
			}
			q.Set(name, strings.Join(all, ","))
		}
		r := c.Clone(c.Context())
		r.URL.RawQuery = q.Encode()
		return h(&call{r, c.by})
	}
}

// plain is a value as an address has it: a number without an exponent, or the
// page after the first million would be the first one.
func plain(v any) string {
	if n, ok := v.(float64); ok {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// listAll is people and then groups. A filter that only one of them can have
// finds only those.
func (s *Server) listAll(c *call) (*answer, error) {
	from, count := c.window()
	ctx, said := c.Context(), c.URL.Query().Get("filter")
	var out []object
	total := 0
	u, g := users{s}, groups{s}
	f, noUsers := filterOf(said, userFields)
	if noUsers == nil {
		all, n, err := s.Store.People(ctx, f, from, count)
		if err != nil {
			return nil, err
		}
		for _, p := range all {
			out = append(out, c.shown(u.userOf(p)))
		}
		total = n
	}
	f, noGroups := filterOf(said, groupFields)
	if noUsers != nil && noGroups != nil {
		return nil, errors.Join(provision.ErrFilter, noUsers)
	}
	if noGroups == nil {
		all, n, err := s.Store.Groups(ctx, f, max(0, from-total), count-len(out))
		if err != nil {
			return nil, err
		}
		more, err := g.several(c, all)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
		total += n
	}
	return listed(out, from, total), nil
}
