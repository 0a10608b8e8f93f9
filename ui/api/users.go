package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/odoo/connector"
	"latchkey/idp/people"
	"latchkey/mfa"
)

// User is a person.
type User struct {
	ID            idp.UserID  `json:"id"`
	Login         string      `json:"login"`
	Email         string      `json:"email,omitempty"`
	EmailVerified bool        `json:"email_verified"`
	Name          string      `json:"name"`
	Phone         string      `json:"phone,omitempty" doc:"E.164"`
	PhoneVerified bool        `json:"phone_verified"`
	Kind          idp.Kind    `json:"kind" enum:"internal,portal"`
	Role          idp.Role    `json:"role,omitempty" enum:"owner,admin,helpdesk,auditor"`
	Locale        string      `json:"locale,omitempty" doc:"BCP 47"`
	Claims        idp.Profile `json:"claims" doc:"Other standard claims (OpenID Connect Core 1.0 §5.1)."`
	Groups        []string    `json:"groups"`
	Factors       []mfa.Kind  `json:"factors" doc:"Kinds of second factor that are held."`
	HasPassword   bool        `json:"has_password"`
	Disabled      bool        `json:"disabled"`
	Created       time.Time   `json:"created"`
	Updated       time.Time   `json:"updated"`
}

func viewUser(u idp.User) User {
	return User{
		ID: u.ID, Login: u.Login, Email: u.Email, EmailVerified: u.EmailVerified, Name: u.Name, Phone: u.Phone, PhoneVerified: u.PhoneVerified,
		Kind: u.Kind, Role: u.Role, Locale: u.Locale, Claims: u.Profile, Groups: u.Groups, Factors: u.Factors, HasPassword: u.Password != "",
		Disabled: u.Disabled, Created: u.Created.UTC(), Updated: u.Updated.UTC(),
	}
}

// AboutUser names whom an operation is about.
type AboutUser struct {
	ID idp.UserID `path:"id" maxLength:"64" doc:"The person's id."`
}

// UserFilter says who is meant; what is set must all be true.
type UserFilter struct {
	Query      string   `query:"q" maxLength:"200" doc:"Words of name, login or e-mail, or their beginnings; or an id."`
	Group      string   `query:"group" maxLength:"128"`
	Kind       idp.Kind `query:"kind" enum:"internal,portal"`
	Role       string   `query:"role" enum:"owner,admin,helpdesk,auditor,any"`
	NoFactor   bool     `query:"no_factor" doc:"Without a second factor."`
	Active     bool     `query:"active" doc:"Not disabled."`
	Disabled   bool     `query:"disabled"`
	Locked     bool     `query:"locked" doc:"By wrong passwords or codes, now."`
	Never      bool     `query:"never_signed_in"`
	Invited    bool     `query:"invited"`
	Registered bool     `query:"registered" doc:"Who made their own account."`
	Stale      int      `query:"stale_days" minimum:"0" maximum:"3660" doc:"Without a sign-in for so many days."`
}

func (f UserFilter) people() people.Filter {
	return people.Filter{
		Text: f.Query, Group: f.Group, Kind: f.Kind, Role: f.Role, NoFactor: f.NoFactor, Active: f.Active, Disabled: f.Disabled, Locked: f.Locked,
		Never: f.Never, Invited: f.Invited, Registered: f.Registered, Stale: f.Stale,
	}
}

type userQuery struct {
	Paging
	UserFilter
	Sort people.Sort `query:"sort" enum:"name,signin" default:"name" doc:"signin: the latest first."`
}

// UserEntry is a person in a list.
type UserEntry struct {
	User
	SignedIn   *time.Time `json:"signed_in,omitempty" doc:"The last sign-in."`
	Invited    *time.Time `json:"invited,omitempty" doc:"The last invitation."`
	Registered *time.Time `json:"registered,omitempty" doc:"When they made their own account; left out: somebody else did."`
	Locked     bool       `json:"locked" doc:"By wrong passwords or codes, now."`
}

