package company

import (
	"context"
	"errors"
	"fmt"

	"latchkey/idp"
)

// Feed is what an Odoo says of one person.
type Feed struct {
	Connection string
	User       idp.UserID
	Partner    int64 // id of the contact that is the company; 0: there is none
	Name       string
	Lead       bool // the person is its main contact
}

// Source names the company of a feed.
func (f Feed) Source() string { return fmt.Sprintf("%s%d", f.Prefix(), f.Partner) }

// Prefix is how the sources of all companies of a connection begin.
func (f Feed) Prefix() string { return "odoo:" + f.Connection + ":" }

// Follow makes of somebody's membership what an Odoo says, but for what was done
// by hand. It joins the Atomic in ctx. By is the house itself, or whoever runs an
// import.
func (s *Service) Follow(ctx context.Context, by idp.Actor, f Feed) error {
	if err := by.May(idp.EditPeople); err != nil {
		return err
	}
	detail := map[string]string{"connection": f.Connection}
	if f.Partner != 0 {
		name, err := named(f.Name)
		if err != nil {
			name = fmt.Sprintf("#%d", f.Partner)
		}
		f.Name = name
		detail["source"], detail["name"], detail["lead"] = f.Source(), f.Name, fmt.Sprint(f.Lead)
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Follow(ctx, f, newID(), s.Now()), s.note(ctx, by, "company.follow", "ok", f.User, detail))
	})
}
