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
