// Package people is what administrators do with many people, and what they must
// know of one: find, look, export, import, merge, and one thing done to all of a
// selection.
//
// It changes nobody by itself: every change is a use case of package account,
// with its rights, its event and its notice. What it adds is who is meant, what
// would happen, and what came of it.
package people

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
	"latchkey/mfa"
)

// Exactly is up to how many people are counted; beyond, it is "more than".
const Exactly = 10000

// Filter says who is meant. The zero Filter is everybody; what is set must all
// be true.
type Filter struct {
	// Text is words of name, login or e-mail, or their beginnings, without regard
	// to case and accents; or an id.
	Text     string   `json:"text,omitempty"`
	Kind     idp.Kind `json:"kind,omitempty"`
	Group    string   `json:"group,omitempty"`
	Role     string   `json:"role,omitempty"` // a role, or AnyRole
	NoFactor bool     `json:"no_factor,omitempty"`
	Active   bool     `json:"active,omitempty"` // not disabled
	Disabled bool     `json:"disabled,omitempty"`
	Locked   bool     `json:"locked,omitempty"` // by wrong passwords or codes, now
	Never    bool     `json:"never,omitempty"`  // has not signed in
	Invited  bool     `json:"invited,omitempty"`
	// Registered is who made their own account.
	Registered bool `json:"registered,omitempty"`
	// Stale is for how many days there was no sign-in; who was added since then
	// is not meant.
	Stale int `json:"stale,omitempty"`
}

// AnyRole is everybody who has a role in the administration.
const AnyRole = "any"

// check refuses what nobody can have meant.
func (f Filter) check() error {
	const longest, days = 200, 3660
	bad := func(field, want string) error { return fmt.Errorf("%w: %s: %s", idp.ErrInvalid, field, want) }
	switch {
	case len(f.Text) > longest:
		return bad("text", "at most 200 bytes")
	case f.Kind != "" && f.Kind != idp.Internal && f.Kind != idp.Portal:
		return bad("kind", "internal or portal")
	case f.Role != "" && f.Role != AnyRole && !slices.Contains(idp.Roles(), idp.Role(f.Role)):
		return bad("role", "owner, admin, helpdesk, auditor or any")
	case f.Stale < 0 || f.Stale > days:
		return bad("stale", "1 to 3660 days")
	}
	return nil
}

// described is the filter for an event. What was searched for is left out: it
// is most likely somebody's name.
func (f Filter) described() map[string]string {
	out := map[string]string{}
	for name, v := range map[string]string{"kind": string(f.Kind), "group": f.Group, "role": f.Role} {
		if v != "" {
			out[name] = v
		}
	}
	for name, on := range map[string]bool{
		"text": f.Text != "", "no_factor": f.NoFactor, "active": f.Active, "disabled": f.Disabled, "locked": f.Locked, "never": f.Never, "invited": f.Invited,
		"registered": f.Registered,
	} {
		if on {
			out[name] = "yes"
		}
	}
	if f.Stale > 0 {
		out["stale"] = strconv.Itoa(f.Stale)
	}
	return out
}

// Sort is an order of people.
type Sort string

const (
	ByName   Sort = "name"
	BySignIn Sort = "signin" // the latest first, who never did last
)

// Query is a page of people.
type Query struct {
	Filter
	Sort  Sort // default ByName
	After Cursor
	Limit int // default 50, at most 500
}

// Cursor is a place in an order; the zero value is its beginning.
type Cursor struct {
	Name string     `json:"n,omitempty"` // as it is sorted
	At   int64      `json:"a,omitempty"` // Unix milliseconds
	ID   idp.UserID `json:"i,omitempty"`
}

