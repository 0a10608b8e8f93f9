package api

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
)

// NewCode describes a code in the place of a second factor.
type NewCode struct {
	Reason string `json:"reason" minLength:"1" maxLength:"200" doc:"For the log."`
	Hours  int    `json:"hours,omitempty" minimum:"1" maximum:"168" default:"24" doc:"How long it is good."`
	Uses   int    `json:"uses,omitempty" minimum:"1" maximum:"20" default:"1"`
}

// Code is one that was given.
type Code struct {
	Code string `json:"code,omitempty" doc:"To be passed on to the person. It is shown this once."`
}

// NewInvitation describes an invitation.
type NewInvitation struct {
	Hours  int          `json:"hours,omitempty" minimum:"1" maximum:"72" default:"72" doc:"How long the link is good."`
	Client idp.ClientID `json:"client,omitempty" maxLength:"128" doc:"The application that the person goes on to."`
	ByHand bool         `json:"by_hand,omitempty" doc:"No mail is sent; the answer has the link, to be handed over. Takes people:write, and a person who has no proven address and never signed in."`
}

// NewEnrolment describes a request to set up a factor.
type NewEnrolment struct {
	Method mfa.Kind `json:"method" enum:"totp,sms,passkey"`
	Hours  int      `json:"hours,omitempty" minimum:"1" maximum:"72" default:"72" doc:"How long the link is good."`
}

// Invitation is a link that was made.
type Invitation struct {
	SentTo  string    `json:"sent_to,omitempty" doc:"The address that it was mailed to."`
	Expires time.Time `json:"expires"`
	Link    string    `json:"link,omitempty" doc:"Where no mail was sent. It is shown this once."`
}

// helpAPI are the operations about help for people who cannot get in.
type helpAPI struct{ *API }

func (a helpAPI) routes() {
	for _, one := range []struct {
		id, path, summary, about string
		right                    idp.Right
		do                       func(context.Context, idp.Actor, idp.UserID) error
	}{
		{"disable-user", "disable", "Lock a person out, at once", "Sessions, tokens and trusted browsers end.", idp.EditPeople, a.People.Service.Disable},
		{"enable-user", "enable", "Let a person in again", "", idp.EditPeople, a.People.Service.Enable},
		{"unlock-user", "unlock", "Forget the wrong tries that lock a person out", "", idp.HelpPeople, a.People.Service.Unlock},
		{"reset-factors", "reset-factors", "Remove every second factor of a person", "Their sessions end; what a policy asks for is set up at the next sign-in.", idp.HelpPeople, a.People.Service.ResetFactors},
		{"end-sessions", "end-sessions", "Sign a person out everywhere", "", idp.HelpPeople, a.Security.EndOtherSessions},
	} {
		add(a.API, operation{id: one.id, method: http.MethodPost, path: "/users/{id}/" + one.path, tag: "users", summary: one.summary, about: one.about, right: one.right},
			func(ctx context.Context, by idp.Actor, in *AboutUser) (*none, error) {
				return done(one.do(ctx, by, in.ID))
			})
	}
	add(a.API, operation{id: "give-temporary-code", method: http.MethodPost, path: "/users/{id}/temporary-code", tag: "users", right: idp.HelpPeople, status: http.StatusCreated,
		summary: "Give a person a code in the place of a second factor", about: "An earlier one is void. The person is told."}, a.giveCode)
	add(a.API, operation{id: "void-temporary-code", method: http.MethodDelete, path: "/users/{id}/temporary-code", tag: "users", right: idp.HelpPeople,
		summary: "Take the temporary code back"}, func(ctx context.Context, by idp.Actor, in *AboutUser) (*none, error) {
		return done(a.People.Codes().Void(ctx, by, in.ID))
	})
	add(a.API, operation{id: "invite-user", method: http.MethodPost, path: "/users/{id}/invite", tag: "users", right: idp.HelpPeople, status: http.StatusCreated,
		summary: "Ask a person to choose their first password", about: "Earlier invitations are void."}, a.invite)
	add(a.API, operation{id: "send-enrol-link", method: http.MethodPost, path: "/users/{id}/enrol-link", tag: "users", right: idp.HelpPeople, status: http.StatusCreated,
		summary: "Ask a person by mail to set up a second factor", about: "Earlier links of this kind are void."}, a.enrol)
}

func (a helpAPI) giveCode(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Body NewCode
}) (*body[Code], error) {
	code, err := a.People.Codes().Give(ctx, by, in.ID, account.Temporary{Reason: in.Body.Reason, For: hours(in.Body.Hours), Uses: in.Body.Uses})
	return answer(Code{code}, err)
}

func hours(n int) time.Duration { return time.Duration(n) * time.Hour }

func (a helpAPI) invite(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Body NewInvitation
}) (*body[Invitation], error) {
	b := in.Body
	made, err := a.People.Invitations().Invite(ctx, by, in.ID, account.Invite{For: hours(b.Hours), Client: b.Client, ByHand: b.ByHand})
	v := Invitation{SentTo: made.SentTo, Expires: made.Expires.UTC()}
	if b.ByHand {
		v.Link = idp.LinkInvite.Address(a.Issuer, made.Token)
	}
	return answer(v, err)
}

// enrol never shows the link: it leads past the second factor, so it goes to
// the person and nobody else.
func (a helpAPI) enrol(ctx context.Context, by idp.Actor, in *struct {
	AboutUser
	Body NewEnrolment
}) (*body[Invitation], error) {
	made, err := a.People.EnrolLink(ctx, by, in.ID, in.Body.Method, hours(in.Body.Hours))
	return answer(Invitation{SentTo: made.SentTo, Expires: made.Expires.UTC()}, err)
}
