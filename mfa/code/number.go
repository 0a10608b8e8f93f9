package code

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nyaruka/phonenumbers"
)

// unreachable are the numbers that no person reads SMS on, or that cost extra:
// having codes sent to them is how somebody would earn.
var unreachable = []phonenumbers.PhoneNumberType{
	phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST, phonenumbers.TOLL_FREE, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL,
}

// numberOf reads a number in E.164, or fails with ErrAddress.
func numberOf(e164 string) (*phonenumbers.PhoneNumber, error) {
	n, err := phonenumbers.Parse(e164, phonenumbers.UNKNOWN_REGION)
	switch {
	case err != nil, !phonenumbers.IsValidNumber(n), phonenumbers.Format(n, phonenumbers.E164) != e164:
		return nil, fmt.Errorf("%w: a phone number in international form, such as +33612345678, is expected", ErrAddress)
	case slices.Contains(unreachable, phonenumbers.GetNumberType(n)):
		return nil, fmt.Errorf("%w: this kind of phone number gets no SMS", ErrAddress)
	}
	return n, nil
}

// country names where a number belongs, such as "+33 FR"; calling codes alone
// are not enough, because some serve many countries. It is returned even with
// ErrCountry. For e-mail it is empty.
func (f Factor) country(to string) (string, error) {
	if f.Channel != SMS {
		return "", nil
	}
	n, err := numberOf(to)
	if err != nil {
		return "", err
	}
	code, region := "+"+strconv.Itoa(int(n.GetCountryCode())), phonenumbers.GetRegionCodeForNumber(n)
	name := strings.TrimSpace(code + " " + region)
	allowed := len(f.Countries) == 0 || slices.ContainsFunc(f.Countries, func(c string) bool {
		return c == region || strings.HasPrefix(c, "+") && strings.HasPrefix(to, c)
	})
	if !allowed {
		return name, ErrCountry
	}
	return name, nil
}

const hidden = "•••"

// mask shows as much of an address as its owner needs to know which one it is.
// How much is hidden tells nothing of its length.
func (f Factor) mask(to string) string {
	if f.Channel == Email {
		local, domain, _ := strings.Cut(to, "@")
		_, size := utf8.DecodeRuneInString(local)
		return local[:size] + hidden + "@" + domain
	}
	code := ""
	if n, err := phonenumbers.Parse(to, phonenumbers.UNKNOWN_REGION); err == nil {
		code = "+" + strconv.Itoa(int(n.GetCountryCode())) + " "
	}
	return code + "•• •• •• " + to[max(len(to)-2, 0):]
}
