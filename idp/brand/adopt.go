package brand

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"latchkey/idp"
)

// Offer is how another system, such as an Odoo, shows its company.
type Offer struct {
	Name            string
	Primary, Accent string // #rrggbb; empty: it has none
	Logo            []byte // a file; empty: it has none
}

// Adopted says what became of an offer, for people, in English.
type Adopted struct {
	Took []string // such as "name Shop"
	Left []string // what of it was not valid, and why
}

// Adopt gives a client the looks of its company, unless it has a brand already:
// then it keeps that, and took nothing. What of an offer is not valid is left.
func (s *Service) Adopt(ctx context.Context, by idp.Actor, id idp.ClientID, o Offer) (out Adopted, err error) {
	if err := allowed(by, idp.EditHouse); err != nil {
		return out, err
	}
	own, err := s.own(ctx, id)
	if err != nil || !own.Empty() {
		return out, err
	}
	b := out.judge(o)
	err = s.Atomic(ctx, func(ctx context.Context) error {
		if _, err := s.Set(ctx, by, id, b); err != nil {
			return err
		}
		if len(o.Logo) == 0 {
			return nil
		}
		err := s.SetLogo(ctx, by, id, false, o.Logo)
		if errors.Is(err, idp.ErrInvalid) {
			out.Left = append(out.Left, "logo: "+strings.TrimPrefix(err.Error(), idp.ErrInvalid.Error()+": "))
			return nil
		}
		if err == nil {
			out.Took = append(out.Took, "logo")
		}
		return err
	})
	if err != nil {
		return Adopted{}, err
	}
	return out, nil
}

// judge takes what is valid.
func (a *Adopted) judge(o Offer) (b Brand) {
	b.Name = o.Name
	if named, _, err := Check(Brand{Name: o.Name}, nil); err != nil {
		b.Name, a.Left = "", append(a.Left, "name: it is too long or has control characters")
	} else if b.Name = named.Name; b.Name != "" {
		a.Took = append(a.Took, "name "+b.Name)
	}
	if o.Primary == "" {
		return b
	}
	for _, c := range []Colours{{Primary: Colour(o.Primary), Accent: Colour(o.Accent)}, {Primary: Colour(o.Primary)}} {
		if checked, _, err := Check(Brand{Colours: c}, nil); err == nil {
			b.Colours = checked.Colours
			a.Took = append(a.Took, strings.TrimSpace(fmt.Sprintf("colours %s %s", b.Colours.Primary, b.Colours.Accent)))
			return b
		}
	}
	a.Left = append(a.Left, fmt.Sprintf("colours: %q is not one such as #714b67", o.Primary))
	return b
}
