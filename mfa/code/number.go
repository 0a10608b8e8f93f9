package code

import (
	"fmt"
	"slices"

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
