package policy

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// condition is one way to select people or doors. A new one is one entry in
// the table, a field of [Whom] or [Where], and a line of the file format.
type condition struct {
	key string
	// group gathers alternatives: of the conditions that are given, one of
	// each group must match. Administrators, people named by group and people
	// named by name are one list; kind narrows it.
	group group
	door  bool // it is about the place, not about the person
	given func(p *Policy) bool
	match func(p *Policy, f *Facts) bool
}

// group is one bit of a set of groups.
type group uint8

const (
	byEveryone group = 1 << iota
	byKind
	byName
	byClient
	byNetworkIn
	byNetworkNotIn
)

var conditions = []condition{
	{
		key: "everyone", group: byEveryone,
		given: func(p *Policy) bool { return p.Whom.Everyone },
		match: func(*Policy, *Facts) bool { return true },
	},
	{
		key: "kind", group: byKind,
		given: func(p *Policy) bool { return p.Whom.Kind != "" },
		match: func(p *Policy, f *Facts) bool { return p.Whom.Kind == f.Kind },
	},
	{
		key: "administrators", group: byName,
		given: func(p *Policy) bool { return p.Whom.Administrators },
		match: func(_ *Policy, f *Facts) bool { return f.Administrator },
	},
	{
		key: "groups", group: byName,
		given: func(p *Policy) bool { return len(p.Whom.Groups) > 0 },
		match: func(p *Policy, f *Facts) bool {
			return slices.ContainsFunc(f.Groups, func(g string) bool { return listed(p.Whom.Groups, g) })
		},
	},
	{
		key: "users", group: byName,
		given: func(p *Policy) bool { return len(p.Whom.Users) > 0 },
		match: func(p *Policy, f *Facts) bool { return slices.ContainsFunc(p.Whom.Users, f.is) },
	},
	{
		key: "clients", group: byClient, door: true,
		given: func(p *Policy) bool { return len(p.Where.Clients) > 0 },
		match: func(p *Policy, f *Facts) bool { return f.Client == "" || slices.Contains(p.Where.Clients, f.Client) },
	},
	{
		key: "networks.in", group: byNetworkIn, door: true,
		given: func(p *Policy) bool { return len(p.Where.Networks.In) > 0 },
		match: func(p *Policy, f *Facts) bool {
			return !f.Address.IsValid() || slices.ContainsFunc(p.Where.Networks.In, func(n netip.Prefix) bool {
				// What is no network, and all of one family, are everywhere: the policy holds.
				return !n.IsValid() || n.Bits() == 0 || within(n, f.Address)
			})
		},
	},
	{
		key: "networks.not_in", group: byNetworkNotIn, door: true,
		given: func(p *Policy) bool { return len(p.Where.Networks.NotIn) > 0 },
		match: func(p *Policy, f *Facts) bool {
			return !f.Address.IsValid() || !slices.ContainsFunc(p.Where.Networks.NotIn, func(n netip.Prefix) bool { return within(n, f.Address) })
		},
	},
}

// selects reports whether the conditions about people, or those about doors,
// are met.
func (p *Policy) selects(f *Facts, door bool) bool {
	var asked, met group
	for i := range conditions {
		c := &conditions[i]
		if c.door != door || !c.given(p) {
			continue
		}
		asked |= c.group
		if c.match(p, f) {
			met |= c.group
		}
	}
	return asked == met
}

// concerns reports whether the policy is for this person at this door,
// exemptions aside.
func (p *Policy) concerns(f *Facts) bool {
	return p.Enabled && p.selects(f, false) && (f.Anywhere || p.selects(f, true))
}

// Matches reports whether the person is among those selected and not exempt.
// A Whom that selects by nothing selects everybody: when in doubt, a policy
// holds.
func (w Whom) Matches(f Facts) bool {
	p := Policy{Whom: w}
	return p.selects(&f, false) && !p.exempt(&f)
}

// Matches reports whether the door is among those selected. A Where that
// selects by nothing selects every door.
func (w Where) Matches(f Facts) bool {
	p := Policy{Where: w}
	return f.Anywhere || p.selects(&f, true)
}

func (p *Policy) exempt(f *Facts) bool { return f.Now.Before(p.exemptUntil(f)) }

// exemptUntil is the end of the person's longest exemption; zero: there is none.
func (p *Policy) exemptUntil(f *Facts) time.Time {
	var end time.Time
	for _, e := range p.Whom.Except {
		if !f.is(e.User) {
			continue
		}
		if last, ok := e.Until.start(); ok && last.AddDate(0, 0, 1).After(end) {
			end = last.AddDate(0, 0, 1)
		}
	}
	return end
}

// is reports whether the facts are about the person called name.
func (f *Facts) is(name string) bool {
	name = strings.TrimSpace(name)
	return name != "" && (name == f.User || strings.EqualFold(name, f.Email) || strings.EqualFold(name, f.Login))
}

func listed(list []string, name string) bool {
	return slices.ContainsFunc(list, func(l string) bool { return strings.EqualFold(l, name) })
}

// within compares IPv4 addresses however they are written: a proxy that hands
// on ::ffff:192.0.2.1 names the same machine as one that writes 192.0.2.1.
func within(n netip.Prefix, a netip.Addr) bool {
	const mapped = 96
	if n.Addr().Is4In6() && n.Bits() >= mapped {
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-mapped)
	}
	return n.Contains(a.Unmap().WithZone(""))
}
