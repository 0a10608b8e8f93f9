package oidc

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"latchkey/idp"
)

// Introspect tells a client about its own tokens (RFC 7662). About everything
// else it says the same as about a token that does not exist (P-23).
func (p *Provider) Introspect(w http.ResponseWriter, r *http.Request) {
	q, err := p.inquire(w, r, PathIntrospect)
	if err == nil && !q.client.confidential() {
		err = refuse(invalidClient, "Introspection needs a client with a secret or a key.")
	}
	if err == nil {
		var body map[string]any
		if body, err = q.introspect(); err == nil {
			writeJSON(w, http.StatusOK, body)
			return
		}
	}
	p.refusals.json(w, r, storeFault(err))
}

// inquiry is a client's request about a token.
type inquiry struct {
	p      *Provider
	r      *http.Request
	client Client
	token  string
}

func (p *Provider) inquire(w http.ResponseWriter, r *http.Request, endpoint string) (inquiry, error) {
	q := inquiry{p: p, r: r}
	if err := readForm(w, r); err != nil {
		return q, err
	}
	var err error
	if q.client, err = p.auth.client(r.Context(), r, r.PostForm, endpoint); err != nil {
		return q, err
	}
	if q.token = r.PostForm.Get("token"); q.token == "" {
		return q, refuse(invalidRequest, "The parameter token is missing.")
	}
	return q, nil
}

func (q inquiry) introspect() (map[string]any, error) {
	h, err := q.p.bearers.lookup(q.r.Context(), q.token)
	if errors.Is(err, idp.ErrNotFound) || err == nil && h.grant.Client != q.client.ID {
		return map[string]any{"active": false}, nil
	} else if err != nil {
		return nil, err
	}
	body := map[string]any{
		"active": true, "iss": q.p.Issuer, "client_id": q.client.ID, "aud": q.client.ID, "scope": strings.Join(h.record.Scopes, " "),
		"iat": h.record.Issued, "exp": h.grant.Expires.Unix(),
	}
	if h.grant.Kind == KindAccess {
		body["token_type"] = "Bearer"
	}
	if h.grant.User == "" {
		return body, nil
	}
	if body["sub"], err = q.p.subjects.Sub(h.client, h.user.ID); err == nil {
		body["sid"], err = q.p.subjects.SID(h.client, h.grant.Session)
	}
	// It is preferred_username by another name. Two pairwise clients could tell by it
	// that they have the same person.
	if slices.Contains(h.record.Scopes, "profile") && !h.client.Pairwise() {
		body["username"] = h.user.Login
	}
	return body, err
}

// Revoke ends a token (RFC 7009). A refresh token takes with it all that came
// from its authorization. Of a token of somebody else, or of none, it says
// nothing and does nothing (P-24).
func (p *Provider) Revoke(w http.ResponseWriter, r *http.Request) {
	if preflight(w, r, "POST") {
		return
	}
	q, err := p.inquire(w, r, PathRevoke)
	if err == nil {
		err = q.revoke()
	}
	if err != nil {
		p.refusals.json(w, r, storeFault(err))
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (q inquiry) revoke() error {
	p, ctx := q.p, q.r.Context()
	h, err := p.bearers.lookup(ctx, q.token)
	if errors.Is(err, idp.ErrNotFound) || err == nil && h.grant.Client != q.client.ID {
		return nil
	} else if err != nil {
		return err
	}
	e := p.event(q.r, "token.revoke", q.client.ID, h.grant.User, h.grant.Session)
	e.Detail = map[string]string{"kind": h.grant.Kind}
	err = p.Atomic(ctx, func(ctx context.Context) error {
		end := func() error { return p.Grants.Spend(ctx, KindAccess, h.grant.Signature) }
		if h.grant.Kind == KindRefresh {
			end = func() error { return p.Grants.Revoke(ctx, Selection{Family: h.grant.Family}) }
		}
		if err := end(); err != nil {
			return err
		}
		return p.Log.Append(ctx, e)
	})
	if errors.Is(err, idp.ErrSpent) { // somebody else was faster
		return nil
	}
	return err
}
