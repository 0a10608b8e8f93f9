package account

import (
	"errors"
	"strings"
	"testing"

	"latchkey/idp"
)

// claims are bounded, and their addresses run nothing.
func TestClaims(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, p := range []idp.Profile{
		{}, {GivenName: long[:256]}, {Website: "https://example.org/" + long}, {Page: "http://example.org"},
		{Address: &idp.Address{Formatted: "1 Quay\nHarbour", StreetAddress: "1 Quay\r\nBack"}},
	} {
		if errs := checkProfile(p); len(errs) != 0 {
			t.Errorf("%+v: %v", p, errs)
		}
	}
	for _, p := range []idp.Profile{
		{GivenName: long}, {FamilyName: "a\nb"}, {MiddleName: "a\x00"}, {Nickname: long}, {Gender: "\xff"}, {Zoneinfo: long}, {PreferredUsername: "a\x7f"}, {Birthdate: long},
		{Website: "javascript:alert(1)"}, {Page: "data:text/html,x"}, {Picture: "//example.org/x"}, {Page: "https://"}, {Website: "https://example.org/" + strings.Repeat("x", 2048)},
		{Address: &idp.Address{Formatted: long}}, {Address: &idp.Address{Country: "a\nb"}}, {Address: &idp.Address{StreetAddress: "a\x1bb"}},
	} {
		errs := checkProfile(p)
		if len(errs) != 1 || !errors.Is(errs[0], idp.ErrInvalid) {
			t.Errorf("%+v: %v", p, errs)
		}
	}
}