// NewUser is a person to be made.
type NewUser struct {
	Login        string       `json:"login,omitempty" maxLength:"256" doc:"Default: the e-mail."`
	Email        string       `json:"email,omitempty" maxLength:"256"`
	Name         string       `json:"name,omitempty" maxLength:"256" doc:"Default: the login."`
	Kind         idp.Kind     `json:"kind,omitempty" enum:"internal,portal" default:"internal"`
	Role         idp.Role     `json:"role,omitempty" enum:"owner,admin,helpdesk,auditor" doc:"Takes roles:write; at most one's own."`
	Groups       []string     `json:"groups,omitempty" maxItems:"200"`
	Locale       string       `json:"locale,omitempty" maxLength:"35"`
	Phone        string       `json:"phone,omitempty" maxLength:"32" doc:"With its country code."`
	Verified     bool         `json:"verified,omitempty" doc:"E-mail and phone are known to be the person's."`
	PasswordHash string       `json:"password_hash,omitempty" maxLength:"1024" doc:"Of another system; verified once, then replaced."`
	Claims       *idp.Profile `json:"claims,omitempty"`
}

// UserChange is what shall be different; what is left out stays, and an empty
// text clears what may be empty.
type UserChange struct {
	Login    *string      `json:"login,omitempty" maxLength:"256"`
	Email    *string      `json:"email,omitempty" maxLength:"256"`
	Name     *string      `json:"name,omitempty" maxLength:"256"`
	Kind     *idp.Kind    `json:"kind,omitempty" enum:"internal,portal"`
	Role     *idp.Role    `json:"role,omitempty" enum:"owner,admin,helpdesk,auditor,"`
	Locale   *string      `json:"locale,omitempty" maxLength:"35"`
	Phone    *string      `json:"phone,omitempty" maxLength:"32"`
	Verified *bool        `json:"verified,omitempty" doc:"Whether e-mail and phone are known to be the person's. One that changes is not, unless this says so."`
	Claims   *idp.Profile `json:"claims,omitempty"`
}

// made is the answer to what was made, with its address.
type made[T any] struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     T
}

func (m *made[T]) sent() *sent { return &sent{m.Location, m.ETag, m.Body} }

// usersAPI are the operations about people.
type usersAPI struct{ *API }

func (a usersAPI) routes() {
	add(a.API, operation{id: "list-users", method: http.MethodGet, path: "/users", tag: "users", summary: "List people", right: idp.SeePeople}, a.listUsers)
	send(a.API, operation{id: "export-users", method: http.MethodGet, path: "/users/export", tag: "users", summary: "Export people as a file", right: idp.SeePeople,
		about: "Takes people:write or audit:read, too.", files: []string{"text/csv", "application/json"}}, a.exportUsers)
	add(a.API, operation{id: "merge-users", method: http.MethodPost, path: "/users/{id}/merge", tag: "users", summary: "Make one person of two accounts", right: idp.EditPeople,
		about: "Groups, consents and Odoo accounts move. Password, factors and names do not."}, a.merge)
	add(a.API, operation{id: "create-user", method: http.MethodPost, path: "/users", tag: "users", summary: "Add a person", right: idp.EditPeople, status: http.StatusCreated,
		about: "Nobody is told. An invitation asks the person to choose a password."}, a.createUser)
	add(a.API, operation{id: "get-user", method: http.MethodGet, path: "/users/{id}", tag: "users", summary: "Show a person", right: idp.SeePeople}, a.getUser)
	add(a.API, operation{id: "update-user", method: http.MethodPatch, path: "/users/{id}", tag: "users", summary: "Change a person", right: idp.EditPeople,
		about: "The role takes roles:write, too."}, a.updateUser)
	add(a.API, operation{id: "delete-user", method: http.MethodDelete, path: "/users/{id}", tag: "users", summary: "Remove a person with all that is theirs", right: idp.EditPeople,
		about: "The log keeps what they did. Disabling is enough to lock somebody out."}, func(ctx context.Context, by idp.Actor, in *AboutUser) (*none, error) {
		return done(a.People.Service.Remove(ctx, by, in.ID))
	})
}

func (a usersAPI) listUsers(ctx context.Context, by idp.Actor, in *userQuery) (*body[Page[UserEntry]], error) {
	q := people.Query{Filter: in.people(), Sort: in.Sort, Limit: in.Limit}
	if err := in.place(&q.After); err != nil {
		return nil, err
	}
	found, err := a.Directory.Search(ctx, by, q)
	if err != nil {
		return nil, err
	}
	out := Page[UserEntry]{Items: each(found.People, func(e people.Entry) UserEntry {
		return UserEntry{viewUser(e.User), moment(e.SignedIn), moment(e.Invited), moment(e.Registered), found.Locked[e.User.ID]}
	})}
	if found.Next != nil {
		out.Next = cursor(*found.Next)
	}
	return &body[Page[UserEntry]]{out}, nil
}

