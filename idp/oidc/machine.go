package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"latchkey/idp"
)

// Machine returns the service client that an access token was given to, with
// the rights in the house that it has: those of the token's scopes that the
// client is still registered for (SECURITY.md D-04), and a name of the token for
// [Provider.Registered], with which nobody gets in. It fails with
// idp.ErrNotFound for every other token: a person's token, whatever its scopes
// are called, never opens the API. It costs one read.
func (p *Provider) Machine(ctx context.Context, token string) (Client, []idp.Right, string, error) {
	h, err := p.lookup(ctx, token)
	if err != nil {
		return Client{}, nil, "", err
	}
	if h.grant.Kind != KindAccess || h.grant.User != "" || h.client.Type != Service {
		return Client{}, nil, "", idp.ErrNotFound
	}
	rights := slices.DeleteFunc(HouseRights(h.record.Scopes), func(r idp.Right) bool { return !slices.Contains(h.client.Scopes, string(r)) })
	return h.client, rights, strconv.FormatInt(h.grant.Expires.UnixMilli(), 10) + "." + h.grant.Signature, nil
}

// Registered lists the rights in the house that a service has now, or fails with
// idp.ErrNotFound: there is none of that name, it is shut out, or the token that
// it came with, as Machine named it, was revoked (SECURITY.md D-04). One that has
// expired takes nothing back: what was begun while it was good may outlive it.
func (p *Provider) Registered(ctx context.Context, id ClientID, token string) ([]idp.Right, error) {
	c, err := p.client(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.Type != Service {
		return nil, idp.ErrNotFound
	}
	until, signature, _ := strings.Cut(token, ".")
	expires, err := strconv.ParseInt(until, 10, 64)
	if err != nil {
		return nil, idp.ErrNotFound
	}
	g, _, err := p.Grants.Get(ctx, KindAccess, signature)
	gone := errors.Is(err, idp.ErrNotFound)
	switch {
	case err != nil && !gone:
		return nil, err
	case gone && p.Now().UnixMilli() < expires, !gone && (g.Spent || g.Client != id): // what has expired is swept away
		return nil, idp.ErrNotFound
	}
	return HouseRights(c.Scopes), nil
}

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
