package oidc

import (
	"slices"

	"latchkey/idp"
)

// Scopes that every client may be registered for.
var Scopes = []string{"openid", "profile", "email", "phone", "address", "groups", "offline_access"}

// standard is the one table of what we say about people: the scope that asks for
// it (OpenID Connect Core 1.0 §5.4) and where it comes from. What has no value
// is left out.
var standard = []struct {
	name, scope string
	of          func(u idp.User) any
}{
	{"name", "profile", func(u idp.User) any { return u.Name }},
	{"given_name", "profile", func(u idp.User) any { return u.Profile.GivenName }},
	{"family_name", "profile", func(u idp.User) any { return u.Profile.FamilyName }},
	{"middle_name", "profile", func(u idp.User) any { return u.Profile.MiddleName }},
	{"nickname", "profile", func(u idp.User) any { return u.Profile.Nickname }},
	{"preferred_username", "profile", func(u idp.User) any { return PreferredUsername(u) }},
	{"profile", "profile", func(u idp.User) any { return u.Profile.Page }},
	{"picture", "profile", func(u idp.User) any { return u.Profile.Picture }},
	{"website", "profile", func(u idp.User) any { return u.Profile.Website }},
	{"gender", "profile", func(u idp.User) any { return u.Profile.Gender }},
	{"birthdate", "profile", func(u idp.User) any { return u.Profile.Birthdate }},
	{"zoneinfo", "profile", func(u idp.User) any { return u.Profile.Zoneinfo }},
	{"locale", "profile", func(u idp.User) any { return u.Locale }},
	{"updated_at", "profile", func(u idp.User) any {
		if u.Updated.IsZero() {
			return nil
		}
		return u.Updated.Unix()
	}},
	{"email", "email", func(u idp.User) any { return u.Email }},
	{"email_verified", "email", func(u idp.User) any {
		if u.Email == "" {
			return nil
		}
		return u.EmailVerified
	}},
	{"phone_number", "phone", func(u idp.User) any { return u.Phone }},
	{"phone_number_verified", "phone", func(u idp.User) any {
		if u.Phone == "" {
			return nil
		}
		return u.PhoneVerified
	}},
	{"address", "address", func(u idp.User) any {
		if u.Profile.Address == nil {
			return nil
		}
		return u.Profile.Address
	}},
	{"groups", "groups", func(u idp.User) any {
		if len(u.Groups) == 0 {
			return nil
		}
		return u.Groups
	}},
}

// scopeOf is the scope to which a claim belongs.
var scopeOf = func() map[string]string {
	m := map[string]string{}
	for _, c := range standard {
		m[c.name] = c.scope
	}
	return m
}()

// PreferredUsername is what the person calls themselves, or their login.
func PreferredUsername(u idp.User) string {
	if u.Profile.PreferredUsername != "" {
		return u.Profile.PreferredUsername
	}
	return u.Login
}

// claimsOf lists the claims that scopes ask for.
func claimsOf(scopes []string) []string {
	var out []string
	for _, c := range standard {
		if slices.Contains(scopes, c.scope) {
			out = append(out, c.name)
		}
	}
	return out
}

// addClaims adds those of the named claims that have a value.
func addClaims(to map[string]any, u idp.User, names []string) {
	for _, c := range standard {
		if !slices.Contains(names, c.name) {
			continue
		}
		if v := c.of(u); v != nil && v != "" {
			to[c.name] = v
		}
	}
}
