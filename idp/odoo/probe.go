package odoo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"

	"latchkey/idp"
	"latchkey/idp/oidc"
)

// probed is what the validation of a probe answers. To an Odoo it is an error,
// so that it signs nobody in and makes no user.
const probed = "latchkey_probe"

// A probe is a token of nobody. It goes the way of every other token, from us
// to an Odoo and from its server to the validation address, and only proves that
// this way is open.

// Probe arms one for a client.
func (s *Service) Probe(ctx context.Context, c oidc.Client) (token string, err error) {
	token = prefix + rand.Text() + rand.Text()
	body, err := json.Marshal(payload{Probe: true})
	if err != nil {
		return "", err
	}
	now := s.Now()
	g := oidc.Grant{Kind: oidc.KindOdoo, Signature: signature(token), Family: rand.Text(), Client: c.ID, Payload: body, Expires: now.Add(kept)}
	return token, s.Tokens.Arm(ctx, g, 1, now.Add(Window))
}

// Arrived reports whether a probe was validated at its client's address.
func (s *Service) Arrived(ctx context.Context, c oidc.Client, token string) (bool, error) {
	_, err := s.Tokens.Fire(ctx, signature(token), c.ID)
	if errors.Is(err, idp.ErrSpent) || errors.Is(err, idp.ErrNotFound) {
		return true, nil
	}
	return false, err
}
