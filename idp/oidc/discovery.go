package oidc

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"latchkey/idp"
)

// metadata is the discovery document (OpenID Connect Discovery 1.0 §3,
// RFC 8414 §2). It is made once, from the issuer alone: no Host header changes
// it (P-33). It names only what is offered.
//
// enrolling adds where clients register themselves (P-29).
func metadata(c Config, enrolling bool) ([]byte, error) {
	var names []string
	for _, claim := range standard {
		names = append(names, claim.name)
	}
	always := []string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid", "at_hash", "c_hash"}
	secrets := []string{AuthBasic, AuthPost, AuthKey}
	all := slices.Concat(secrets, []string{AuthNone})
	doc := map[string]any{
		"issuer":                                                   c.Issuer,
		"authorization_endpoint":                                   c.Issuer + PathAuthorize,
		"token_endpoint":                                           c.Issuer + PathToken,
		"userinfo_endpoint":                                        c.Issuer + PathUserInfo,
		"jwks_uri":                                                 c.Issuer + PathJWKS,
		"introspection_endpoint":                                   c.Issuer + PathIntrospect,
		"revocation_endpoint":                                      c.Issuer + PathRevoke,
		"end_session_endpoint":                                     c.Issuer + PathLogout,
		"scopes_supported":                                         Scopes,
		"response_types_supported":                                 slices.Sorted(maps.Keys(responseTypes)),
		"response_modes_supported":                                 []string{"query", "fragment", "form_post"},
		"grant_types_supported":                                    c.Devices.among(grantCode, grantImplicit, grantRefresh, grantClient),
		"subject_types_supported":                                  SubjectTypes,
		"id_token_signing_alg_values_supported":                    Algs,
		"userinfo_signing_alg_values_supported":                    Algs,
		"token_endpoint_auth_methods_supported":                    all,
		"introspection_endpoint_auth_methods_supported":            secrets,
		"revocation_endpoint_auth_methods_supported":               all,
		"token_endpoint_auth_signing_alg_values_supported":         AssertionAlgs,
		"introspection_endpoint_auth_signing_alg_values_supported": AssertionAlgs,
		"revocation_endpoint_auth_signing_alg_values_supported":    AssertionAlgs,
		"backchannel_logout_supported":                             true,
		"backchannel_logout_session_supported":                     true,
		"frontchannel_logout_supported":                            true,
		"frontchannel_logout_session_supported":                    true,
		"code_challenge_methods_supported":                         []string{"S256"},
		"claims_supported":                                         append(always, names...),
		"claim_types_supported":                                    []string{"normal"},
		"acr_values_supported":                                     idp.ACRs,
		"display_values_supported":                                 []string{"page"},
		"prompt_values_supported":                                  []string{"none", "login", "consent", "select_account"},
		"authorization_response_iss_parameter_supported":           true,
		"claims_parameter_supported":                               true,
		"request_parameter_supported":                              true,
		"request_object_signing_alg_values_supported":              AssertionAlgs,
		"request_uri_parameter_supported":                          true,
		"require_request_uri_registration":                         true,
		"pushed_authorization_request_endpoint":                    c.Issuer + PathPAR,
		"require_pushed_authorization_requests":                    false,
	}
	c.Devices.tell(doc, c.Issuer)
	if enrolling {
		doc["registration_endpoint"] = c.Issuer + PathRegister
	}
	if len(c.Locales) > 0 {
		doc["ui_locales_supported"] = c.Locales
	}
	return json.Marshal(doc)
}

// Discovery serves the metadata.
func (p *Provider) Discovery(w http.ResponseWriter, r *http.Request) {
	if preflight(w, r, "GET") {
		return
	}
	body, caching := p.discovery, "public, max-age=3600"
	if p.Dynamic.on(r.Context()) {
		body, caching = p.enrolling, "public, max-age=300" // it may end
	}
	if p.creating(r.Context()) {
		body, caching = namesCreate(body), "public, max-age=300"
	}
	serveJSON(w, body, caching)
}

// JWKS serves the public halves of all keys, retired and coming ones included.
func (p *Provider) JWKS(w http.ResponseWriter, r *http.Request) {
	if preflight(w, r, "GET") {
		return
	}
	set, err := p.Keys.load(r.Context())
	if err != nil {
		p.refusals.json(w, r, storeFault(err))
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
