package oidc

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/idp"
)

// Bearers knows who brings an access or refresh token, and what is so about them
// now.
type Bearers struct {
	registry registry
	grants   Grants
	tokens   *opaque
	now      func() time.Time
}

// held is a token that somebody presented and that is good.
type held struct {
	grant  Grant
	record record
	user   idp.User
	client Client
}

// lookup finds a good access or refresh token in one trip. It fails with
// idp.ErrNotFound for every token that is not: made up, expired, spent, of a
// person or client that is disabled, from before the last epoch (D-13).
func (b *Bearers) lookup(ctx context.Context, token string) (held, error) {
	kind, signature := KindAccess, b.tokens.AccessTokenSignature(ctx, token)
	if signature == "" {
		kind, signature = KindRefresh, b.tokens.RefreshTokenSignature(ctx, token)
	}
	if signature == "" {
		return held{}, idp.ErrNotFound
	}
	var h held
	var err error
	if h.grant, h.user, err = b.grants.Get(ctx, kind, signature); err != nil {
		return held{}, err
	}
	if h.record, err = decodeRecord(h.grant.Payload); err != nil {
		return held{}, err
	}
	if h.client, err = b.registry.client(ctx, h.grant.Client); err != nil {
		return held{}, err
	}
	gone := h.grant.Spent || !lives(h.grant, h.record, b.now()) || !alive(h.grant, h.record, h.user)
	if gone || h.grant.User != "" && !Admits(h.client, h.user) { // D-04
		return held{}, idp.ErrNotFound
	}
	return h, nil
}

// Machine returns the service client that an access token was given to, with
// the rights in the house that it has: those of the token's scopes that the
// client is still registered for (SECURITY.md D-04), and a name of the token for
// [Bearers.Registered], with which nobody gets in. It fails with
// idp.ErrNotFound for every other token: a person's token, whatever its scopes
// are called, never opens the API. It costs one read.
func (b *Bearers) Machine(ctx context.Context, token string) (Client, []idp.Right, string, error) {
	h, err := b.lookup(ctx, token)
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
func (b *Bearers) Registered(ctx context.Context, id ClientID, token string) ([]idp.Right, error) {
	c, err := b.registry.client(ctx, id)
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
	g, _, err := b.grants.Get(ctx, KindAccess, signature)
	gone := errors.Is(err, idp.ErrNotFound)
	switch {
	case err != nil && !gone:
		return nil, err
	case gone && b.now().UnixMilli() < expires, !gone && (g.Spent || g.Client != id): // what has expired is swept away
		return nil, idp.ErrNotFound
	}
	return HouseRights(c.Scopes), nil
}