// String is for an address.
func (c Cursor) String() string {
	if c.ID == "" {
		return ""
	}
	b, _ := json.Marshal(c) // text and a number
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseCursor reads a String; what is none is the beginning.
func ParseCursor(s string) (c Cursor) {
	const longest = 1024
	if len(s) > longest {
		return Cursor{}
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || json.Unmarshal(b, &c) != nil || strings.ContainsRune(c.Name, 0) {
		return Cursor{}
	}
	return c
}

// Entry is a person in a list.
type Entry struct {
	User     idp.User
	SignedIn time.Time // zero: never
	Invited  time.Time // when the last invitation went out; zero: never
	// Registered is when they made their own account; zero: somebody else did.
	Registered time.Time
	Place      Cursor // in the order of the query
}

// Waiting reports whether somebody was invited and has no password yet.
func (e Entry) Waiting() bool { return !e.Invited.IsZero() && e.User.Password == "" }

// Lock is why somebody is refused for a while.
type Lock struct {
	User idp.UserID
	// What is "password", "factor", or "sending": too many codes were sent.
	What    string
	Method  mfa.Kind  // of a factor; empty: of all
	Until   time.Time // zero: until an administrator lifts it
	Browser bool      // in one of their own browsers only
}

// Letter is an address that was mailed to somebody and is still good.
type Letter struct {
	Purpose idp.Purpose
	Made    time.Time
	Expires time.Time
}

// Finder reads people.
type Finder interface {
	// Find returns a page, of q.Limit people at most.
	Find(ctx context.Context, q Query) ([]Entry, error)
	// Count counts up to a number.
	Count(ctx context.Context, f Filter, most int) (int, error)
	// Entry fails with idp.ErrNotFound.
	Entry(ctx context.Context, id idp.UserID) (Entry, error)
	// Locks returns what is locked: of these people, or (none) of all, up to a
	// bound that only an attack reaches.
	Locks(ctx context.Context, ids ...idp.UserID) ([]Lock, error)
	Letters(ctx context.Context, id idp.UserID) ([]Letter, error)
}

// Directory finds people. Its fields are set once, before first use.
type Directory struct {
	People Finder
	Log    idp.Log
	Now    func() time.Time
}

// Page is some people, and how many there are.
type Page struct {
	People []Entry
	Locked map[idp.UserID]bool // of these people
	Next   *Cursor             // nil: this is the end
	Count  int                 // at most Exactly
	More   bool                // there are more than Count
}

const (
	defaultLimit = 50
	mostLimit    = 500
)

// Search returns a page of people. idp.ErrInvalid for a filter that nobody can
// have meant.
func (d *Directory) Search(ctx context.Context, by idp.Actor, q Query) (Page, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return Page{}, err
	}
	if err := q.check(); err != nil {
		return Page{}, err
	}
	if q.Limit <= 0 {
		q.Limit = defaultLimit
	}
	limit := min(q.Limit, mostLimit)
	q.Limit = limit + 1
	all, err := d.People.Find(ctx, q)
	if err != nil {
		return Page{}, err
	}
	p := Page{People: all, Locked: map[idp.UserID]bool{}}
	if len(all) > limit {
		p.People = all[:limit]
		p.Next = &all[limit-1].Place
	}
	if p.Count, p.More, err = d.count(ctx, q, p); err != nil {
		return Page{}, err
	}
	return p, d.locked(ctx, &p)
}

// count is known without asking where the list is all there is.
func (d *Directory) count(ctx context.Context, q Query, p Page) (int, bool, error) {
	if q.After == (Cursor{}) && p.Next == nil {
		return len(p.People), false, nil
	}
	n, err := d.People.Count(ctx, q.Filter, Exactly+1)
	return min(n, Exactly), n > Exactly, err
}

func (d *Directory) locked(ctx context.Context, p *Page) error {
	var ids []idp.UserID
	for _, e := range p.People {
		ids = append(ids, e.User.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	locks, err := d.People.Locks(ctx, ids...)
	for _, l := range locks {
		if l.What != "sending" {
			p.Locked[l.User] = true
		}
	}
	return err
}

// Each calls f with everybody whom a filter means, by name, as they are read.
// The caller has asked for the right.
func (d *Directory) Each(ctx context.Context, filter Filter, f func(Entry) error) error {
	if err := filter.check(); err != nil {
		return err
	}
	q := Query{Filter: filter, Sort: ByName, Limit: mostLimit}
	for {
		all, err := d.People.Find(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range all {
			if err := f(e); err != nil {
				return err
			}
		}
		if len(all) < q.Limit {
			return nil
		}
		q.After = all[len(all)-1].Place
	}
}
