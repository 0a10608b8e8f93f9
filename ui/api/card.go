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
	"latchkey/idp/oidc"
	"latchkey/idp/people"
	"latchkey/idp/posture"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

// Card is what is known of a person beside what they are: where they stand with
// the policies, what keeps them out, and where else they are known.
type Card struct {
	User      UserEntry       `json:"user"`
	Standing  StandingPoint   `json:"standing" doc:"What a sign-in leads to now."`
	Ahead     []StandingPoint `json:"ahead" doc:"At deadlines to come, the soonest first."`
	Policies  []AppliedPolicy `json:"policies" doc:"That concern them."`
	Locks     []UserLock      `json:"locks"`
	Letters   []UserLetter    `json:"letters" doc:"Links that were mailed and are still good."`
	Odoo      []UserTie       `json:"odoo" doc:"Their users in connected Odoos."`
	Apps      []UserApp       `json:"apps" doc:"Applications that they used or allowed something."`
	Approvals []Approval      `json:"approvals" doc:"Temporary codes that wait for a second administrator."`
}

// StandingPoint is where somebody stands from a moment on.
type StandingPoint struct {
	From    *time.Time     `json:"from,omitempty" doc:"None: now."`
	State   posture.State  `json:"state" enum:"fine,asked,must_set_up,shut_out"`
	With    []mfa.Kind     `json:"with" doc:"Factors that may answer."`
	SetUp   []mfa.Kind     `json:"set_up" doc:"Factors that can be set up on the way."`
	Reasons []PolicyReason `json:"reasons"`
}

func viewReasons(all []policy.Reason) []PolicyReason {
	return each(all, func(r policy.Reason) PolicyReason { return PolicyReason(r) })
}

func viewPoint(p posture.Point) StandingPoint {
	return StandingPoint{moment(p.At), p.State, p.With, p.SetUp, viewReasons(p.Reasons)}
}

// AppliedPolicy is what one policy decides for a person.
type AppliedPolicy struct {
	Name    string         `json:"name"`
	Reasons []PolicyReason `json:"reasons" doc:"None: another is stricter in everything."`
	Due     *time.Time     `json:"due,omitempty" doc:"When it next decides otherwise."`
	Exempt  bool           `json:"exempt"`
}

// UserLock is why somebody is refused for a while.
type UserLock struct {
	What    string     `json:"what" enum:"password,factor,sending"`
	Method  mfa.Kind   `json:"method,omitempty"`
	Until   *time.Time `json:"until,omitempty" doc:"None: until somebody lifts it."`
	Browser bool       `json:"browser" doc:"In one of their own browsers only."`
}

// UserLetter is a link that was mailed.
type UserLetter struct {
	Purpose idp.Purpose `json:"purpose"`
	Made    time.Time   `json:"made"`
	Expires time.Time   `json:"expires"`
}

// UserTie is somebody's user in an Odoo.
type UserTie struct {
	Connection string           `json:"connection"`
	Odoo       int64            `json:"odoo_id"`
	Login      string           `json:"login"`
	Linked     *time.Time       `json:"linked,omitempty" doc:"None: the Odoo does not know yet."`
	Closed     connector.Closed `json:"closed,omitempty" enum:"there,here," doc:"Where it came to an end."`
}

// UserApp is an application of a person's.
type UserApp struct {
	Client idp.ClientID `json:"client"`
	Name   string       `json:"name"`
	May    bool         `json:"may" doc:"They may use it."`
	Used   *time.Time   `json:"used,omitempty"`
	Scopes []string     `json:"scopes" doc:"That they allowed."`
}

func viewApp(x oidc.App) UserApp {
	v := UserApp{Client: x.Client.ID, Name: x.Client.Title(), May: x.Open, Used: moment(x.Used)}
	if x.Consent != nil {
		v.Scopes = x.Consent.Scopes
	}
	return v
}

// NewLabel is what a factor is called.
type NewLabel struct {
	Label string `json:"label" maxLength:"256" doc:"Cut off after 64 characters."`
}

// cardAPI are the operations about all that is held about a person.
type cardAPI struct{ *API }

func (a cardAPI) routes() {
	add(a.API, operation{id: "get-user-card", method: http.MethodGet, path: "/users/{id}/card", tag: "users", right: idp.SeePeople,
		summary: "Show where a person stands with the policies, what keeps them out, and where else they are known"}, a.card)
	send(a.API, operation{id: "export-user-data", method: http.MethodGet, path: "/users/{id}/data", tag: "users", right: idp.EditPeople, files: []string{"application/json"},
		summary: "Export all that is held about a person", about: "For who asked for it (GDPR articles 15 and 20). It is in the log, and holds no secret."}, a.data)
	rename := operation{id: "rename-factor", method: http.MethodPatch, path: "/users/{id}/factors/{factor}", tag: "protection", right: idp.HelpPeople, summary: "Give a second factor another name"}
	add(a.API, rename, func(ctx context.Context, by idp.Actor, in *struct {
		AboutUser
		Factor mfa.CredentialID `path:"factor" maxLength:"64"`
		Body   NewLabel
	}) (*none, error) {
		return done(a.Security.RenameFactor(ctx, by, in.ID, in.Factor, in.Body.Label))
	})
}

func (a cardAPI) card(ctx context.Context, by idp.Actor, in *AboutUser) (*body[Card], error) {
	k, err := a.Cards.About(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	locked := false
	for _, l := range k.Locks {
		locked = locked || l.What != "sending"
	}
	now := viewPoint(k.Standing.Now)
	now.From = nil
	return &body[Card]{Card{
		User:     UserEntry{viewUser(k.User), moment(k.SignedIn), moment(k.Invited), moment(k.Registered), locked},
		Standing: now, Ahead: each(k.Standing.Ahead, viewPoint),
		Policies: each(k.Applies, func(p people.Applied) AppliedPolicy {
			return AppliedPolicy{p.Name, viewReasons(p.Reasons), moment(p.Due), p.Exempt}
		}),
		Locks:   each(k.Locks, func(l people.Lock) UserLock { return UserLock{l.What, l.Method, moment(l.Until), l.Browser} }),
		Letters: each(k.Letters, func(l people.Letter) UserLetter { return UserLetter{l.Purpose, l.Made.UTC(), l.Expires.UTC()} }),
		Odoo: each(k.Ties, func(t connector.Tie) UserTie {
			return UserTie{t.Connection, t.Odoo, t.Login, moment(t.Linked), t.Closed}
		}),
		Apps:      each(k.Apps, viewApp),
		Approvals: each(k.Waiting, func(r account.Approval) Approval { return viewApproval(r, k.User, by) }),
	}}, nil
}

func (a cardAPI) data(_ context.Context, _ idp.Actor, in *AboutUser) (*huma.StreamResponse, error) {
	return a.stream("application/json", "account.json", func(ctx context.Context, by idp.Actor, w io.Writer) error {
		u, err := a.People.Service.Users.ByID(ctx, in.ID)
		if err != nil {
			return err
		}
		return a.Data.WriteOf(ctx, by, u, func() io.Writer { return w })
	}), nil
}
