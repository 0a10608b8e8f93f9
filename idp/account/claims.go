package account

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"latchkey/idp"
)

const (
	maxClaim    = 256  // bytes of a text
	maxClaimURL = 2048 // bytes
)

// checkProfile names what is wrong with the claims of a profile: they go into
// every token and page, so they are bounded, and an address that an application
// makes a link of runs no script (SECURITY.md X-05).
func checkProfile(p idp.Profile) (errs []error) {
	bad := func(field, want string) {
		errs = append(errs, inField("claims", fmt.Errorf("%w: %s: %s", idp.ErrInvalid, field, want)))
	}
	texts := [][2]string{
		{"given_name", p.GivenName}, {"family_name", p.FamilyName}, {"middle_name", p.MiddleName}, {"nickname", p.Nickname},
		{"preferred_username", p.PreferredUsername}, {"gender", p.Gender}, {"birthdate", p.Birthdate}, {"zoneinfo", p.Zoneinfo},
	}
	lines := [][2]string{} // these may have several
	if a := p.Address; a != nil {
		texts = append(texts, [2]string{"locality", a.Locality}, [2]string{"region", a.Region}, [2]string{"postal_code", a.PostalCode}, [2]string{"country", a.Country})
		lines = append(lines, [2]string{"formatted", a.Formatted}, [2]string{"street_address", a.StreetAddress}) // OpenID Connect Core 1.0 §5.1.1
	}
	for _, f := range texts {
		if len(f[1]) > maxClaim || Unprintable(f[1]) || !utf8.ValidString(f[1]) {
			bad(f[0], "at most 256 bytes without control characters are allowed")
		}
	}
	for _, f := range lines {
		flat := strings.NewReplacer("\r\n", " ", "\n", " ").Replace(f[1])
		if len(f[1]) > maxClaim || Unprintable(flat) || !utf8.ValidString(flat) {
			bad(f[0], "at most 256 bytes without control characters but line breaks are allowed")
		}
	}
	for _, f := range [][2]string{{"website", p.Website}, {"profile", p.Page}, {"picture", p.Picture}} {
		if f[1] != "" && !isPage(f[1]) {
			bad(f[0], "an address of at most 2048 bytes with http or https is expected")
		}
	}
	return errs
}

// isPage reports whether a text is an address that a browser opens.
func isPage(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= maxClaimURL && !Unprintable(s) && utf8.ValidString(s) && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}
