// Package provision is what a system that feeds people and groups in here must
// find again: what it calls them (externalId, RFC 7643 §3.1), ids of groups that
// outlive a new name, and whom it has deleted.
//
// It changes nobody: packages account and rulebook do. Whoever is deleted by
// such a system may be kept here, disabled and unseen by it, so that a mistake
// there destroys nothing here.
package provision

import (
	"context"
	"fmt"

	"latchkey/idp"
)

// Person is somebody as a feeding system sees them.
type Person struct {
	idp.User
	External string // what it calls them
}

// Group is a group as a feeding system sees it.
type Group struct {
	ID       string // stays when the group is renamed
	Name     string
	External string
}

// Field is something that can be searched for.
type Field string

// Fields of people and groups.
const (
	ID       Field = "id"
	External Field = "external"
	Login    Field = "login"
	Email    Field = "email"
	Name     Field = "name" // of a person or a group
	Phone    Field = "phone"
	Active   Field = "active"
	Kind     Field = "kind"
	Created  Field = "created" // Unix milliseconds
	Updated  Field = "updated"
	InGroup  Field = "group"  // of a person: the id of a group
	Member   Field = "member" // of a group: the id of a person
)

// Op is how a field is compared, or expressions are joined.
type Op string

// Comparisons are without regard to case, but for ids and external ids.
const (
	And      Op = "and"
	Or       Op = "or"
	Not      Op = "not"
	Equal    Op = "eq"
	Unlike   Op = "ne"
	Contains Op = "co"
	Begins   Op = "sw"
	Ends     Op = "ew"
	Present  Op = "pr"
	After    Op = "gt"
	Since    Op = "ge"
	Before   Op = "lt"
	Until    Op = "le"
)

// Expr is a filter; the zero Expr is everything.
type Expr struct {
	Op    Op
	Args  []Expr // of And, Or, Not
	Field Field
	Value any // string, bool or int64
}

// ErrFilter means that something cannot be searched for so; it is an
// idp.ErrInvalid.
var ErrFilter = fmt.Errorf("%w: filter", idp.ErrInvalid)

// Store keeps what feeding systems must find again. What it writes joins the
// Atomic in ctx.
type Store interface {
	// People returns up to count people that a filter means, by id, from a place
	// on (the first is 0), and how many there are. Whom a feeding system deleted
	// is not among them, unless somebody has enabled them since.
	People(ctx context.Context, f Expr, from, count int) ([]Person, int, error)
	// Person fails with idp.ErrNotFound.
	Person(ctx context.Context, id idp.UserID) (Person, error)
	// Deleted reports whether a feeding system deleted somebody who is kept.
	Deleted(ctx context.Context, id idp.UserID) (bool, error)
	// Note keeps what a person is called, and whether they are deleted.
	Note(ctx context.Context, id idp.UserID, external string, deleted bool) error

	// Groups is People for groups, by name.
	Groups(ctx context.Context, f Expr, from, count int) ([]Group, int, error)
	// Group fails with idp.ErrNotFound.
	Group(ctx context.Context, id string) (Group, error)
	// GroupOf is the group with a name, which gets an id if it has none.
	GroupOf(ctx context.Context, name string) (Group, error)
	NoteGroup(ctx context.Context, id, external string) error
	// Members lists the ids of a group's members, or fails with idp.ErrInvalid when
	// there are more than most.
	Members(ctx context.Context, name string, most int) ([]idp.UserID, error)
	// KeepOut notes that who is disabled is to stay so: the main contact of a
	// company who disabled them does not let them in again.
	KeepOut(ctx context.Context, id idp.UserID) error
}
