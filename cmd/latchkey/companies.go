package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"latchkey/idp"
	"latchkey/idp/company"
)

func companyCommands(a *app) *cobra.Command {
	return group("company", "Customer companies and their main contacts", "  latchkey company lead \"Atelier Martin\" ada@example.org",
		companyList(a), companyAdd(a), companyMember(a), companyLead(a), companyRemove(a))
}

// companyView is a company as the command line shows it. Names are part of the
// program's interface.
type companyView struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Source string `json:"source"`
	People int    `json:"people"`
	Leads  int    `json:"leads"`
}

func companyList(a *app) *cobra.Command {
	var text string
	c := &cobra.Command{Use: "list", Short: "List companies", Args: nothing, Example: "  latchkey company list --text martin"}
	c.Flags().StringVar(&text, "text", "", "only those with this `TEXT` in their names")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, _ []string) error {
		l := a.list(cmd, "ID", "NAME", "SOURCE", "PEOPLE", "LEADS")
		err := eachCompany(ctx, b, text, func(c company.Listed) error {
			return l.add(companyView{c.ID, c.Name, c.Source, c.People, c.Leads}, c.ID, c.Name, c.Source, c.People, c.Leads)
		})
		if err != nil {
			return err
		}
		return l.end()
	})
	return c
}

func eachCompany(ctx context.Context, b *base, text string, f func(company.Listed) error) error {
	for q := (company.Query{Text: text, Limit: 500}); ; {
		all, err := b.people.companies().List(ctx, host, q)
		if err != nil {
			return err
		}
		for _, c := range all {
			if err := f(c); err != nil {
				return err
			}
		}
		if len(all) < q.Limit {
			return nil
		}
		q.After = all[len(all)-1].ID
	}
}

// findCompany is the one of an id, or of a name that is no other's.
func findCompany(ctx context.Context, b *base, which string) (company.Company, error) {
	c, err := b.people.companies().Get(ctx, host, which)
	if !errors.Is(err, idp.ErrNotFound) {
		return c, err
	}
	var found []company.Company
	err = eachCompany(ctx, b, which, func(c company.Listed) error {
		if c.Name == which {
			found = append(found, c.Company)
		}
		return nil
	})
	switch {
	case err != nil:
		return company.Company{}, err
	case len(found) == 0:
		return company.Company{}, fmt.Errorf("%w: there is no company %q; `latchkey company list` prints them", idp.ErrNotFound, which)
	case len(found) > 1:
		return company.Company{}, fmt.Errorf("%w: several companies are called %q: name one by its id", idp.ErrInvalid, which)
	}
	return found[0], nil
}

func companyAdd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "add NAME", Short: "Add a company", Args: exactly(1), Example: "  latchkey company add \"Atelier Martin\"",
		RunE: a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
			c, err := b.people.companies().Add(ctx, host, args[0])
			if err != nil {
				return err
			}
			return a.say(cmd, map[string]any{"id": c.ID, "name": c.Name}, "the company %s is there; its id is %s", clean(c.Name), c.ID)
		}),
	}
}

// memberView is somebody of a company.
type memberView struct {
	User  idp.UserID `json:"user,omitempty"`
	Name  string     `json:"name"`
	Email string     `json:"email"`
	Lead  bool       `json:"lead"`
	Hand  bool       `json:"by_hand"`
}

func companyMember(a *app) *cobra.Command {
	var out bool
	c := &cobra.Command{
		Use: "member COMPANY [WHO...]", Short: "List the people of a company, or add or take out some", Args: atLeast(1),
		Long:    "List the people of a company, or add some: portal users without a role. What is done by hand no Odoo changes.",
		Example: "  latchkey company member \"Atelier Martin\" pia@example.org",
	}
	c.Flags().BoolVar(&out, "out", false, "take these people out; their accounts stay")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		is, err := findCompany(ctx, b, args[0])
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return listMembers(ctx, a, b, cmd, is)
		}
		if !out {
			return a.putMembers(ctx, b, cmd, is, args[1:], false, "is in")
		}
		return a.eachMember(ctx, b, cmd, is, args[1:], "is not in", func(u idp.User) error {
			m, err := b.db.Companies.MemberOf(ctx, is.ID, u.ID)
			if err != nil {
				return err
			}
			return b.people.companies().Take(ctx, host, is.ID, m.ID)
		})
	})
	return c
}

