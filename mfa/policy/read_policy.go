package policy

import (
	"fmt"
	"net/netip"

	"github.com/goccy/go-yaml/ast"
)

// policyReader knows the keys of a policy file; how they are written is reader's.
type policyReader struct{ *reader }

func (r policyReader) policies(key string, n ast.Node) []Policy {
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

func (r policyReader) policy(at string, n ast.Node) Policy {
	p := Policy{Enabled: true}
	r.fields(n, at, []field{
		{key: "name", required: true, read: func(key string, n ast.Node) { p.Name = r.name(key, n) }},
		{key: "enabled", read: func(key string, n ast.Node) { p.Enabled = r.yes(key, n) }},
		{key: "whom", required: true, read: func(key string, n ast.Node) { p.Whom = r.whom(key, n) }},
		{key: "where", read: func(key string, n ast.Node) { p.Where = r.where(key, n) }},
		{key: "what", required: true, read: func(key string, n ast.Node) { p.What = r.what(key, n) }},
	})
	return p
}

func (r policyReader) whom(at string, n ast.Node) Whom {
	var w Whom
	before := len(r.mistakes)
	r.fields(n, at, []field{
		{key: "everyone", read: func(key string, n ast.Node) { w.Everyone = r.yes(key, n) }},
		{key: "kind", read: func(key string, n ast.Node) { w.Kind = r.oneOf(key, n, []string{"internal", "portal"}) }},
		{key: "administrators", read: func(key string, n ast.Node) { w.Administrators = r.yes(key, n) }},
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
	var keys []string
	given := 0
	for _, c := range conditions {
		if c.door {
			continue
		}
		keys = append(keys, c.key)
		if c.given(&Policy{Whom: w}) {
			given++
		}
	}
	switch {
	case given == 0:
		r.wrong(n, at, "", "must say everyone: true, "+either(keys[1:]))
	case w.Everyone && given > 1:
		r.wrong(n, at, "", "everyone: true leaves no room for "+join(keys[1:]))
	}
	return w
}

func (r policyReader) except(at string, n ast.Node) Except {
	var e Except
	r.fields(n, at, []field{
		{key: "user", required: true, read: func(key string, n ast.Node) { e.User = r.name(key, n) }},
		{key: "until", required: true, read: func(key string, n ast.Node) { e.Until = r.day(key, n) }},
	})
	return e
}

func (r policyReader) where(at string, n ast.Node) Where {
	var w Where
	before := len(r.mistakes)
	r.fields(n, at, []field{
		{key: "clients", read: func(key string, n ast.Node) { w.Clients = r.names(key, n) }},
		{key: "networks", read: func(key string, n ast.Node) {
			before := len(r.mistakes)
			r.fields(n, key, []field{
				{key: "in", read: func(key string, n ast.Node) { w.Networks.In = r.networks(key, n) }},
				{key: "not_in", read: func(key string, n ast.Node) { w.Networks.NotIn = r.networks(key, n) }},
			})
			if len(r.mistakes) == before {
				r.someOf(n, key, w.Networks.In != nil || w.Networks.NotIn != nil, "in", "not_in")
			}
		}},
	})
	if len(r.mistakes) == before {
		r.someOf(n, at, w.Clients != nil || w.Networks.In != nil || w.Networks.NotIn != nil, "clients", "networks")
	}
	return w
}

func (r policyReader) networks(key string, n ast.Node) []netip.Prefix {
	var out []netip.Prefix
	for i, item := range r.some(key, n) {
		text, _ := scalar(item)
		p, err := netip.ParsePrefix(text)
		// An address inside of the network, in its place, is most often a slip.
		if err != nil || p != p.Masked() || p.Addr().Is4In6() {
			r.wrong(item, fmt.Sprintf("%s[%d]", key, i+1), plain(item), "must be a network such as 10.0.0.0/8, 192.0.2.7/32 or 2001:db8::/32")
			continue
		}
		out = append(out, p)
	}
	return out
}
