package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/ory/fosite"

	"latchkey/idp"
)

// Grant types.
const (
	grantCode     = "authorization_code"
	grantRefresh  = "refresh_token"
	grantClient   = "client_credentials"
	grantImplicit = "implicit" // registered, but never sent here
)

// maxForm is how long the body of a request may be (SECURITY.md §1.1).
const maxForm = 64 << 10

// Token exchanges codes and refresh tokens, and gives services tokens of
// their own (RFC 6749 §3.2). It costs one read and one write.
func (p *Provider) Token(w http.ResponseWriter, r *http.Request) {
	if p.preflight(w, r, "POST") {
		return
	}
	if err := p.readForm(w, r); err != nil {
		p.fail(w, r, err)
		return
	}
	ctx, u := p.unit(r.Context())
	answer, ar, err := p.exchange(ctx, r, u)
	if err != nil {
		p.fail(w, r, p.failedExchange(ctx, r, u, ar, err))
		return
	}
	body := answer.ToMap()
	body["token_type"] = "Bearer"
	writeJSON(w, http.StatusOK, body)
}

// readForm parses the body of an endpoint for clients, and refuses repeated
// parameters (P-14).
func (p *Provider) readForm(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodPost {
		return refuse(invalidRequest, "Only POST is possible here.")
	}
	if err := parseForm(w, r, maxForm); err != nil {
		return refuse(invalidRequest, "The body is not a form of acceptable length.")
	}
	for name, vs := range r.PostForm {
		if len(vs) > 1 {
			return refuse(invalidRequest, "The parameter "+name+" is repeated.")
		}
	}
	return nil
}

// exchange lets fosite do the protocol's part between our checks, and writes
// the outcome.
func (p *Provider) exchange(ctx context.Context, r *http.Request, u *unit) (fosite.AccessResponder, *fosite.AccessRequest, error) {
	kind := r.PostForm.Get("grant_type")
	switch kind {
	case "":
		return nil, nil, refuse(invalidRequest, "The parameter grant_type is missing.")
	case grantCode, grantRefresh, grantClient:
	default:
		return nil, nil, refuse(unsupportedGrant, "This grant_type is not supported.")
	}
	got, err := p.engine.NewAccessRequest(ctx, r, &session{})
	ar, _ := got.(*fosite.AccessRequest)
	if err != nil {
		return nil, ar, err
	}
	c := ar.Client.(relying).Client
	if !slices.Contains(c.GrantTypes, kind) {
		return nil, ar, refuse(unauthorized, "This client may not use this grant_type.")
	}
	if err := p.recheck(ctx, u, ar, c); err != nil {
		return nil, ar, err
	}
	answer, err := p.engine.NewAccessResponse(ctx, ar)
	if err != nil {
		return nil, ar, err
	}
	e := p.event(r, "token.issue", c.ID, u.user.ID, u.grant.Session)
	e.Detail = map[string]string{"grant_type": kind, "scope": strings.Join(ar.GrantedScope, " ")}
	return answer, ar, u.send(ctx, e)
}

// recheck decides whether what was allowed once is still allowed (P-10): the
// grant's row came with the person as they are now.
func (p *Provider) recheck(ctx context.Context, u *unit, ar *fosite.AccessRequest, c Client) error {
	if u.kind == "" {
		return grantService(ar, c)
	}
	if !alive(u.grant, u.record, u.user) {
		return refuse(invalidGrant, "The person is no longer active, or everything of theirs was ended.")
	}
	if u.kind != KindRefresh {
		return nil
	}
	if !admits(c, u.user) {
		return refuse(invalidGrant, "The person may no longer use this application.")
	}
	if !c.Trusted {
		given, err := p.Consents.Of(ctx, u.user.ID, c.ID)
		if err != nil {
			u.fault = err
			return err
		}
		for _, s := range u.record.Scopes {
			if !slices.Contains(given, s) {
				return refuse(invalidGrant, "The person has withdrawn consent.")
			}
		}
	}
	return narrow(ar)
}

// alive reports whether the person behind a grant still stands for it: not
// disabled, and with the epoch of that time. A grant of a service has nobody
// behind it.
func alive(g Grant, r record, u idp.User) bool {
	return g.User == "" || u.ID == g.User && !u.Disabled && u.Epoch == r.Session.Epoch
}

// narrow applies the scope parameter of a refresh, which fosite ignores
// (RFC 6749 §6).
func narrow(ar *fosite.AccessRequest) error {
	asked := strings.Fields(ar.Form.Get("scope"))
	if len(asked) == 0 {
		return nil
	}
	for _, s := range asked {
		if !slices.Contains(ar.GrantedScope, s) {
			return refuse(invalidScope, "The scope goes beyond what was granted.")
		}
	}
	ar.GrantedScope = slices.DeleteFunc(slices.Clone(ar.GrantedScope), func(s string) bool { return !slices.Contains(asked, s) })
	return nil
}

// grantService gives a service the scopes it asks for or, if it names none,
// all that it is registered for. Scopes about people mean nothing there.
func grantService(ar *fosite.AccessRequest, c Client) error {
	if c.Type != Service {
		return refuse(unauthorized, "This client may not use this grant_type.")
	}
	scopes := []string(ar.RequestedScope) // held against the registration by fosite
	if len(scopes) == 0 {
		scopes = c.Scopes
	}
	ar.GrantedScope = scopes
	return nil
}

// failedExchange follows up a failure. What was presented twice ends all that
// came from it (P-04, P-09), and a code with which its own client failed is
// used up: it may be somebody else who tries.
func (p *Provider) failedExchange(ctx context.Context, r *http.Request, u *unit, ar *fosite.AccessRequest, err error) error {
	if u.fault != nil {
		return errors.Join(refuse(unavailable, "Try again later."), u.fault)
	}
	lost := errors.Is(err, idp.ErrSpent)
	if !lost && refusalOf(err).Code == serverError {
		return err
	}
	own := ar != nil && ar.Client != nil && u.found && u.grant.Client != "" && ar.Client.GetID() == string(u.grant.Client)
	if !own {
		return err
	}
	var follow error
	switch {
	case lost || u.grant.Spent:
		follow = p.endFamily(ctx, r, u)
		err = refuse(invalidGrant, "It has already been used.")
	case u.kind == KindCode:
		follow = p.Grants.Spend(ctx, KindCode, u.sign)
	}
	if follow != nil && !errors.Is(follow, idp.ErrSpent) {
		return errors.Join(refuse(unavailable, "Try again later."), follow)
	}
	return err
}

// endFamily revokes everything that came from one authorization.
func (p *Provider) endFamily(ctx context.Context, r *http.Request, u *unit) error {
	e := p.event(r, "token.reuse", u.grant.Client, u.grant.User, u.grant.Session)
	e.Result, e.Detail = "revoked", map[string]string{"kind": u.kind}
	return p.Atomic(ctx, func(ctx context.Context) error {
		if err := p.Grants.Revoke(ctx, Selection{Family: u.grant.Family}); err != nil {
			return err
		}
		return p.Log.Append(ctx, e)
	})
}
