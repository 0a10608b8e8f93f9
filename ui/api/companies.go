package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/company"
)

// Company is a customer whose main contacts look after its people.
type Company struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Connection string    `json:"connection,omitempty" doc:"The connected Odoo that fills it; empty: it was made by hand."`
	Created    time.Time `json:"created"`
}

func viewCompany(c company.Company) Company {
	return Company{c.ID, c.Name, c.Connection(), c.Created.UTC()}
}

// CompanyEntry is a company in a list.
type CompanyEntry struct {
	Company
	People int `json:"people"`
	Leads  int `json:"leads" doc:"Main contacts among them."`
}

// CompanyName is a company to be made, or the new name of one.
type CompanyName struct {
	Name string `json:"name" minLength:"1" maxLength:"256"`
}

// CompanyMember is somebody of a company.
type CompanyMember struct {
	ID       string     `json:"id" doc:"Of the membership."`
	User     idp.UserID `json:"user,omitempty" doc:"None: the address that was invited is that of somebody who has nothing to do with the company."`
	Name     string     `json:"name"`
	Email    string     `json:"email,omitempty"`
	Lead     bool       `json:"lead" doc:"A main contact."`
	Hand     bool       `json:"by_hand" doc:"No Odoo changes it."`
	Factor   bool       `json:"factor" doc:"There is a second factor."`
	Disabled bool       `json:"disabled"`
	SignedIn *time.Time `json:"signed_in,omitempty"`
	Invited  *time.Time `json:"invited,omitempty"`
}

func viewCompanyMember(m company.Member) CompanyMember {
	v := CompanyMember{
		ID: m.ID, User: m.User.ID, Name: m.User.Name, Email: m.User.Email, Lead: m.Lead, Hand: m.Hand, Factor: m.Factor, Disabled: m.User.Disabled,
		SignedIn: moment(m.SignedIn), Invited: moment(m.Invited),
	}
	if v.User == "" {
		v.Name, v.Email = m.Name, m.Email
	}
	return v
}

// AboutCompany names a company.
type AboutCompany struct {
	Company string `path:"company" maxLength:"64" doc:"The company's id."`
}

// companiesAPI are the operations about customer companies.
type companiesAPI struct{ *API }

func (a companiesAPI) routes() {
	o := func(id, method, path, summary string, right idp.Right) operation {
		return operation{id: id, method: method, path: "/companies" + path, tag: "companies", summary: summary, right: right}
	}
	add(a.API, o("list-companies", http.MethodGet, "", "List customer companies", idp.SeePeople), a.list)
	create := o("create-company", http.MethodPost, "", "Make a company", idp.EditPeople)
	create.status = http.StatusCreated
	add(a.API, create, func(ctx context.Context, by idp.Actor, in *struct{ Body CompanyName }) (*made[Company], error) {
		c, err := a.Companies.Add(ctx, by, in.Body.Name)
		if err != nil {
			return nil, named(err)
		}
		return &made[Company]{Location: Prefix + "/companies/" + c.ID, ETag: tag(viewCompany(c)), Body: viewCompany(c)}, nil
	})
	add(a.API, o("get-company", http.MethodGet, "/{company}", "Show a company", idp.SeePeople), func(ctx context.Context, by idp.Actor, in *AboutCompany) (*versioned[Company], error) {
		c, err := a.Companies.Get(ctx, by, in.Company)
		return version(viewCompany(c), err)
	})
	rename := o("rename-company", http.MethodPatch, "/{company}", "Rename a company", idp.EditPeople)
	rename.about = "An Odoo changes it again only when the name changes there."
	add(a.API, rename, a.rename)
	remove := o("delete-company", http.MethodDelete, "/{company}", "Remove a company; its people stay", idp.EditPeople)
	remove.about = "Nobody leads them any more. One that an Odoo fills comes back when that says something new about its people."
	add(a.API, remove, func(ctx context.Context, by idp.Actor, in *AboutCompany) (*none, error) {
		return done(a.Companies.Remove(ctx, by, in.Company))
	})
	a.members(o)
}