func listMembers(ctx context.Context, a *app, b *base, cmd *cobra.Command, is company.Company) error {
	l := a.list(cmd, "NAME", "EMAIL", "LEAD", "BY HAND")
	for q := (company.MemberQuery{Company: is.ID, Limit: 500}); ; {
		all, err := b.people.companies().Members(ctx, host, q)
		if err != nil {
			return err
		}
		for _, m := range all {
			v := memberView{m.User.ID, m.User.Name, m.User.Email, m.Lead, m.Hand}
			if m.User.ID == "" {
				v.Name, v.Email = m.Name, m.Email
			}
			if err := l.add(v, v.Name, v.Email, v.Lead, v.Hand); err != nil {
				return err
			}
		}
		if len(all) < q.Limit {
			return l.end()
		}
		q.After = all[len(all)-1].ID
	}
}

func companyLead(a *app) *cobra.Command {
	var off bool
	c := &cobra.Command{
		Use: "lead COMPANY WHO...", Short: "Make people main contacts of a company, who look after its people", Args: atLeast(2),
		Example: "  latchkey company lead \"Atelier Martin\" ada@example.org",
	}
	c.Flags().BoolVar(&off, "off", false, "they are main contacts no more, and stay in the company")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		is, err := findCompany(ctx, b, args[0])
		if err != nil {
			return err
		}
		done := "is a main contact of"
		if off {
			done = "is no main contact of"
		}
		return a.putMembers(ctx, b, cmd, is, args[1:], !off, done)
	})
	return c
}

func (a *app) putMembers(ctx context.Context, b *base, cmd *cobra.Command, is company.Company, who []string, lead bool, done string) error {
	return a.eachMember(ctx, b, cmd, is, who, done, func(u idp.User) error { return b.people.companies().Put(ctx, host, is.ID, u.ID, lead) })
}

// eachMember does something to people, all of whom are known before any is
// changed.
func (a *app) eachMember(ctx context.Context, b *base, cmd *cobra.Command, is company.Company, who []string, done string, do func(idp.User) error) error {
	var people []idp.User
	for _, w := range who {
		u, err := b.people.accounts.Find(ctx, w)
		if err != nil {
			return err
		}
		people = append(people, u)
	}
	ids := make([]idp.UserID, len(people))
	for i, u := range people {
		if err := do(u); err != nil {
			return fmt.Errorf("%s: %w", u.Login, err)
		}
		ids[i] = u.ID
	}
	return a.print(cmd, map[string]any{"ok": true, "company": is.ID, "users": ids}, func(w io.Writer) {
		for _, u := range people {
			fmt.Fprintf(w, "%s %s %s\n", clean(u.Login), done, clean(is.Name))
		}
	})
}

func companyRemove(a *app) *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "remove COMPANY", Short: "Remove a company; its people stay", Args: exactly(1), Example: "  latchkey company remove \"Atelier Martin\" --yes",
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	c.RunE = a.inHouse(func(ctx context.Context, b *base, cmd *cobra.Command, args []string) error {
		is, err := findCompany(ctx, b, args[0])
		if err != nil {
			return err
		}
		if err := sure(cmd, yes, fmt.Sprintf("The company %s will be removed; its people stay.", clean(is.Name))); err != nil {
			return err
		}
		if err := b.people.companies().Remove(ctx, host, is.ID); err != nil {
			return err
		}
		return a.say(cmd, map[string]any{"id": is.ID}, "the company %s is removed", clean(is.Name))
	})
	return c
}
