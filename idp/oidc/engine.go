package oidc

import (
	"context"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/openid"
	"github.com/ory/fosite/token/hmac"
	"github.com/ory/fosite/token/jwt"

	"latchkey/idp"
)

// assemble puts fosite together by hand: only the flows that are offered, with
// our storage, tokens and signatures. There is no password grant, nothing
// that fetches, and no `token` alone (P-07, P-27); introspection and
// revocation are ours, because fosite answers 200 when its storage fails.
func (p *Provider) assemble(secret []byte) {
	cfg := &fosite.Config{
		GlobalSecret: secret, IDTokenIssuer: p.Issuer,
		AuthorizeCodeLifespan: p.Lifetimes.Code, AccessTokenLifespan: p.Lifetimes.Access,
		IDTokenLifespan: p.Lifetimes.ID, RefreshTokenLifespan: p.Lifetimes.RefreshIdle,
		EnforcePKCEForPublicClients: true, OmitRedirectScopeParam: true, MinParameterEntropy: -1,
		RefreshTokenScopes: []string{"offline_access"},
		ScopeStrategy:      fosite.ExactScopeStrategy,
		// Redirect URIs have been held against the registration by then.
		RedirectSecureChecker:        func(context.Context, *url.URL) bool { return true },
		ClientAuthenticationStrategy: p.auth.fosite,
		// fosite fills these in on first use, which is a data race (v0.49.0).
		AudienceMatchingStrategy: fosite.DefaultAudienceMatchingStrategy,
		ClientSecretsHasher:      noHasher{},
		JWKSFetcherStrategy:      noFetcher{},
	}
	p.tokens = &opaque{mac: &hmac.HMACStrategy{Config: cfg}}
	p.bearers = &Bearers{p.registry, p.Grants, p.tokens, p.Now}
	strategy := &compose.CommonStrategy{
		CoreStrategy:               p.tokens,
		OpenIDConnectTokenStrategy: idTokens{p},
		// Asked only about an id_token_hint, which never gets this far.
		Signer: &jwt.DefaultSigner{},
	}
	store := storage{clientStorage: clientStorage{p}}
	p.engine = fosite.NewOAuth2Provider(store, cfg)
	for _, factory := range []compose.Factory{
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2RefreshTokenGrantFactory,
		compose.OpenIDConnectExplicitFactory, compose.OpenIDConnectImplicitFactory, compose.OpenIDConnectHybridFactory,
		compose.OpenIDConnectRefreshFactory,
		compose.OAuth2PKCEFactory, // after those that make codes
	} {
		h := factory(cfg, store, strategy)
		if x, ok := h.(fosite.AuthorizeEndpointHandler); ok {
			cfg.AuthorizeEndpointHandlers.Append(x)
		}
		if x, ok := h.(fosite.TokenEndpointHandler); ok {
			cfg.TokenEndpointHandlers.Append(x)
		}
	}
	if p.Devices != nil {
		cfg.TokenEndpointHandlers.Append(deviceGrant{p, openid.IDTokenHandleHelper{IDTokenStrategy: idTokens{p}}})
	}
}

// noHasher fails closed: secrets are compared in clientauth.go.
type noHasher struct{}

func (noHasher) Compare(context.Context, []byte, []byte) error { return idp.ErrDenied }
func (noHasher) Hash(context.Context, []byte) ([]byte, error)  { return nil, idp.ErrDenied }

// noFetcher fails closed: clients' signatures are checked in assertion.go and
// requestobject.go. fosite's would keep a cache of half a megabyte and two
// goroutines for them.
type noFetcher struct{}

func (noFetcher) Resolve(context.Context, string, bool) (*jose.JSONWebKeySet, error) {
	return nil, idp.ErrDenied
}

// idTokens makes the ID tokens of fosite's flows.
type idTokens struct{ p *Provider }

func (t idTokens) GenerateIDToken(ctx context.Context, lifespan time.Duration, r fosite.Requester) (string, error) {
	u := unitOf(ctx)
	s := r.GetSession().(*session)
	client := r.GetClient().(relying).Client
	now := t.p.Now()
	sub, err := t.p.subjects.Sub(client, s.User)
	if err != nil {
		u.fault = err
		return "", err
	}
	sid, err := t.p.subjects.SID(client, s.SID)
	if err != nil {
		u.fault = err
		return "", err
	}
	claims := map[string]any{
		"iss": t.p.Issuer, "sub": sub, "aud": client.ID, "iat": now.Unix(), "exp": now.Add(lifespan).Unix(),
		"auth_time": s.AuthTime, "acr": s.ACR, "amr": s.AMR, "sid": sid,
	}
	// A refreshed ID token has no nonce (OpenID Connect Core 1.0 §12.2), and
	// at that endpoint the form is anybody's.
	if nonce := r.GetRequestForm().Get("nonce"); nonce != "" && u.kind != KindRefresh {
		claims["nonce"] = nonce
	}
	if h := s.hashes.AccessTokenHash; h != "" {
		claims["at_hash"] = h
	}
	if h := s.hashes.CodeHash; h != "" {
		claims["c_hash"] = h
	}
	addClaims(claims, u.user, s.IDToken)
	// Scopes fill the ID token only where there is no access token to ask
	// userinfo with (§5.4), and for OCA's auth_oidc, which never asks.
	front, ok := r.(fosite.AuthorizeRequester)
	if client.Type == Odoo || ok && front.GetResponseTypes().ExactOne("id_token") {
		addClaims(claims, u.user, claimsOf(r.GetGrantedScopes()))
	}
	token, err := t.p.Keys.sign(ctx, client.IDTokenAlg, claims)
	if err != nil {
		u.fault = err
	}
	return token, err
}
