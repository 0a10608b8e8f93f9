package oidc

import (
	"fmt"
	"slices"

	"latchkey/idp"
)

// HouseRights lists the rights in the house among some scopes. The list is
// never nil: as [idp.Actor.Scopes] that would mean all.
func HouseRights(scopes []string) []idp.Right {
	out := []idp.Right{}
	for _, r := range idp.Rights() {
		if slices.Contains(scopes, string(r)) {
			out = append(out, r)
		}
	}
	return out
}

// MayRegister refuses to give a client scopes that are rights in the house, or
// new proof of itself when it has some: they are for services, and nobody gives
// one a right that they have not got themselves (SECURITY.md D-02). A token of
// the API does neither: it makes no other credentials for the API, which would
// outlive it.
func MayRegister(by idp.Actor, c Client) error {
	for _, r := range HouseRights(c.Scopes) {
		switch {
		case c.Type != Service:
			return invalid("scopes", "%q is a right in the house; only a service can have it", r)
		case r == idp.MakeTokens:
			return invalid("scopes", "%q is for people", r)
		case by.Scopes != nil:
			return fmt.Errorf("a token of the API gives no client rights in the house: %w", &idp.DeniedError{Right: r})
		}
		if err := by.May(r); err != nil {
			return err
		}
	}
	return nil
}
