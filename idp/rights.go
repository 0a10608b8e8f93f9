package idp

import (
	"fmt"
	"maps"
	"slices"
)

// Right is something that people with a role may do for the house. A token of
// the API names the rights that it has (its scopes); it never has one that its
// owner has not.
type Right string

// A right to change implies the one to see.
const (
	SeePeople   Right = "people:read"   // people, their protection and history; groups
	HelpPeople  Right = "people:help"   // who cannot get in: unlock, reset factors, temporary code, links, end sessions
	EditPeople  Right = "people:write"  // add, change, invite, disable, remove, import, merge; groups
	GrantRoles  Right = "roles:write"   // give and take roles, at most one's own
	SeeRules    Right = "policies:read" // policies, drafts, previews
	EditRules   Right = "policies:write"
	SeeClients  Right = "clients:read" // applications; never their secrets
	EditClients Right = "clients:write"
	SeeOdoo     Right = "odoo:read"
	EditOdoo    Right = "odoo:write"
	SeeHouse    Right = "house:read" // messages, deliveries, branding, settings
	EditHouse   Right = "house:write"
	SeeKeys     Right = "keys:read"
	RotateKeys  Right = "keys:write"
	SeeAudit    Right = "audit:read" // the log, the dashboard and reports
	MakeTokens  Right = "tokens:write"
)

// ranks order the roles: nobody touches the account of somebody above them,
// or gives a role above their own (SECURITY.md D-02). Who only looks stands
// above who resets passwords, as they see more.
var ranks = map[Role]int{"": 0, HelpDesk: 1, Auditor: 2, Admin: 3, Owner: 4}

// Roles lists them, the highest first.
func Roles() []Role { return []Role{Owner, Admin, Auditor, HelpDesk} }

// rights says who holds each; owners hold all.
var rights = map[Right][]Role{
	SeePeople:   {Admin, HelpDesk, Auditor},
	HelpPeople:  {Admin, HelpDesk},
	EditPeople:  {Admin},
	GrantRoles:  {Admin},
	SeeRules:    {Admin, HelpDesk, Auditor},
	EditRules:   {Admin},
	SeeClients:  {Admin, Auditor},
	EditClients: {Admin},
	SeeOdoo:     {Admin, Auditor},
	EditOdoo:    {Admin},
	SeeHouse:    {Admin, Auditor},
	EditHouse:   {Admin},
	SeeKeys:     {Admin, Auditor},
	RotateKeys:  {Admin},
	SeeAudit:    {Admin, Auditor},
	MakeTokens:  {Admin},
}

// implied is what comes with a right to change.
var implied = map[Right]Right{
	HelpPeople: SeePeople, EditPeople: SeePeople, GrantRoles: SeePeople, EditRules: SeeRules, EditClients: SeeClients,
	EditOdoo: SeeOdoo, EditHouse: SeeHouse, RotateKeys: SeeKeys,
}

// Rights lists all, in alphabetical order.
func Rights() []Right { return slices.Sorted(maps.Keys(rights)) }

// Administers reports whether it is a role at all: policies mean everybody who
// has one, as each of them sees or does more than people may (SECURITY.md M-15,
// N-02). One that this version does not know counts, too.
func (r Role) Administers() bool { return r != "" }

// Holds reports whether a role has a right.
func (r Role) Holds(right Right) bool {
	if _, known := rights[right]; !known {
		return false
	}
	return r == Owner || slices.Contains(rights[right], r)
}

// Within reports whether one role is at most another.
func (r Role) Within(other Role) bool {
	mine, known := ranks[r]
	theirs, also := ranks[other]
	return known && also && mine <= theirs
}

// DeniedError names the right that an actor lacks. It is an [ErrDenied].
type DeniedError struct{ Right Right }

func (e *DeniedError) Error() string { return fmt.Sprintf("%v: %s", ErrDenied, e.Right) }

func (e *DeniedError) Unwrap() error { return ErrDenied }

// May refuses with a [*DeniedError] who has not got a right (SECURITY.md D-01).
// The host's command line has them all.
func (a Actor) May(right Right) error {
	if a.Host {
		return nil
	}
	if a.User == "" || !a.Role.Holds(right) || !a.scoped(right) {
		return &DeniedError{right}
	}
	return nil
}

// scoped reports whether the token through which they act reaches so far.
func (a Actor) scoped(right Right) bool {
	return a.Scopes == nil || slices.ContainsFunc(a.Scopes, func(s Right) bool { return s == right || implied[s] == right })
}

// covers reports whether the token through which they act has every right of a
// role: else it could make, or become, more than it is.
func (a Actor) covers(role Role) bool {
	for right := range rights {
		if role.Holds(right) && !a.scoped(right) {
			return false
		}
	}
	return true
}

// MayTouch is May for what is done to a person: nobody touches somebody whose
// role is above theirs (SECURITY.md D-02), and a token of the API not its owner.
func (a Actor) MayTouch(right Right, whose User) error {
	if err := a.May(right); err != nil || a.Host {
		return err
	}
	// A token that is stolen must not become its owner: it could else give itself
	// their second factor.
	own := a.Scopes != nil && whose.ID == a.User && right != SeePeople
	if own || !whose.Role.Within(a.Role) || right != SeePeople && !a.covers(whose.Role) {
		return &DeniedError{right}
	}
	return nil
}

// MayGrant refuses roles above the actor's own, and whoever may not give any
// (SECURITY.md D-02). A person's role of now must be within theirs, too:
// MayTouch asks that.
func (a Actor) MayGrant(role Role) error {
	if err := a.May(GrantRoles); err != nil || a.Host {
		return err
	}
	if !role.Within(a.Role) || !a.covers(role) {
		return &DeniedError{GrantRoles}
	}
	return nil
}

// Diff is the Detail of an event about a change: what differs, as name.before
// and name.after. Values must not be secret.
func Diff(before, after map[string]string) map[string]string {
	out := map[string]string{}
	for name := range maps.All(after) {
		if before[name] != after[name] {
			out[name+".before"], out[name+".after"] = before[name], after[name]
		}
	}
	for name, v := range before {
		if _, stays := after[name]; !stays {
			out[name+".before"], out[name+".after"] = v, ""
		}
	}
	return out
}
