package connector

import (
	"maps"
	"slices"
	"strings"
)

// groupPrefix begins the names of the groups here that follow a connection's
// Odoo: "odoo:shop:portal" and "odoo:shop:internal" for the kind of user,
// "odoo:shop:sales_team.group_sale_manager" for a group of Odoo's unless the
// settings give it another name.
func groupPrefix(c Connection) string { return "odoo:" + c.ID + ":" }

// wanted are the groups of Odoo that become groups here.
func wanted(c Connection) []string { return slices.Sorted(maps.Keys(c.Settings.Groups)) }

// groupsOf are the groups here that somebody is in because of Odoo.
func groupsOf(c Connection, p Person) []string {
	out := []string{groupPrefix(c) + string(p.kind())}
	for _, g := range p.Groups {
		out = append(out, groupHere(c, g))
	}
	if company := plain(p.Company); c.Settings.Import.Companies && company != "" {
		out = append(out, groupName(groupPrefix(c)+"company:"+company))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// groupHere is what a group of Odoo's is called here.
func groupHere(c Connection, group string) string {
	if name := c.Settings.Groups[group]; name != "" {
		return name
	}
	return groupName(groupPrefix(c) + group)
}

// groupName keeps within what a group here may be called.
func groupName(full string) string {
	const most = 128
	if len(full) > most {
		full = strings.ToValidUTF8(full[:most], "")
	}
	return strings.TrimSpace(full)
}

// follows reports whether a group here is Odoo's to fill. Nobody is taken out of
// any other.
func follows(c Connection, group string) bool {
	if strings.HasPrefix(group, groupPrefix(c)) {
		return true
	}
	for of := range c.Settings.Groups {
		if groupHere(c, of) == group {
			return true
		}
	}
	return false
}

// Feeds reports whether a group here is filled by a connection, so that what
// people change there would not last.
func Feeds(c Connection, group string) bool { return follows(c, group) }
