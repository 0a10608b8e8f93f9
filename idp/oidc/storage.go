package oidc

import (
	"context"
	"errors"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/handler/pkce"

	"latchkey/idp"
)

// storage is what fosite believes to be its database. It has no state: what it
// is told goes into the [unit] of the request, which writes it at the end.
type storage struct {
	clientStorage
	codeStorage
	tokenStorage
}

var (
	_ fosite.Storage                     = storage{}
	_ oauth2.CoreStorage                 = storage{}
	_ oauth2.TokenRevocationStorage      = storage{}
	_ openid.OpenIDConnectRequestStorage = storage{}
	_ pkce.PKCERequestStorage            = storage{}
)

// relying is a client in the words of fosite.
type relying struct{ Client }

func (c relying) GetID() string                      { return string(c.ID) }
func (c relying) GetHashedSecret() []byte            { return []byte(c.Secret) }
func (c relying) GetRedirectURIs() []string          { return c.RedirectURIs }
func (c relying) GetGrantTypes() fosite.Arguments    { return c.GrantTypes }
func (c relying) GetResponseTypes() fosite.Arguments { return c.ResponseTypes }
func (c relying) GetScopes() fosite.Arguments        { return c.Scopes }
func (c relying) GetAudience() fosite.Arguments      { return nil }
func (c relying) IsPublic() bool                     { return c.public() }

type clientStorage struct{ p *Provider }

func (s clientStorage) GetClient(ctx context.Context, id string) (fosite.Client, error) {
	c, err := s.p.registry.client(ctx, ClientID(id))
	if errors.Is(err, idp.ErrNotFound) {
		return nil, fosite.ErrNotFound
	} else if err != nil {
		return nil, err
	}
	return relying{c}, nil
}

// Client assertions are not offered.
func (clientStorage) ClientAssertionJWTValid(context.Context, string) error {
	return fosite.ErrJTIKnown
}
func (clientStorage) SetClientAssertionJWT(context.Context, string, time.Time) error {
	return fosite.ErrJTIKnown
}

// codeStorage keeps code, PKCE and OpenID data as one row.
type codeStorage struct{}

func (codeStorage) CreateAuthorizeCodeSession(ctx context.Context, signature string, r fosite.Requester) error {
	unitOf(ctx).codeOf(signature, r)
	return nil
}

func (codeStorage) GetAuthorizeCodeSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	r, err := unitOf(ctx).load(ctx, KindCode, signature)
	if errors.Is(err, idp.ErrSpent) {
		return r, fosite.ErrInvalidatedAuthorizeCode
	} else if err != nil {
		return nil, err
	}
	return r, nil
}

func (codeStorage) InvalidateAuthorizeCodeSession(ctx context.Context, _ string) error {
	unitOf(ctx).exchange = true
	return nil
}

func (codeStorage) CreatePKCERequestSession(ctx context.Context, signature string, r fosite.Requester) error {
	unitOf(ctx).codeOf(signature, r)
	return nil
}

// GetPKCERequestSession fails when the code was asked for without a challenge,
// so that a verifier out of nowhere is refused, too.
func (codeStorage) GetPKCERequestSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	r, err := unitOf(ctx).load(ctx, KindCode, signature)
	if err != nil {
		return nil, err
	}
	if r.Form.Get("code_challenge") == "" {
		return nil, fosite.ErrNotFound
	}
	return r, nil
}

// DeletePKCERequestSession does nothing: the challenge lives and dies with its
// code. fosite deletes it before it looks at the verifier, after which a
// second try without any would succeed (v0.49.0).
func (codeStorage) DeletePKCERequestSession(context.Context, string) error { return nil }

// CreateOpenIDConnectSession gets the whole code instead of its signature; the
// row has been begun by then.
func (codeStorage) CreateOpenIDConnectSession(ctx context.Context, _ string, r fosite.Requester) error {
	u := unitOf(ctx)
	u.codeOf(u.codeSign, r)
	return nil
}

func (codeStorage) GetOpenIDConnectSession(ctx context.Context, code string, _ fosite.Requester) (fosite.Requester, error) {
	u := unitOf(ctx)
	r, err := u.load(ctx, KindCode, u.p.tokens.AuthorizeCodeSignature(ctx, code))
	if err != nil {
		return nil, err
	}
	if !r.GrantedScope.Has("openid") {
		return nil, openid.ErrNoSessionFound
	}
	return r, nil
}

func (codeStorage) DeleteOpenIDConnectSession(context.Context, string) error { return nil }

// tokenStorage keeps access and refresh tokens. Nobody looks up access tokens
// through fosite.
type tokenStorage struct{}

func (tokenStorage) CreateAccessTokenSession(ctx context.Context, signature string, r fosite.Requester) error {
	return unitOf(ctx).token(KindAccess, signature, r)
}

func (tokenStorage) GetAccessTokenSession(context.Context, string, fosite.Session) (fosite.Requester, error) {
	return nil, fosite.ErrNotFound
}

func (tokenStorage) CreateRefreshTokenSession(ctx context.Context, signature, _ string, r fosite.Requester) error {
	return unitOf(ctx).token(KindRefresh, signature, r)
}

func (tokenStorage) GetRefreshTokenSession(ctx context.Context, signature string, _ fosite.Session) (fosite.Requester, error) {
	r, err := unitOf(ctx).load(ctx, KindRefresh, signature)
	if errors.Is(err, idp.ErrSpent) {
		return r, fosite.ErrInactiveToken
	} else if err != nil {
		return nil, err
	}
	return r, nil
}

func (tokenStorage) RotateRefreshToken(ctx context.Context, _, _ string) error {
	unitOf(ctx).exchange = true
	return nil
}

// What fosite would delete or revoke after a second use, the token endpoint
// revokes itself, in one go and only for the client whose grant it is.
func (tokenStorage) DeleteAccessTokenSession(context.Context, string) error  { return nil }
func (tokenStorage) DeleteRefreshTokenSession(context.Context, string) error { return nil }
func (tokenStorage) RevokeRefreshToken(context.Context, string) error        { return nil }
func (tokenStorage) RevokeAccessToken(context.Context, string) error         { return nil }
