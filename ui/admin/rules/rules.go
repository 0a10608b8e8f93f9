// Package rules draws the part of the administration that is about policies and
// groups: who must prove what, where, and what that would do to people.
//
// It decides nothing: package rulebook does, and the form of a policy comes from
// the table of package policy, so that a new condition needs words here and no
// code.
package rules

import (
	"embed"

	"latchkey/idp"
	"latchkey/idp/rulebook"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = admin.Parse(files)

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Rules  *rulebook.Service
	Groups *rulebook.Groups
}

// Addresses.
const (
	policiesPath = admin.Home + "/policies"
	newPath      = policiesPath + "/new"
	whatIfPath   = policiesPath + "/what-if"
	policyPath   = policiesPath + "/:policy"
	versionPath  = policyPath + "/history/:version"
	groupsPath   = admin.Home + "/groups"
	groupPath    = groupsPath + "/:group"
)

// Sections lists the parts, in the order of the navigation.
func (p *Pages) Sections() []admin.Section {
	return []admin.Section{p.groups(), p.policies()}
}

func (p *Pages) policies() admin.Section {
	l, e, o, b, v := lists{p}, editor{p}, one{p}, publishing{p}, versions{p}
	see, edit := idp.SeeRules, idp.EditRules
	return admin.Section{Name: "policies", Path: policiesPath, Right: see, Group: "people", Routes: []admin.Route{
		admin.Get(policiesPath, see, l.show),
		admin.Post(policiesPath+"/count", see, policiesPath, l.count),
		admin.Get(newPath, edit, e.begin),
		admin.Post(newPath, edit, newPath+"?template=blank", e.save),
		admin.Get(whatIfPath, see, p.whatIf),
		admin.Get(policyPath, see, o.show),
		admin.Get(policyPath+"/edit", edit, e.edit),
		admin.Post(policyPath+"/edit", edit, policyPath+"/edit", e.save),
		admin.Post(policyPath+"/rebase", edit, policyPath, e.rebase),
		admin.Get(policyPath+"/drop", edit, e.sure),
		admin.Post(policyPath+"/drop", edit, policyPath+"/drop", e.drop),
		admin.Get(policyPath+"/preview", see, b.preview),
		admin.Post(policyPath+"/preview", see, policyPath+"/preview", b.again),
		admin.Get(policyPath+"/preview.csv", see, b.csv),
		admin.Get(policyPath+"/publish", edit, b.show),
		admin.Post(policyPath+"/publish", edit, policyPath+"/publish", b.publish).Guarded(),
		admin.Get(policyPath+"/switch", edit, o.sureSwitch),
		admin.Post(policyPath+"/switch", edit, policyPath+"/switch", o.turn).Guarded(),
		admin.Get(policyPath+"/exempt", edit, o.sureExempt),
		admin.Post(policyPath+"/exempt", edit, policyPath+"/exempt", o.exempt).Guarded(),
		admin.Get(policyPath+"/remove", edit, o.sureRemove),
		admin.Post(policyPath+"/remove", edit, policyPath+"/remove", o.remove).Guarded(),
		admin.Get(policyPath+"/history", see, v.list),
		admin.Get(versionPath, see, v.show),
		admin.Get(versionPath+"/rollback", edit, v.sure),
		admin.Post(versionPath+"/rollback", edit, versionPath+"/rollback", v.rollback).Guarded(),
	}}
}

func (p *Pages) groups() admin.Section {
	g := groups{p}
	see, edit := idp.SeePeople, idp.EditPeople
	return admin.Section{Name: "groups", Path: groupsPath, Right: see, Group: "people", Routes: []admin.Route{
		admin.Get(groupsPath, see, g.list),
		admin.Post(groupsPath, edit, groupsPath, g.add),
		admin.Get(groupPath, see, g.show),
		admin.Post(groupPath+"/join", edit, groupPath, g.join).Guarded(),
		admin.Post(groupPath+"/leave", edit, groupPath, g.leave).Guarded(),
		admin.Post(groupPath+"/rename", edit, groupPath, g.rename).Guarded(),
		admin.Get(groupPath+"/remove", edit, g.sure),
		admin.Post(groupPath+"/remove", edit, groupPath+"/remove", g.remove).Guarded(),
	}}
}

// idOf is the policy of the path.
func idOf(c *page.Context) string { return c.R.PathValue("policy") }

// pathOf is the page of a policy.
func pathOf(id string) string { return policiesPath + "/" + id }

// trail leads back to the list and, with an entry, to the policy's page.
func trail(c *page.Context, e ...rulebook.Entry) []admin.Crumb {
	out := []admin.Crumb{{Title: c.Words.T("admin.nav.policies"), URL: policiesPath}}
	for _, e := range e {
		out = append(out, admin.Crumb{Title: nameOf(e), URL: pathOf(e.Policy.ID)})
	}
	return out
}

// nameOf is what an entry is called: in force, or in its draft.
func nameOf(e rulebook.Entry) string {
	if e.New() && e.Draft != nil {
		return e.Draft.Policy.Name
	}
	return e.Policy.Name
}
