package idp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/nyaruka/phonenumbers"
	"golang.org/x/text/language"
)

// textable are the kinds of number that may take a code: no premium line ever,
// and no fixed line where it can be told.
var textable = map[phonenumbers.PhoneNumberType]bool{
	phonenumbers.MOBILE: true, phonenumbers.FIXED_LINE_OR_MOBILE: true, phonenumbers.PERSONAL_NUMBER: true,
	phonenumbers.VOIP: true, phonenumbers.UNKNOWN: true,
}

// ReadPhone reads a number as people write it and returns it in E.164.
// Without a country code it is read as one of the person's own country, as far
// as that is known. [ErrInvalid] when it is no number, or takes no text messages.
func ReadPhone(typed string, u User) (string, error) {
	const longest = 40
	if len(typed) > longest {
		return "", ErrInvalid
	}
	typed = strings.TrimSpace(typed)
	if rest, ok := strings.CutPrefix(typed, "00"); ok {
		typed = "+" + rest
	}
	n, err := phonenumbers.Parse(typed, country(u))
	if err != nil || !phonenumbers.IsValidNumber(n) {
		return "", errors.Join(ErrInvalid, err)
	}
	if !textable[phonenumbers.GetNumberType(n)] {
		return "", fmt.Errorf("%w: it takes no text messages", ErrInvalid)
	}
	return phonenumbers.Format(n, phonenumbers.E164), nil
}

// country is the region of the person's number, or the likely one of their
// language; "ZZ" when nobody knows.
func country(u User) string {
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

// CallingCode is the country of a number in E.164 and nothing else of it, such
// as +33; empty for what is no number.
func CallingCode(number string) string {
	n, err := phonenumbers.Parse(number, "ZZ")
	if err != nil {
		return ""
	}
	return fmt.Sprintf("+%d", n.GetCountryCode())
}
