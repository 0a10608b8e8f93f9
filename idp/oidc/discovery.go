package oidc

import (
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
)

// metadata is the discovery document (OpenID Connect Discovery 1.0 §3,
// RFC 8414 §2). It is made once, from the issuer alone: no Host header changes
// it (P-33). It names only what is offered.
func (p *Provider) metadata() ([]byte, error) {
	var names []string
	for _, c := range standard {
		names = append(names, c.name)
	}
	always := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "c_hash"}
	secrets := []string{AuthBasic, AuthPost}
	doc := map[string]any{
		"issuer":                                         p.Issuer,
		"authorization_endpoint":                         p.Issuer + PathAuthorize,
		"token_endpoint":                                 p.Issuer + PathToken,
		"userinfo_endpoint":                              p.Issuer + PathUserInfo,
		"jwks_uri":                                       p.Issuer + PathJWKS,
		"introspection_endpoint":                         p.Issuer + PathIntrospect,
		"revocation_endpoint":                            p.Issuer + PathRevoke,
		"end_session_endpoint":                           p.Issuer + PathLogout,
		"scopes_supported":                               Scopes,
		"response_types_supported":                       slices.Sorted(maps.Keys(responseTypes)),
		"response_modes_supported":                       []string{"query", "fragment", "form_post"},
		"grant_types_supported":                          []string{grantCode, grantImplicit, grantRefresh, grantClient},
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          Algs,
		"token_endpoint_auth_methods_supported":          []string{AuthBasic, AuthPost, AuthNone},
		"introspection_endpoint_auth_methods_supported":  secrets,
		"revocation_endpoint_auth_methods_supported":     []string{AuthBasic, AuthPost, AuthNone},
		"code_challenge_methods_supported":               []string{"S256"},
		"claims_supported":                               append(always, names...),
		"claim_types_supported":                          []string{"normal"},
		"acr_values_supported":                           acrs,
		"display_values_supported":                       []string{"page"},
		"prompt_values_supported":                        []string{"none", "login", "consent", "select_account"},
		"authorization_response_iss_parameter_supported": true,
		"claims_parameter_supported":                     true,
		"request_parameter_supported":                    false,
		"request_uri_parameter_supported":                false,
	}
	if len(p.Locales) > 0 {
		doc["ui_locales_supported"] = p.Locales
	}
	return json.Marshal(doc)
}

// Discovery serves the metadata.
func (p *Provider) Discovery(w http.ResponseWriter, r *http.Request) {
	if p.preflight(w, r, "GET") {
		return
	}
	serveJSON(w, p.discovery, "public, max-age=3600")
}

// JWKS serves the public halves of all keys, retired and coming ones included.
func (p *Provider) JWKS(w http.ResponseWriter, r *http.Request) {
	if p.preflight(w, r, "GET") {
		return
	}
	set, err := p.Keys.load(r.Context())
	if err != nil {
		p.fail(w, r, errors.Join(refuse(unavailable, "Try again later."), err))
		return
	}
	// Short, so that after an emergency the old key is gone soon; the next key
	// is published long before it signs.
	serveJSON(w, set.jwks, "public, max-age=300")
}

func serveJSON(w http.ResponseWriter, body []byte, caching string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", caching)
	w.Write(body)
}
