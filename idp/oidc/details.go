package oidc

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"latchkey/idp"
)

// Subject types (OpenID Connect Core 1.0 §8).
const (
	SubjectPublic   = "public"
	SubjectPairwise = "pairwise"
)

// SubjectTypes lists them.
var SubjectTypes = []string{SubjectPublic, SubjectPairwise}

// Details are what a client may say of itself beyond what every client does
// (OpenID Connect Dynamic Client Registration 1.0 §2).
type Details struct {
	KeysURI     string   `json:"jwks_uri,omitempty"`              // in the place of Keys; see keyShelf
	SubjectType string   `json:"subject_type,omitempty"`          // empty: public
	SectorURI   string   `json:"sector_identifier_uri,omitempty"` // a list of all its redirect URIs
	UserInfoAlg string   `json:"userinfo_alg,omitempty"`          // empty: userinfo is not signed
	AuthAlg     string   `json:"auth_alg,omitempty"`              // the only one that signs its assertions; empty: any of ours
	MaxAge      *int64   `json:"default_max_age,omitempty"`       // seconds
	AuthTime    bool     `json:"require_auth_time,omitempty"`     // ID tokens have it in any case
	ACRs        []string `json:"default_acr_values,omitempty"`
	InitiateURI string   `json:"initiate_login_uri,omitempty"` // https
	Contacts    []string `json:"contacts,omitempty"`
	HomeURI     string   `json:"client_uri,omitempty"`
	LogoURI     string   `json:"logo_uri,omitempty"` // where Logo came from; pages never lead there
	PolicyURI   string   `json:"policy_uri,omitempty"`
	TermsURI    string   `json:"tos_uri,omitempty"`
	Logo        []byte   `json:"logo,omitempty"` // a PNG of ours, see package picture
	Self        *Self    `json:"self,omitempty"` // nil: an administrator registered it
}

// Self is about a client that registered itself.
type Self struct {
	Token string     `json:"token"`        // hex SHA-256 of its registration access token
	By    idp.UserID `json:"by,omitempty"` // whose initial access token it had; empty: none was asked for
	// Frozen: an administrator has changed the client, whose word counts from then on.
	Frozen bool `json:"frozen,omitempty"`
}

// said are the words of Details in the log, see recordedFields.
func (d Details) said() map[string]string {
	age := ""
	if d.MaxAge != nil {
		age = strconv.FormatInt(*d.MaxAge, 10)
	}
	return map[string]string{
		"jwks_uri": d.KeysURI, "subject_type": d.SubjectType, "sector_identifier_uri": d.SectorURI, "userinfo_alg": d.UserInfoAlg, "default_max_age": age,
		"default_acr_values": strings.Join(d.ACRs, " "), "initiate_login_uri": d.InitiateURI, "contacts": strings.Join(d.Contacts, ", "),
		"client_uri": d.HomeURI, "logo_uri": d.LogoURI, "policy_uri": d.PolicyURI, "tos_uri": d.TermsURI,
	}
}

// Bounds of what clients say of themselves.
const (
	maxAddress  = 2000 // bytes of each address
	maxContacts = 10
	maxContact  = 254 // bytes
	maxACRs     = 10
)

// Pairwise reports whether the client knows people by names of its own.
func (d Details) Pairwise() bool { return d.SubjectType == SubjectPairwise }

