// Package company lets the main contacts of customer companies look after their
// own people: invite them, disable them, see whether they are ready. And nobody
// else: not other companies, not employees, not who administers the house, not
// each other.
//
// A main contact has no role. What they may do is asked of the database at each
// act, in the transaction that does it, and whatever is not theirs does not exist
// for them (idp.ErrNotFound). People are made and changed by package account; the
// events name the main contact.
package company

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
)

// ByHand is the source of companies that an administrator made.
const ByHand = "hand"

// Company is a customer.
type Company struct {
	ID      string
	Name    string
	Source  string // ByHand, or odoo:CONNECTION:PARTNER
	Created time.Time
}

// Connection is that of the Odoo that fills a company; empty: none.
func (c Company) Connection() string {
	parts := strings.Split(c.Source, ":")
	if len(parts) != 3 || parts[0] != "odoo" {
		return ""
	}
	return parts[1]
}

// Listed is a company in a list.
type Listed struct {
	Company
	People, Leads int
}

// Query is a page of companies, by name.
type Query struct {
	Text  string // in the name
	After string // id of the last of the page before
	Limit int    // default 50
}

// Member is somebody of a company.
type Member struct {
	ID      string // of the membership
	Company string
	User    idp.User // without an id: somebody with an account of their own was invited, who has nothing to do with the company
	Name    string   // of these, as it was typed
	Email   string
	Lead    bool
	Hand    bool // no Odoo changes it
	Factor  bool // there is a second factor that lasts
	// Apart says that they belong to a company that the viewer does not lead, too,
	// or lead one.
	Apart    bool
	Off      int64     // the epoch at which a main contact disabled them; 0: none did
	Invited  time.Time // when the last invitation went out; zero: never
	SignedIn time.Time // zero: never
}

// Plain reports whether somebody has nothing to do with running the house.
func (m Member) Plain() bool { return m.User.Kind == idp.Portal && m.User.Role == "" }

// MemberQuery is a page of the members of a company, by name.
type MemberQuery struct {
	Company string
	Viewer  idp.UserID // what of theirs is elsewhere is judged by whom this person leads
	Plain   bool       // only portal users without a role, and those without an account
	After   string     // id of the last of the page before
	Limit   int        // default 50
}

// Store keeps companies. Writes join the Atomic in ctx.
type Store interface {
	Add(ctx context.Context, c Company) error
	// Rename, Remove and Get fail with idp.ErrNotFound.
	Rename(ctx context.Context, id, name string) error
	Remove(ctx context.Context, id string) error
	Get(ctx context.Context, id string) (Company, error)
	List(ctx context.Context, q Query) ([]Listed, error)
	// Led are the companies that somebody leads now: an enabled portal user
	// without a role.
	Led(ctx context.Context, id idp.UserID) ([]Company, error)
	// Of are the companies to which somebody belongs.
	Of(ctx context.Context, id idp.UserID) ([]Company, error)
	Members(ctx context.Context, q MemberQuery) ([]Member, error)
	// Member and MemberOf fail with idp.ErrNotFound.
	Member(ctx context.Context, company, id string, viewer idp.UserID) (Member, error)
	MemberOf(ctx context.Context, company string, id idp.UserID) (Member, error)
	// Put makes somebody a member or changes what they are, by hand. Only a portal
	// user without a role can be one: idp.ErrInvalid. An invitation to their
	// address that led nowhere is forgotten.
	Put(ctx context.Context, m Member) error
	// Ask keeps the invitation of an address that is somebody else's.
	Ask(ctx context.Context, m Member) error
	// Take removes a member, or fails with idp.ErrNotFound.
	Take(ctx context.Context, company, id string) error
	// Leads fails the Atomic with idp.ErrNotFound unless somebody leads a company
	// at this moment.
	Leads(ctx context.Context, company string, lead idp.UserID) error
	// Within fails the Atomic with idp.ErrNotFound unless a member is, at this
	// moment, one whom a main contact may change: a portal user without a role who
	// leads nobody, and belongs to no company that the main contact does not lead.
	Within(ctx context.Context, company, id string, lead idp.UserID) error
	// Hold notes that a main contact disabled a member, or that they did not.
	Hold(ctx context.Context, id string, off bool) error
	// Held fails the Atomic with idp.ErrNotFound unless a main contact disabled a
	// member, and nobody else has since.
	Held(ctx context.Context, id string) error
	// Follow makes of somebody's membership what an Odoo says.
	Follow(ctx context.Context, f Feed, id string, now time.Time) error
}

// Service is what administrators do with companies; [Contacts] is what their main
// contacts do. Its fields are set once, before
// first use.
type Service struct {
	Store   Store
	Help    *account.Help
	Users   idp.Users
	Limiter mfa.Limiter
	Log     idp.Log
	Atomic  idp.Atomic
	Now     func() time.Time
	// Even is how long an invitation, and what a main contact does with it later,
	// takes at least, so that its time does not tell whose the address is (SECURITY.md E-01); 0: as long as it takes.
	Even time.Duration
}

// FieldError says which field of an input is wrong. It is an idp.ErrInvalid.
type FieldError struct{ Field, Want string }

func (e *FieldError) Error() string {
	return fmt.Sprintf("%v: %s: %s", idp.ErrInvalid, e.Field, e.Want)
}

func (e *FieldError) Unwrap() error { return idp.ErrInvalid }

// Fields lists the fields that an error is about.
func Fields(err error) []string {
	if f := (*FieldError)(nil); errors.As(err, &f) {
		return []string{f.Field}
	}
	return account.FieldOf(err)
}

// named checks a name that people read.
func named(name string) (string, error) {
	const longest = 200
	name = strings.TrimSpace(name)
	bad := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f })
	if name == "" || bad || !utf8.ValidString(name) || utf8.RuneCountInString(name) > longest {
		return "", &FieldError{"name", fmt.Sprintf("1 to %d characters without line breaks are expected", longest)}
	}
	return name, nil
}

func newID() string { return strings.ToLower(rand.Text()) }

func (s *Service) note(ctx context.Context, by idp.Actor, what, result string, about idp.UserID, detail map[string]string) error {
	return s.Log.Append(ctx, idp.Event{
		ID: rand.Text(), At: s.Now(), What: what, User: about, Actor: by.User, Session: by.Session, Origin: by.Origin, Result: result, Detail: detail,
	})
}

// denied notes that somebody tried what is not theirs (SECURITY.md D-07).
func (s *Service) denied(ctx context.Context, by idp.Actor, what string, about idp.UserID, company string, err error) error {
	if by.User == "" {
		return err
	}
	const longest = 64 // it may be anything that somebody put into an address
	return errors.Join(err, s.note(ctx, by, what, "denied", about, map[string]string{"company": company[:min(len(company), longest)]}))
}
