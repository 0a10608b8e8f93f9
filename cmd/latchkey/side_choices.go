package main

import (
	"context"
	"log/slog"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/oidc"
	"latchkey/idp/settings"
	rooms "latchkey/ui/admin/house"
)

// choiceSide is what administrators choose for the house: settings and looks.
type choiceSide struct {
	*ground
	settings *settings.Service
	brands   *brand.Service
}

func newChoices(g *ground) *choiceSide {
	return &choiceSide{
		ground:   g,
		settings: &settings.Service{Store: g.db.Settings, Log: g.db.Log, Atomic: g.db.Atomic, Now: g.now, Limiter: g.db.Limiter},
		brands: &brand.Service{
			Store: g.db.Brands, Default: brand.Brand{Name: g.cfg.Branding.Name}, Languages: tags(), Log: g.db.Log, Atomic: g.db.Atomic, Now: g.now,
			Known: func(ctx context.Context, id idp.ClientID) error {
				_, err := g.db.Clients.ByID(ctx, id)
				return err
			},
		},
	}
}

// assurance is what administrators prove at least. What cannot be read asks for
// the most.
func (c *choiceSide) assurance(ctx context.Context) string {
	s, err := c.settings.House(ctx)
	if err != nil {
		slog.WarnContext(ctx, "the settings cannot be read; the administration asks for a passkey", "err", err)
		return idp.PhishingResistant
	}
	return s.Assurance
}

// sessionLimit is how many sessions a person may have at once; 0: any number.
func (c *choiceSide) sessionLimit(ctx context.Context) (int, error) {
	s, err := c.settings.House(ctx)
	return s.Sessions, err
}

// registers reports whether people may make an account on the way to a client.
// What cannot be read says no.
func (c *choiceSide) registers(ctx context.Context, id idp.ClientID) bool {
	s, err := c.settings.Registration(ctx)
	return err == nil && s.For(id)
}

// creating reports whether people may make an account on the way to anywhere.
func (c *choiceSide) creating(ctx context.Context) bool {
	s, err := c.settings.Registration(ctx)
	return err == nil && s.Open
}

// secondApprover reports whether a temporary code takes two administrators.
func (c *choiceSide) secondApprover(ctx context.Context) (bool, error) {
	s, err := c.settings.House(ctx)
	return s.SecondApprover, err
}

// openToAll reports whether an application lets in whoever has an account.
func openToAll(a oidc.Client) bool {
	return !a.Disabled && a.Type != oidc.Service && len(a.Groups) == 0
}

// brandable lists the applications that may have looks of their own.
func (c *choiceSide) brandable(ctx context.Context) ([]rooms.Client, error) {
	all, err := c.db.Clients.All(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]rooms.Client, len(all))
	for i, a := range all {
		out[i] = rooms.Client{ID: a.ID, Name: a.Name, Everyone: openToAll(a)}
		if a.Name == "" {
			out[i].Name = string(a.ID)
		}
	}
	return out, nil
}
