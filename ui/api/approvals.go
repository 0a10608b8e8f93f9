package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
)

// Approval is a temporary code that takes two administrators: one asks, another
// allows it, and who asked takes the code.
type Approval struct {
	ID        string     `json:"id"`
	User      idp.UserID `json:"user" doc:"Whom the code is for."`
	Login     string     `json:"login"`
	Requester idp.UserID `json:"requester"`
	Approver  idp.UserID `json:"approver,omitempty"`
	Reason    string     `json:"reason"`
	Hours     int        `json:"hours,omitempty" doc:"How long the code will be good; none: a day."`
	Uses      int        `json:"uses,omitempty"`
	State     string     `json:"state" enum:"waiting,allowed"`
	Own       bool       `json:"own" doc:"The caller asked for it, or it is for them: somebody else must allow it."`
	Created   time.Time  `json:"created"`
	Expires   time.Time  `json:"expires"`
}

func viewApproval(r account.Approval, u idp.User, by idp.Actor) Approval {
	v := Approval{
		r.ID, r.User, u.Login, r.Requester, r.Approver, r.Reason, int(r.For / time.Hour), r.Uses, "allowed", r.Requester == by.User || r.User == by.User, r.Created.UTC(), r.Expires.UTC(),
	}
	if r.Waits() {
		v.State = "waiting"
	}
	return v
}

// AboutApproval names one.
type AboutApproval struct {
	Approval string `path:"approval" maxLength:"64"`
}

// approvalsAPI are the operations for which it takes two (SECURITY.md M-10). To
// allow a request is none: whoever asked could hold another's token.
type approvalsAPI struct{ *API }

func (a approvalsAPI) routes() {
	ask := operation{id: "request-temporary-code", method: http.MethodPost, path: "/users/{id}/temporary-code/request", tag: "approvals", right: idp.HelpPeople, status: http.StatusCreated,
		summary: "Ask for a temporary code that a second administrator is to allow", about: "It waits for an hour. For tokens of people, not of services. Another administrator allows it where they are signed in: a token is nobody's second pair of eyes."}
	add(a.API, ask, func(ctx context.Context, by idp.Actor, in *struct {
		AboutUser
		Body NewCode
	}) (*made[Approval], error) {
		r, err := a.Approvals.Ask(ctx, by, in.ID, account.Temporary{Reason: in.Body.Reason, For: hours(in.Body.Hours), Uses: in.Body.Uses})
		if err != nil {
			return nil, err
		}
		u, err := a.People.Service.Users.ByID(ctx, r.User)
		if err != nil {
			return nil, err
		}
		return &made[Approval]{Location: Prefix + "/approvals/" + r.ID, Body: viewApproval(r, u, by)}, nil
	})
	o := func(id, method, path, summary string) operation {
		return operation{id: id, method: method, path: "/approvals" + path, tag: "approvals", summary: summary, right: idp.HelpPeople}
	}
	add(a.API, o("list-approvals", http.MethodGet, "", "List what waits for a second administrator, and the caller's own that are allowed"), a.list)
	add(a.API, o("get-approval", http.MethodGet, "/{approval}", "Show one request"), func(ctx context.Context, by idp.Actor, in *AboutApproval) (*body[Approval], error) {
		r, u, err := a.Approvals.Request(ctx, by, in.Approval)
		return answer(viewApproval(r, u, by), err)
	})
	add(a.API, o("refuse-approval", http.MethodPost, "/{approval}/refuse", "Refuse a request, or take one's own back"), func(ctx context.Context, by idp.Actor, in *AboutApproval) (*none, error) {
		return done(a.Approvals.Refuse(ctx, by, in.Approval))
	})
	take := o("take-approved-code", http.MethodPost, "/{approval}/take", "Make the code that was allowed")
	take.status, take.about = http.StatusCreated, "For who asked, within an hour. It is shown this once."
	add(a.API, take, func(ctx context.Context, by idp.Actor, in *AboutApproval) (*body[Code], error) {
		code, _, err := a.Approvals.Take(ctx, by, in.Approval)
		return answer(Code{code}, err)
	})
}

// list is what the page shows: what the caller could allow, and what they asked
// for.
func (a approvalsAPI) list(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[Approval]], error) {
	all, err := a.Approvals.Waiting(ctx, by, "")
	if err != nil {
		return nil, err
	}
	out := []Approval{}
	for _, r := range all {
		if !r.Waits() && r.Requester != by.User {
			continue
		}
		u, err := a.People.Service.Users.ByID(ctx, r.User)
		if err != nil && !errors.Is(err, idp.ErrNotFound) {
			return nil, err
		}
		if err == nil && by.MayTouch(idp.HelpPeople, u) == nil {
			out = append(out, viewApproval(r, u, by))
		}
	}
	return &body[Items[Approval]]{Items[Approval]{out}}, nil
}
