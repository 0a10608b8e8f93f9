package connector

import (
	"context"
	"errors"
	"strings"

	"latchkey/idp"
	"latchkey/idp/odoo/rpc"
	"latchkey/idp/oidc"
)

// Setup connects Odoos and disconnects them.
type Setup struct {
	book    *Book
	clients oidc.Clients
	issuer  string
	buttons buttons
	way     *Way
}

// Databases lists the databases of an Odoo that is not connected yet; none
// where it does not say. Odoo Online has one, and names it in its address.
func (s *Setup) Databases(ctx context.Context, by idp.Actor, address string) ([]string, error) {
	if err := may(by); err != nil {
		return nil, err
	}
	at, err := addressOf(address)
	if err != nil {
		return nil, err
	}
	all, err := rpc.Databases(ctx, s.book.config(Connection{URL: at}))
	if errors.Is(err, rpc.ErrDenied) || errors.Is(err, rpc.ErrNotOdoo) {
		return nil, nil // it does not list them; whether it is an Odoo shows when somebody signs in
	}
	return all, err
}

// addressOf reads what somebody typed for an Odoo's address.
func addressOf(typed string) (string, error) {
	at := strings.TrimRight(strings.TrimSpace(typed), "/")
	if !strings.Contains(at, "://") {
		at = "https://" + at
	}
	if origin(at) == "" {
		return "", refuse("refused.url", idp.ErrInvalid, typed)
	}
	return at, nil
}

// again keeps a connection that was there before. What an administrator may have
// changed meanwhile, and this work has not, stays as it is by now.
func (j *joining) again(ctx context.Context, c Connection) error {
	var err error
	j.c, err = j.book.learn(ctx, c.ID, func(now *Connection) {
		c.Settings, c.Lock, c.Facts.Before = now.Settings, now.Lock, now.Facts.Before
		*now = c
	})
	return err
}
