package security

import (
	"errors"

	"latchkey/idp"
)

// number reads a phone number as people write it, or fails with ErrUnusable.
func number(typed string, u idp.User) (string, error) {
	n, err := idp.ReadPhone(typed, u)
	if err != nil {
		return "", errors.Join(ErrUnusable, err)
	}
	return n, nil
}
