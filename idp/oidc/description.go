package oidc

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"latchkey/idp"
)

// description is what a client says of itself, and what we say of it (OpenID
// Connect Dynamic Client Registration 1.0 §2, RFC 7591 §2). Names that are not
// here are ignored, those with a language among them.
type description struct {
	ID     ClientID `json:"client_id,omitempty"`
	Secret string   `json:"client_secret,omitempty"`

	Name            string          `json:"client_name,omitempty"`
	ApplicationType string          `json:"application_type,omitempty"`
	RedirectURIs    []string        `json:"redirect_uris,omitempty"`
	PostLogoutURIs  []string        `json:"post_logout_redirect_uris,omitempty"`
	ResponseTypes   []string        `json:"response_types,omitempty"`
	GrantTypes      []string        `json:"grant_types,omitempty"`
	Scope           string          `json:"scope,omitempty"`
	AuthMethod      string          `json:"token_endpoint_auth_method,omitempty"`
	AuthAlg         string          `json:"token_endpoint_auth_signing_alg,omitempty"`
	Keys            json.RawMessage `json:"jwks,omitempty"`
	KeysURI         string          `json:"jwks_uri,omitempty"`
	SubjectType     string          `json:"subject_type,omitempty"`
	SectorURI       string          `json:"sector_identifier_uri,omitempty"`
	IDTokenAlg      string          `json:"id_token_signed_response_alg,omitempty"`
	UserInfoAlg     string          `json:"userinfo_signed_response_alg,omitempty"`
	RequestAlg      string          `json:"request_object_signing_alg,omitempty"`
	RequestURIs     []string        `json:"request_uris,omitempty"`
	RequirePushed   bool            `json:"require_pushed_authorization_requests,omitempty"`
	MaxAge          *int64          `json:"default_max_age,omitempty"`
	AuthTime        bool            `json:"require_auth_time,omitempty"`
	ACRs            []string        `json:"default_acr_values,omitempty"`
	InitiateURI     string          `json:"initiate_login_uri,omitempty"`
	Backchannel     string          `json:"backchannel_logout_uri,omitempty"`
	BackSession     bool            `json:"backchannel_logout_session_required,omitempty"`
	Frontchannel    string          `json:"frontchannel_logout_uri,omitempty"`
	FrontSession    bool            `json:"frontchannel_logout_session_required,omitempty"`
	Contacts        []string        `json:"contacts,omitempty"`
	HomeURI         string          `json:"client_uri,omitempty"`
	LogoURI         string          `json:"logo_uri,omitempty"`
	PolicyURI       string          `json:"policy_uri,omitempty"`
	TermsURI        string          `json:"tos_uri,omitempty"`
}

// Kinds of application (§2).
const (
	applicationWeb    = "web"
	applicationNative = "native"
)

// selfScopes are what a client that names no scope is registered for. Groups say
// how the house is organised, so they must be asked for.
var selfScopes = []string{"openid", "profile", "email", "phone", "address", "offline_access"}

// impossible are what we know and cannot do. Who asks for it must not believe that
// it has it.
var impossible = []string{
	"id_token_encrypted_response_alg", "id_token_encrypted_response_enc", "userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc",
	"request_object_encryption_alg", "request_object_encryption_enc", "authorization_signed_response_alg", "authorization_encrypted_response_alg",
	"introspection_signed_response_alg", "dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens", "require_signed_request_object",
}

func refuseImpossible(body []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return refuse(invalidMetadata, "The body is not a JSON object.")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		said := string(members[name])
		if slices.Contains(impossible, name) && said != "false" && said != "null" && said != `""` {
			return refuse(invalidMetadata, name+": is not possible here: nothing is encrypted, tokens are not bound to keys, and requests without a signature are taken, too.")
		}
	}
	return nil
}

// kind is the type that a client will be of.
func (d description) kind() (Type, error) {
	switch {
	case d.ApplicationType == applicationNative:
		return Native, nil
	case d.ApplicationType != "" && d.ApplicationType != applicationWeb:
		return "", invalid("application_type", "%q is neither web nor native", d.ApplicationType)
	case d.AuthMethod == AuthNone:
		return SPA, nil
	}
	return Web, nil
}