func (a usersAPI) exportUsers(_ context.Context, _ idp.Actor, in *struct {
	UserFilter
	Format people.Format `query:"format" enum:"csv,json" default:"json"`
}) (*huma.StreamResponse, error) {
	kind := map[people.Format]string{people.CSV: "text/csv; charset=utf-8", people.JSON: "application/json"}[in.Format]
	return a.stream(kind, "people."+string(in.Format), func(ctx context.Context, by idp.Actor, w io.Writer) error {
		return a.Directory.Export(ctx, by, in.people(), in.Format, func() io.Writer { return w })
	}), nil
}

// NewMerge says which account goes into this one.
type NewMerge struct {
	Gone   idp.UserID `json:"gone" maxLength:"64" doc:"The account of the same person that goes."`
	Remove bool       `json:"remove,omitempty" doc:"It is removed; otherwise it is disabled."`
	DryRun bool       `json:"dry_run,omitempty" doc:"Only say what would be done."`
}

// Merge is what was moved, or would be.
type Merge struct {
	Keep    User     `json:"keep"`
	Gone    User     `json:"gone"`
	Groups  []string `json:"groups" doc:"That the kept account joins."`
	Clients []string `json:"clients" doc:"Applications whose consents move."`
	Odoo    []string `json:"odoo" doc:"Connected Odoos whose accounts move."`
	Stuck   []string `json:"stuck" doc:"Connected Odoos in which the kept account has another user."`
	Factors int      `json:"factors" doc:"Of the account that goes, that go with it."`
}

func (a usersAPI) merge(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Body NewMerge
}) (*body[Merge], error) {
	do := a.Merging.Do
	if in.Body.DryRun {
		do = a.Merging.Preview
	}
	m, err := do(ctx, by, people.Merge{Keep: in.ID, Gone: in.Body.Gone, Remove: in.Body.Remove})
	if err != nil {
		return nil, err
	}
	tied := func(t connector.Tie) string { return t.Connection }
	return &body[Merge]{Merge{
		viewUser(m.Keep), viewUser(m.Gone), m.Groups, each(m.Consents, func(c idp.ClientID) string { return string(c) }),
		each(m.Ties, tied), each(m.Stuck, tied), m.Factors,
	}}, nil
}

func (a usersAPI) createUser(ctx context.Context, by idp.Actor, in *struct{ Body NewUser }) (*made[User], error) {
	b := in.Body
	n := account.New{
		Login: b.Login, Email: b.Email, Name: b.Name, Kind: b.Kind, Role: b.Role, Groups: b.Groups, Locale: b.Locale, Phone: b.Phone,
		Verified: b.Verified, PasswordHash: b.PasswordHash,
	}
	if b.Claims != nil {
		n.Profile = *b.Claims
	}
	u, err := a.People.Service.Add(ctx, by, n)
	if err != nil {
		return nil, err
	}
	v := viewUser(u)
	return &made[User]{Prefix + "/users/" + string(u.ID), tag(v), v}, nil
}

func (a usersAPI) getUser(ctx context.Context, _ idp.Actor, in *AboutUser) (*versioned[User], error) {
	u, err := a.People.Service.Users.ByID(ctx, in.ID)
	return version(viewUser(u), err)
}

func (a usersAPI) updateUser(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Matching
	Body UserChange
}) (*versioned[User], error) {
	u, err := a.People.Service.Users.ByID(ctx, in.ID)
	if err == nil {
		err = in.match(viewUser(u))
	}
	if err != nil {
		return nil, err
	}
	b := in.Body
	u, err = a.People.Service.Update(ctx, by, in.ID, account.Change{
		Login: b.Login, Email: b.Email, Name: b.Name, Kind: b.Kind, Role: b.Role, Locale: b.Locale, Phone: b.Phone, Verified: b.Verified, Profile: b.Claims,
	})
	return version(viewUser(u), err)
}