// checkDetails checks what Details says, each mistake by its name in the
// registration.
func (c Client) checkDetails() error {
	var errs []error
	wrong := func(bad bool, field, format string, args ...any) {
		if bad {
			errs = append(errs, invalid(field, format, args...))
		}
	}
	wrong(c.UserInfoAlg != "" && !slices.Contains(Algs, c.UserInfoAlg), "userinfo_signed_response_alg", "%q is not possible; allowed: %s", c.UserInfoAlg, strings.Join(Algs, ", "))
	wrong(c.AuthAlg != "" && c.AuthMethod != AuthKey, "token_endpoint_auth_signing_alg", "is for auth_method %s only", AuthKey)
	wrong(c.AuthAlg != "" && !slices.Contains(AssertionAlgs, c.AuthAlg), "token_endpoint_auth_signing_alg", "%q is not possible; allowed: %s", c.AuthAlg, strings.Join(AssertionAlgs, ", "))
	wrong(c.MaxAge != nil && *c.MaxAge < 0, "default_max_age", "must be a number of seconds")
	wrong(len(c.ACRs) > maxACRs || slices.ContainsFunc(c.ACRs, func(s string) bool { return len(s) > maxContact || !scopeChars(s) }), "default_acr_values", "must be at most %d words", maxACRs)
	wrong(len(c.Contacts) > maxContacts || slices.ContainsFunc(c.Contacts, func(s string) bool {
		return s == "" || len(s) > maxContact || strings.ContainsFunc(s, unicode.IsControl)
	}), "contacts", "must be at most %d, each on one line", maxContacts)
	for _, a := range []struct {
		field, uri string
		secure     bool // https whoever asks
		called     bool // we go there
	}{
		{"jwks_uri", c.KeysURI, false, true}, {"sector_identifier_uri", c.SectorURI, true, true}, {"initiate_login_uri", c.InitiateURI, true, false},
		{"client_uri", c.HomeURI, true, false}, {"logo_uri", c.LogoURI, true, false}, {"policy_uri", c.PolicyURI, true, false}, {"tos_uri", c.TermsURI, true, false},
	} {
		if a.uri == "" {
			continue
		}
		if err := checkAddress(a.uri, a.secure, a.called); err != nil {
			errs = append(errs, invalid(a.field, "%q %s", a.uri, err))
		}
	}
	return errors.Join(append(errs, checkSubjects(c))...)
}

// checkAddress judges an address that is no redirect URI. Those that people
// follow may point into a page.
func checkAddress(uri string, secure, called bool) error {
	page, _, _ := strings.Cut(uri, "#")
	_, err := checkURI(Web, page)
	switch {
	case len(uri) > maxAddress:
		return errors.New("is too long")
	case err != nil:
		return err
	case called && page != uri:
		return errors.New("has a fragment")
	case secure && !strings.HasPrefix(uri, "https://"):
		return errors.New("must be https")
	case called && !callable(uri):
		return errors.New("is in a private or special network, which is never called") // P-28
	}
	return nil
}

// checkSubjects checks by which names the client knows people.
func checkSubjects(c Client) error {
	switch {
	case c.SubjectType != "" && !slices.Contains(SubjectTypes, c.SubjectType):
		return invalid("subject_type", "%q is not possible; allowed: %s", c.SubjectType, strings.Join(SubjectTypes, ", "))
	case !c.Pairwise():
		return nil
	case c.Type == Odoo || c.Type == Service:
		// An Odoo's accounts are linked by the user's own id.
		return invalid("subject_type", "pairwise is not for type %s", c.Type)
	case sector(c) == "":
		return invalid("sector_identifier_uri", "pairwise subjects need it where the redirect_uris are not all at one host") // §8.1
	}
	return nil
}

// sector is the host that stands for a pairwise client, and for all that name the
// same sector_identifier_uri (OpenID Connect Core 1.0 §8.1); empty where there is
// not exactly one. A host is meant only where answers go there by https, so that
// whoever names another's receives nothing. Who is answered elsewhere, by an own
// scheme, on a device or without a redirect, is a sector by itself.
func sector(c Client) string {
	from := c.RedirectURIs
	if c.SectorURI != "" {
		from = []string{c.SectorURI}
	}
	far := func(uri string) bool { return !strings.HasPrefix(strings.ToLower(uri), "https://") }
	if len(from) == 0 || slices.ContainsFunc(from, far) || c.ByItself() && slices.Contains(c.GrantTypes, GrantDevice) {
		return "client " + string(c.ID) // no host has a space
	}
	host := ""
	for i, uri := range from {
		u, err := url.Parse(uri)
		if err != nil || u.Hostname() == "" {
			return ""
		}
		if h := strings.ToLower(u.Hostname()); i == 0 {
			host = h
		} else if h != host {
			return ""
		}
	}
	return host
}

// naming is under which names a client knows people: two clients of which it is
// the same know the same person by the same name.
func naming(c Client) string {
	if !c.Pairwise() {
		return SubjectPublic
	}
	return SubjectPairwise + " " + sector(c)
}
