package company

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"latchkey/idp"
)

// List returns a page of companies. It takes the right to see people.
func (s *Service) List(ctx context.Context, by idp.Actor, q Query) ([]Listed, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return nil, err
	}
	q.Text = strings.TrimSpace(q.Text)
	return s.Store.List(ctx, q)
}

// Get returns a company, or fails with idp.ErrNotFound.
func (s *Service) Get(ctx context.Context, by idp.Actor, id string) (Company, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return Company{}, err
	}
	return s.Store.Get(ctx, id)
}

// Of returns the companies to which a person belongs.
func (s *Service) Of(ctx context.Context, by idp.Actor, id idp.UserID) ([]Company, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return nil, err
	}
	return s.Store.Of(ctx, id)
}

// Members returns a page of the members of a company.
func (s *Service) Members(ctx context.Context, by idp.Actor, q MemberQuery) ([]Member, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return nil, err
	}
	q.Viewer, q.Plain = "", false
	return s.Store.Members(ctx, q)
}

// Member returns one of them, or fails with idp.ErrNotFound.
func (s *Service) Member(ctx context.Context, by idp.Actor, company, id string) (Member, error) {
	if err := by.May(idp.SeePeople); err != nil {
		return Member{}, err
	}
	return s.Store.Member(ctx, company, id, "")
}

// Add makes a company. A [*FieldError] for a name that will not do.
func (s *Service) Add(ctx context.Context, by idp.Actor, name string) (Company, error) {
	if err := s.mayEdit(ctx, by, "company.add", ""); err != nil {
		return Company{}, err
	}
	name, err := named(name)
	if err != nil {
		return Company{}, err
	}
	c := Company{ID: newID(), Name: name, Source: ByHand, Created: s.Now()}
	return c, s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Add(ctx, c), s.note(ctx, by, "company.add", "ok", "", map[string]string{"company": c.ID, "name": c.Name}))
	})
}

// Rename gives a company another name. An Odoo changes it again only when the
// name changes there.
func (s *Service) Rename(ctx context.Context, by idp.Actor, id, name string) error {
	if err := s.mayEdit(ctx, by, "company.rename", id); err != nil {
		return err
	}
	name, err := named(name)
	if err != nil {
		return err
	}
	was, err := s.Store.Get(ctx, id)
	if err != nil {
		return err
	}
	detail := idp.Diff(map[string]string{"name": was.Name}, map[string]string{"name": name})
	detail["company"] = id
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Rename(ctx, id, name), s.note(ctx, by, "company.rename", "ok", "", detail))
	})
}

// Remove takes a company away; its people stay, and nobody leads them any more.
// One that an Odoo fills comes back when that says something new about its
// people.
func (s *Service) Remove(ctx context.Context, by idp.Actor, id string) error {
	if err := s.mayEdit(ctx, by, "company.remove", id); err != nil {
		return err
	}
	was, err := s.Store.Get(ctx, id)
	if err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Remove(ctx, id), s.note(ctx, by, "company.remove", "ok", "", map[string]string{"company": id, "name": was.Name}))
	})
}

// Put makes a portal user a member of a company, or a member a main contact or
// none any more. No Odoo changes that afterwards. A [*FieldError] about "who" for
// an employee, or somebody with a role.
func (s *Service) Put(ctx context.Context, by idp.Actor, company string, id idp.UserID, lead bool) error {
	if err := s.mayEdit(ctx, by, "company.put", company); err != nil {
		return err
	}
	u, err := s.Users.ByID(ctx, id)
	if err != nil {
		return err
	}
	if err := by.MayTouch(idp.EditPeople, u); err != nil {
		return s.denied(ctx, by, "company.put", id, company, err)
	}
	if _, err := s.Store.Get(ctx, company); err != nil {
		return err
	}
	m := Member{ID: newID(), Company: company, User: u, Email: u.Email, Lead: lead, Hand: true}
	if !m.Plain() {
		return &FieldError{"who", "portal users without a role can be in a company"}
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Put(ctx, m), s.note(ctx, by, "company.put", "ok", id, map[string]string{"company": company, "lead": fmt.Sprint(lead)}))
	})
}

// Take takes somebody out of a company; the account stays.
func (s *Service) Take(ctx context.Context, by idp.Actor, company, member string) error {
	if err := s.mayEdit(ctx, by, "company.take", company); err != nil {
		return err
	}
	m, err := s.Store.Member(ctx, company, member, "")
	if err != nil {
		return err
	}
	return s.Atomic(ctx, func(ctx context.Context) error {
		return errors.Join(s.Store.Take(ctx, company, member), s.note(ctx, by, "company.take", "ok", m.User.ID, map[string]string{"company": company}))
	})
}

func (s *Service) mayEdit(ctx context.Context, by idp.Actor, what, company string) error {
	if err := by.May(idp.EditPeople); err != nil {
		return s.denied(ctx, by, what, "", company, err)
	}
	return nil
}
