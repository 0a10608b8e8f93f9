package api

import (
	"context"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/apitoken"
	"latchkey/idp/oidc"
)

// Token is a token of this API, without its secret.
type Token struct {
	ID      string      `json:"id"`
	Name    string      `json:"name"`
	Owner   idp.UserID  `json:"owner"`
	Login   string      `json:"owner_login"`
	Scopes  []idp.Right `json:"scopes"`
	State   string      `json:"state" enum:"live,expired,revoked,void" doc:"void: its owner was disabled, or their password or factors were changed or reset."`
	Created time.Time   `json:"created"`
	Expires time.Time   `json:"expires"`
	Used    *time.Time  `json:"used,omitempty" doc:"To the minute."`
	Revoked *time.Time  `json:"revoked,omitempty"`
}

func (a tokensAPI) viewToken(h apitoken.Held) Token {
	return Token{
		ID: h.ID, Name: h.Name, Owner: h.Owner, Login: h.By.Login, Scopes: h.Scopes, State: string(h.State(a.Gate.Now())),
		Created: h.Created.UTC(), Expires: h.Expires.UTC(), Used: moment(h.Used), Revoked: moment(h.Revoked),
	}
}

type token struct {
	Token string `path:"token" maxLength:"64" doc:"The token's id."`
}

// tokensAPI are the operations about the tokens of this API.
type tokensAPI struct{ *API }

func (a tokensAPI) routes() {
	add(a.API, operation{id: "list-tokens", method: http.MethodGet, path: "/tokens", tag: "tokens", right: idp.MakeTokens, summary: "List the tokens of this API",
		about: "One's own, and those of people who do not stand above. Tokens are made by people who are signed in, and on the command line."},
		func(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Items[Token]], error) {
			all, err := a.Tokens.List(ctx, by)
			return answer(Items[Token]{each(all, a.viewToken)}, err)
		})
	add(a.API, operation{id: "get-token", method: http.MethodGet, path: "/tokens/{token}", tag: "tokens", right: idp.MakeTokens, summary: "Show a token"},
		func(ctx context.Context, by idp.Actor, in *token) (*body[Token], error) {
			h, err := a.Tokens.Get(ctx, by, in.Token)
			return answer(a.viewToken(h), err)
		})
	add(a.API, operation{id: "revoke-token", method: http.MethodDelete, path: "/tokens/{token}", tag: "tokens", right: idp.MakeTokens, summary: "End a token, at once"},
		func(ctx context.Context, by idp.Actor, in *token) (*none, error) {
			return done(a.Tokens.Revoke(ctx, by, in.Token))
		})
	add(a.API, operation{id: "get-me", method: http.MethodGet, path: "/me", tag: "me", summary: "Who asks, and what they may"}, a.getMe)
}

// Me is who asks.
type Me struct {
	Token  *Token         `json:"token,omitempty"`
	User   *User          `json:"user,omitempty"`
	Client *oidc.ClientID `json:"client,omitempty" doc:"For a service."`
	Role   idp.Role       `json:"role"`
	Rights []idp.Right    `json:"rights" doc:"What the caller may do now: the scopes, as far as the role has them."`
}

func (a tokensAPI) getMe(ctx context.Context, by idp.Actor, _ *struct{}) (*body[Me], error) {
	c := callerOf(ctx)
	v := Me{Role: by.Role, Rights: []idp.Right{}}
	for _, r := range idp.Rights() {
		if by.May(r) == nil {
			v.Rights = append(v.Rights, r)
		}
	}
	if c.Client.ID != "" {
		v.Client = &c.Client.ID
		return &body[Me]{v}, nil
	}
	u, err := a.People.Service.Users.ByID(ctx, by.User)
	if err != nil {
		return nil, err
	}
	t, person := a.viewToken(apitoken.Held{Token: c.Token, By: u}), viewUser(u)
	v.Token, v.User = &t, &person
	return &body[Me]{v}, nil
}