// input is the description in the words of [NewClient], with the defaults of the
// specification in the place of ours.
func (d description) input() (Input, error) {
	t, err := d.kind()
	if err = errors.Join(err, d.checkGrants(), checkName(d.Name)); err != nil {
		return Input{}, err
	}
	in := Input{
		Name: d.Name, Type: t, RedirectURIs: d.RedirectURIs, PostLogoutURIs: d.PostLogoutURIs, GrantTypes: d.GrantTypes, ResponseTypes: d.ResponseTypes,
		Scopes: strings.Fields(d.Scope), AuthMethod: d.AuthMethod, IDTokenAlg: d.IDTokenAlg, BackchannelURI: d.Backchannel, FrontchannelURI: d.Frontchannel,
		Requests: Requests{RequirePushed: d.RequirePushed, RequestURIs: d.RequestURIs, RequestAlg: d.RequestAlg},
		Details: Details{
			KeysURI: d.KeysURI, SubjectType: d.SubjectType, SectorURI: d.SectorURI, UserInfoAlg: d.UserInfoAlg, AuthAlg: d.AuthAlg, MaxAge: d.MaxAge, AuthTime: d.AuthTime,
			ACRs: d.ACRs, InitiateURI: d.InitiateURI, Contacts: d.Contacts, HomeURI: d.HomeURI, LogoURI: d.LogoURI, PolicyURI: d.PolicyURI, TermsURI: d.TermsURI,
		},
	}
	if in.AuthMethod == "" { // §2, but for an app on a device, which keeps no secret (RFC 8252 §8.5)
		in.AuthMethod = map[bool]string{true: AuthNone, false: AuthBasic}[t == Native]
	}
	in.ResponseTypes, in.GrantTypes = or(in.ResponseTypes, []string{"code"}), or(in.GrantTypes, []string{grantCode})
	in.Scopes = or(in.Scopes, selfScopes)
	for _, s := range in.Scopes { // others mean something to somebody, who has to give them
		if !slices.Contains(Scopes, s) {
			return Input{}, invalid("scope", "%q is not given to clients that register themselves", s)
		}
	}
	if said := string(d.Keys); said != "" && said != "null" {
		in.Keys, err = readKeys(d.Keys)
	}
	if in.AuthMethod == AuthNone && in.RequestAlg == "" && len(in.RequestURIs) == 0 {
		in.Keys, in.KeysURI = nil, "" // it has nothing to sign; the answer says what is registered (RFC 7591 §3.2.1)
	}
	return in, err
}

// describe says what is registered.
func describe(c Client) description {
	d := description{
		ID: c.ID, Name: c.Name, ApplicationType: applicationWeb, RedirectURIs: c.RedirectURIs, PostLogoutURIs: c.PostLogoutURIs, ResponseTypes: c.ResponseTypes,
		GrantTypes: c.GrantTypes, Scope: strings.Join(c.Scopes, " "), AuthMethod: c.AuthMethod, AuthAlg: c.AuthAlg, KeysURI: c.KeysURI, SubjectType: c.SubjectType,
		SectorURI: c.SectorURI, IDTokenAlg: c.IDTokenAlg, UserInfoAlg: c.UserInfoAlg, RequestAlg: c.RequestAlg, RequestURIs: c.RequestURIs, RequirePushed: c.RequirePushed,
		MaxAge: c.MaxAge, AuthTime: c.AuthTime, ACRs: c.ACRs, InitiateURI: c.InitiateURI, Contacts: c.Contacts, HomeURI: c.HomeURI, LogoURI: c.LogoURI,
		PolicyURI: c.PolicyURI, TermsURI: c.TermsURI,
		// What is told of the end of a session has the session in it.
		Backchannel: c.BackchannelURI, BackSession: c.BackchannelURI != "", Frontchannel: c.FrontchannelURI, FrontSession: c.FrontchannelURI != "" && !c.FrontchannelPlain,
	}
	if c.Type == Native {
		d.ApplicationType = applicationNative
	}
	if d.SubjectType == "" {
		d.SubjectType = SubjectPublic
	}
	if len(c.Keys) > 0 {
		set := map[string]any{"keys": c.Keys}
		if raw, err := json.Marshal(set); err == nil { // they were read from JSON
			d.Keys = raw
		}
	}
	return d
}

// registered is the answer to a client (RFC 7591 §3.2.1, RFC 7592 §3).
type registered struct {
	description
	Issued  int64  `json:"client_id_issued_at"`
	Expires *int64 `json:"client_secret_expires_at,omitempty"` // 0: never; absent: there is no secret
	URI     string `json:"registration_client_uri"`
	Token   string `json:"registration_access_token"`
}

// answer is what a client is told. A secret is told when it is made, and to
// who has just shown it: only its hash is kept.
func (e enrolments) answer(c Client, secret, token string) registered {
	out := registered{description: describe(c), Issued: c.Created.Unix(), URI: e.issuer + PathRegister + "/" + string(c.ID), Token: token}
	out.Secret = secret
	if c.HasSecret() {
		out.Expires = new(int64)
	}
	return out
}

// inRegistration are the specification's names of fields that have others with us.
var inRegistration = map[string]string{
	"post_logout_uris": "post_logout_redirect_uris", "id_token_alg": "id_token_signed_response_alg", "auth_method": "token_endpoint_auth_method",
	"name": "client_name", "scopes": "scope", "require_pushed": "require_pushed_authorization_requests",
}

// misdescribed is what a client is told of mistakes in its description.
func misdescribed(err error) error {
	var texts []string
	code := invalidMetadata
	for line := range strings.Lines(err.Error()) {
		field, text, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), idp.ErrInvalid.Error()+": "), ": ")
		if field == "redirect_uris" {
			code = invalidRedirect
		}
		texts = append(texts, cmp.Or(inRegistration[field], field)+": "+text)
	}
	return refuse(code, strings.Join(texts, "; "))
}
