package people

import (
	"context"
	"net/url"

	"latchkey/idp"
	"latchkey/idp/company"
	"latchkey/ui/admin"
	"latchkey/ui/page"
)

// Companies knows to which customer companies people belong; package company has
// one.
type Companies interface {
	Of(ctx context.Context, by idp.Actor, id idp.UserID) ([]company.Company, error)
}

// companies leads to those of a person.
func (p cards) companies(c *page.Context, v admin.Visit, id idp.UserID) (out []link, err error) {
	if p.Companies == nil {
		return nil, nil
	}
	all, err := p.Companies.Of(c.Context(), v.By, id)
	for _, one := range all {
		out = append(out, link{URL: admin.Home + "/companies/" + url.PathEscape(one.ID), Text: one.Name})
	}
	return out, err
}
