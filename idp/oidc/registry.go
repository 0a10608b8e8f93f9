package oidc

import (
	"context"
	"slices"

	"latchkey/idp"
)

// registry is the clients as the endpoints see them: one that is shut out is not
// there.
type registry struct{ clients Clients }

// client finds a client that is in use, or fails with idp.ErrNotFound.
func (g registry) client(ctx context.Context, id ClientID) (Client, error) {
	if id == "" || len(id) > maxClientID {
		return Client{}, idp.ErrNotFound
	}
	c, err := g.clients.ByID(ctx, id)
	if err == nil && c.Disabled {
		return Client{}, idp.ErrNotFound
	}
	return c, err
}

// framed reports whether any client is told by the browser. Where none is, a
// sign-out asks the database nothing more.
func (g registry) framed(ctx context.Context) (bool, error) {
	cs, err := g.clients.All(ctx)
	return slices.ContainsFunc(cs, func(c Client) bool { return c.FrontchannelURI != "" }), err
}