// members are the operations about the people of a company.
func (a companiesAPI) members(o func(id, method, path, summary string, right idp.Right) operation) {
	add(a.API, o("list-company-members", http.MethodGet, "/{company}/members", "List the people of a company", idp.SeePeople), a.listMembers)
	put := o("put-company-member", http.MethodPut, "/{company}/people/{id}", "Make a portal user a member, a main contact, or one no more", idp.EditPeople)
	put.about = "No Odoo changes that afterwards. Employees and people with a role are refused: 422."
	add(a.API, put, func(ctx context.Context, by idp.Actor, in *struct {
		AboutCompany
		AboutUser
		Body struct {
			Lead bool `json:"lead" doc:"A main contact: looks after the company's people, and nobody else."`
		}
	}) (*none, error) {
		return done(named(a.Companies.Put(ctx, by, in.Company, in.ID, in.Body.Lead)))
	})
	add(a.API, o("remove-company-member", http.MethodDelete, "/{company}/members/{member}", "Take somebody out of a company; the account stays", idp.EditPeople), func(ctx context.Context, by idp.Actor, in *struct {
		AboutCompany
		Member string `path:"member" maxLength:"64" doc:"The id of the membership."`
	}) (*none, error) {
		return done(a.Companies.Take(ctx, by, in.Company, in.Member))
	})
	of := o("list-user-companies", http.MethodGet, "", "List the companies to which a person belongs", idp.SeePeople)
	of.path = "/users/{id}/companies"
	add(a.API, of, func(ctx context.Context, by idp.Actor, in *AboutUser) (*body[Items[Company]], error) {
		if _, err := a.People.Service.Users.ByID(ctx, in.ID); err != nil {
			return nil, err
		}
		all, err := a.Companies.Of(ctx, by, in.ID)
		return answer(Items[Company]{each(all, viewCompany)}, err)
	})
}

// named says which field is wrong.
func named(err error) error {
	if f := (*company.FieldError)(nil); errors.As(err, &f) {
		return invalid(f.Field, f.Want)
	}
	return err
}

func (a companiesAPI) list(ctx context.Context, by idp.Actor, in *struct {
	Paging
	Query string `query:"q" maxLength:"256" doc:"In the name."`
}) (*body[Page[CompanyEntry]], error) {
	q := company.Query{Text: in.Query, Limit: in.Limit + 1}
	if err := in.place(&q.After); err != nil {
		return nil, err
	}
	all, err := a.Companies.List(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return page(all, in.Limit, func(l company.Listed) any { return l.ID }, func(l company.Listed) CompanyEntry {
		return CompanyEntry{viewCompany(l.Company), l.People, l.Leads}
	}), nil
}

func (a companiesAPI) rename(ctx context.Context, by idp.Actor, in *struct {
	AboutCompany
	Matching
	Body CompanyName
}) (*versioned[Company], error) {
	c, err := a.Companies.Get(ctx, by, in.Company)
	if err == nil {
		err = in.match(viewCompany(c))
	}
	if err == nil {
		err = named(a.Companies.Rename(ctx, by, in.Company, in.Body.Name))
	}
	if err == nil {
		c, err = a.Companies.Get(ctx, by, in.Company)
	}
	return version(viewCompany(c), err)
}

func (a companiesAPI) listMembers(ctx context.Context, by idp.Actor, in *struct {
	AboutCompany
	Paging
}) (*body[Page[CompanyMember]], error) {
	if _, err := a.Companies.Get(ctx, by, in.Company); err != nil {
		return nil, err
	}
	q := company.MemberQuery{Company: in.Company, Limit: in.Limit + 1}
	if err := in.place(&q.After); err != nil {
		return nil, err
	}
	all, err := a.Companies.Members(ctx, by, q)
	if err != nil {
		return nil, err
	}
	return page(all, in.Limit, func(m company.Member) any { return m.ID }, viewCompanyMember), nil
}
