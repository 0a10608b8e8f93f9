package oidc

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"latchkey/idp"
)

// Introspect tells a client about its own tokens (RFC 7662). About everything
// else it says the same as about a token that does not exist (P-23).
func (p *Provider) Introspect(w http.ResponseWriter, r *http.Request) {
	client, token, err := p.aboutToken(w, r)
	if err == nil && client.Secret == "" {
		err = refuse(invalidClient, "Introspection needs a client with a secret.")
	}
	if err == nil {
		var body map[string]any
		if body, err = p.introspect(r.Context(), client, token); err == nil {
			writeJSON(w, http.StatusOK, body)
			return
		}
	}
	p.failStore(w, r, err)
}

// aboutToken reads who asks about which token.
func (p *Provider) aboutToken(w http.ResponseWriter, r *http.Request) (Client, string, error) {
	if err := p.readForm(w, r); err != nil {
		return Client{}, "", err
	}
	client, err := p.authenticate(r.Context(), r, r.PostForm)
	if err != nil {
		return Client{}, "", err
	}
	token := r.PostForm.Get("token")
	if token == "" {
		return Client{}, "", refuse(invalidRequest, "The parameter token is missing.")
	}
	return client, token, nil
}

// failStore answers 503 when the store failed: a client that is told less
// would believe that a token is revoked (P-24, RFC 7009 §2.2.1).
func (p *Provider) failStore(w http.ResponseWriter, r *http.Request, err error) {
	if refusalOf(err).Code == serverError {
		err = errors.Join(refuse(unavailable, "Try again later."), err)
	}
	p.fail(w, r, err)
}

func (p *Provider) introspect(ctx context.Context, c Client, token string) (map[string]any, error) {
	h, err := p.lookup(ctx, token)
	if errors.Is(err, idp.ErrNotFound) || err == nil && h.grant.Client != c.ID {
		return map[string]any{"active": false}, nil
	} else if err != nil {
		return nil, err
	}
	body := map[string]any{
		"active": true, "iss": p.Issuer, "client_id": c.ID, "aud": c.ID, "scope": strings.Join(h.record.Scopes, " "),
		"iat": h.record.Issued, "exp": h.grant.Expires.Unix(),
	}
	if h.grant.Kind == KindAccess {
		body["token_type"] = "Bearer"
	}
	if h.grant.User != "" {
		body["sub"], body["username"], body["sid"] = h.user.ID, h.user.Login, h.grant.Session
	}
	return body, nil
}

// Revoke ends a token (RFC 7009). A refresh token takes with it all that came
// from its authorization. Of a token of somebody else, or of none, it says
// nothing and does nothing (P-24).
func (p *Provider) Revoke(w http.ResponseWriter, r *http.Request) {
	if p.preflight(w, r, "POST") {
		return
	}
	client, token, err := p.aboutToken(w, r)
	if err == nil {
		err = p.revoke(r, client, token)
	}
	if err != nil {
		p.failStore(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
}

func (p *Provider) revoke(r *http.Request, c Client, token string) error {
	h, err := p.lookup(r.Context(), token)
	if errors.Is(err, idp.ErrNotFound) || err == nil && h.grant.Client != c.ID {
		return nil
	} else if err != nil {
		return err
	}
	e := p.event(r, "token.revoke", c.ID, h.grant.User, h.grant.Session)
	e.Detail = map[string]string{"kind": h.grant.Kind}
	err = p.Atomic(r.Context(), func(ctx context.Context) error {
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
