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
	if preflight(w, r, "POST") {
		return
	}
	if err := readForm(w, r); err != nil {
		p.refusals.json(w, r, err)
		return
	}
	ctx, u := newUnit(r.Context(), p)
	x := &exchange{unit: u, r: r}
	answer, err := x.run(ctx)
	if err != nil {
		p.refusals.json(w, r, x.failed(ctx, err))
		return
	}
	body := answer.ToMap()
	body["token_type"] = "Bearer"
	writeJSON(w, http.StatusOK, body)
}

// readForm parses the body of an endpoint for clients, and refuses repeated
// parameters (P-14).
func readForm(w http.ResponseWriter, r *http.Request) error {
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

// presents lists the grant types and the parameter that each cannot do
// without.
var presents = map[string]string{grantCode: "code", grantRefresh: "refresh_token", grantClient: "", GrantDevice: "device_code"}

// exchange is one request at the token endpoint.
type exchange struct {
	*unit
	r  *http.Request
	ar *fosite.AccessRequest
}

// run lets fosite do the protocol's part between our checks, and writes the
// outcome.
func (x *exchange) run(ctx context.Context) (fosite.AccessResponder, error) {
	kind := x.r.PostForm.Get("grant_type")
	if kind == "" {
		return nil, refuse(invalidRequest, "The parameter grant_type is missing.")
	}
	presented, ok := presents[kind]
	if !ok || kind == GrantDevice && x.p.Devices == nil {
		return nil, refuse(unsupportedGrant, "This grant_type is not supported.")
	}
	if presented != "" && x.r.PostForm.Get(presented) == "" {
		return nil, refuse(invalidRequest, "The parameter "+presented+" is missing.")
	}
	got, err := x.p.engine.NewAccessRequest(ctx, x.r, &session{})
	x.ar, _ = got.(*fosite.AccessRequest)
	if err != nil {
		return nil, err
	}
	c := x.ar.Client.(relying).Client
	if !slices.Contains(c.GrantTypes, kind) {
		return nil, refuse(unauthorized, "This client may not use this grant_type.")
	}
	if err := x.recheck(ctx, c); err != nil {
		return nil, err
	}
	answer, err := x.p.engine.NewAccessResponse(ctx, x.ar)
	if err != nil {
		return nil, err
	}
	if c.hears() && x.grant.Session != "" {
		x.login = &Login{Session: x.grant.Session, SID: x.record.Session.SID, Client: c.ID, User: x.grant.User}
	}
	e := x.p.event(x.r, "token.issue", c.ID, x.user.ID, x.grant.Session)
	e.Detail = map[string]string{"grant_type": kind, "scope": strings.Join(x.ar.GrantedScope, " ")}
	return answer, x.send(ctx, e)
}

// recheck decides whether what was allowed once is still allowed (P-10): the
// grant's row came with the person as they are now.
func (x *exchange) recheck(ctx context.Context, c Client) error {
	if x.kind == "" {
		return grantService(x.ar, c)
	}
	if !alive(x.grant, x.record, x.user) {
		return refuse(invalidGrant, "The person is no longer active, or everything of theirs was ended.")
	}
	if !Admits(c, x.user) {
		return refuse(invalidGrant, "The person may no longer use this application.")
	}
	if x.kind != KindRefresh {
		return nil
	}
	if !c.Trusted {
		given, err := x.p.Consents.Of(ctx, x.user.ID, c.ID)
		if err != nil {
			x.fault = err
			return err
		}
		for _, s := range x.record.Scopes {
			if !slices.Contains(given, s) {
				return refuse(invalidGrant, "The person has withdrawn consent.")
			}
		}
	}
	return narrow(x.ar)
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

// grantService gives a client that can prove itself the scopes it asks for or, if it names none,
// all that it is registered for. Scopes about people mean nothing there.
func grantService(ar *fosite.AccessRequest, c Client) error {
	if !c.confidential() {
		return refuse(unauthorized, "This client may not use this grant_type.")
	}
	scopes := []string(ar.RequestedScope) // held against the registration by fosite
	if len(scopes) == 0 {
		scopes = slices.Clone(c.Scopes) // the store's own slice is shared
	}
	ar.GrantedScope = scopes
	return nil
}

// failed follows up a failure. What was presented twice ends all that
// came from it (P-04, P-09), and a code with which its own client failed is
// used up: it may be somebody else who tries.
func (x *exchange) failed(ctx context.Context, err error) error {
	if x.fault != nil {
		return errors.Join(refuse(unavailable, "Try again later."), x.fault)
	}
	lost := errors.Is(err, idp.ErrSpent)
	if !lost && refusalOf(err).Code == serverError {
		return err
	}
	own := x.ar != nil && x.ar.Client != nil && x.found && x.grant.Client != "" && x.ar.Client.GetID() == string(x.grant.Client)
	if !own {
		return err
	}
	var follow error
	switch {
	case lost || x.grant.Spent:
		follow = x.endFamily(ctx)
		err = refuse(invalidGrant, "It has already been used.")
	case x.kind == KindCode:
		follow = x.p.Grants.Spend(ctx, KindCode, x.sign)
	}
	if follow != nil && !errors.Is(follow, idp.ErrSpent) {
		return errors.Join(refuse(unavailable, "Try again later."), follow)
	}
	return err
}

// endFamily revokes everything that came from one authorization.
func (x *exchange) endFamily(ctx context.Context) error {
	e := x.p.event(x.r, "token.reuse", x.grant.Client, x.grant.User, x.grant.Session)
	e.Result, e.Detail = "revoked", map[string]string{"kind": x.kind}
	return x.p.Atomic(ctx, func(ctx context.Context) error {
		if err := x.p.Grants.Revoke(ctx, Selection{Family: x.grant.Family}); err != nil {
			return err
		}
		return x.p.Log.Append(ctx, e)
	})
}
