package security

import (
	"errors"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"

	"latchkey/idp"
)

// number reads a phone number as people write it and returns it in E.164.
// Without a country code it is read as one of the person's own country, as far
// as that is known.
func number(typed string, u idp.User) (string, error) {
	const longest = 40
	if len(typed) > longest {
		return "", ErrUnusable
	}
	n, err := phonenumbers.Parse(typed, country(u))
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", errors.Join(ErrUnusable, err)
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// country is the region of the person's number, or the likely one of their
// language; "ZZ" when nobody knows.
func country(u idp.User) string {
	if n, err := phonenumbers.Parse(u.Phone, "ZZ"); err == nil {
		if r := phonenumbers.GetRegionCodeForNumber(n); r != "" {
			return r
		}
	}
	tag, err := language.Parse(u.Locale)
	if err != nil {
		return "ZZ"
	}
	r, sure := tag.Region()
	if sure == language.No {
		return "ZZ"
	}
	return r.String()
}
