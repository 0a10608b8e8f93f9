package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"latchkey/idp"
	"latchkey/idp/brand"
	"latchkey/idp/odoo/connector"
)

// dress gives a client that was connected the looks of Odoo's company, and
// says what it did. One that has a brand keeps it. A right to connect Odoos is none
// to change how pages look (SECURITY.md D-01).
func (o *odooSide) dress(ctx context.Context, by idp.Actor, c connector.Connection, dry bool) (did string, err error) {
	if err := by.May(idp.EditHouse); err != nil {
		return "", err
	}
	own, err := o.brands.Get(ctx, by, c.Client)
	switch {
	case errors.Is(err, idp.ErrNotFound) && dry: // it would be made
	case err != nil:
		return "", err
	case !own.Empty():
		return "the client keeps the brand that it has", nil
	}
	if dry {
		return "would copy name, colours and logo of " + c.Facts.Company.Name, nil
	}
	offer := brand.Offer{Name: c.Facts.Company.Name, Primary: c.Facts.Company.Primary, Accent: c.Facts.Company.Secondary}
	file, broken := base64.StdEncoding.DecodeString(c.Facts.Company.Logo)
	if broken == nil {
		offer.Logo = file
	}
	out, err := o.brands.Adopt(ctx, by, c.Client, offer)
	if err != nil {
		return "", err
	}
	if broken != nil {
		out.Left = append(out.Left, "logo: it cannot be read")
	}
	did = "copied from Odoo: " + strings.Join(out.Took, ", ")
	if len(out.Took) == 0 {
		did = "nothing to copy from Odoo"
	}
	if len(out.Left) > 0 {
		did += "; left out: " + strings.Join(out.Left, "; ")
	}
	return fmt.Sprintf("%s (`latchkey branding reset --client %s` takes it back)", did, c.Client), nil
}
