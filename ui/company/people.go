package company

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"latchkey/idp"
	"latchkey/idp/company"
	"latchkey/idp/security"
	"latchkey/mfa"
	"latchkey/ui/locale"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// chooseView lists the companies of somebody who leads several.
type chooseView struct {
	head
	Companies []link
}

type link struct{ URL, Name string }

// peopleView is the page of a company.
type peopleView struct {
	head
	Name        string
	Base        string
	Several     bool
	Rows        []row
	First, Next string
}

// row is somebody of a company.
type row struct {
	ID, Name, Email  string
	State            string // in words
	Good, Bad        bool
	Lead, Self       bool
	Factor, SignedIn string
	Invited          string // empty: they are in
	MayDisable       bool
	MayEnable        bool
	MayInvite        bool
}

// Do reports whether there is anything to do.
func (r row) Do() bool { return r.MayDisable || r.MayEnable || r.MayInvite }

// inviteView is the form of an invitation.
type inviteView struct {
	head
	Name, Base string
	In         company.Invitation
	Bad        map[string]bool
	Languages  []choice
	Hours      int
}

type choice struct {
	Value, Text string
	Chosen      bool
}

// home is the one company that somebody leads, or the choice.
func (p *Pages) home(c *page.Context, by idp.Actor, _ idp.User) error {
	all, err := p.Contacts.Mine(c.Context(), by)
	switch {
	case err != nil:
		return err
	case len(all) == 0:
		return idp.ErrNotFound
	case len(all) == 1:
		return c.Redirect(pathOf(all[0].ID))
	}
	return c.Show(set, http.StatusOK, "choose.html", chooseOf(c, all))
}

func chooseOf(c *page.Context, all []company.Company) chooseView {
	v := chooseView{head: headOf(c)}
	for _, one := range all {
		v.Companies = append(v.Companies, link{pathOf(one.ID), one.Name})
	}
	return v
}

func (p *Pages) people(c *page.Context, by idp.Actor, u idp.User) error {
	return p.show(c, by, u, http.StatusOK, headOf(c))
}

func (p *Pages) show(c *page.Context, by idp.Actor, u idp.User, status int, h head) error {
	all, err := p.Contacts.Mine(c.Context(), by)
	if err != nil {
		return err
	}
	is, err := p.Contacts.People(c.Context(), by, c.R.PathValue("company"), c.Query("after"))
	if err != nil {
		return err
	}
	c.Here(pathOf(is.Company.ID))
	return c.Show(set, status, "people.html", peopleOf(c, u, is, h, len(all) > 1, c.Query("after") != ""))
}

func peopleOf(c *page.Context, u idp.User, is company.People, h head, several, later bool) peopleView {
	v := peopleView{head: h, Name: is.Company.Name, Base: pathOf(is.Company.ID), Several: several}
	for _, one := range is.People {
		v.Rows = append(v.Rows, rowOf(c, security.Zone(u), one))
	}
	if later {
		v.First = v.Base
	}
	if is.Next != "" {
		v.Next = v.Base + "?" + url.Values{"after": {is.Next}}.Encode()
	}
	return v
}

func rowOf(c *page.Context, zone *time.Location, p company.Person) row {
	r := row{
		ID: p.ID, Name: p.Name, Email: p.Email, State: c.Words.T(fmt.Sprintf("company.state.%s", p.State)), Lead: p.Lead, Self: p.Self,
		Good: p.State == company.Ready, Bad: p.State == company.NotReady || p.State == company.Expired || p.State == company.Disabled,
		Factor: c.Words.T("company.factor_none"), SignedIn: c.Words.T("company.never"),
		MayDisable: p.MayDisable, MayEnable: p.MayEnable, MayInvite: p.MayInvite,
	}
	if p.Factor {
		r.Factor = c.Words.T("company.factor")
	}
	if !p.SignedIn.IsZero() {
		r.SignedIn = c.Words.T("company.signed_in", c.Words.Date(p.SignedIn.In(zone)))
	}
	if p.State == company.Invited || p.State == company.Expired {
		r.Invited = c.Words.T("company.invited_at", c.Words.Date(p.Invited.In(zone)))
	}
	return r
}

// find is the company of the path, if it is theirs.
func (p *Pages) find(c *page.Context, by idp.Actor) (company.Company, error) {
	all, err := p.Contacts.Mine(c.Context(), by)
	if err != nil {
		return company.Company{}, err
	}
	for _, one := range all {
		if one.ID == c.R.PathValue("company") {
			return one, nil
		}
	}
	return company.Company{}, idp.ErrNotFound
}

func (p *Pages) form(c *page.Context, by idp.Actor, u idp.User) error {
	is, err := p.find(c, by)
	if err != nil {
		return err
	}
	return c.Show(set, http.StatusOK, "invite.html", inviteOf(c, is, company.Invitation{Locale: u.Locale}, headOf(c)))
}

func inviteOf(c *page.Context, is company.Company, in company.Invitation, h head) inviteView {
	v := inviteView{head: h, Name: is.Name, Base: pathOf(is.ID), In: in, Bad: map[string]bool{}, Hours: int(idp.LinkInvite.Life().Hours())}
	for _, l := range locale.Languages() {
		v.Languages = append(v.Languages, choice{l.Tag, l.Name, l.Tag == in.Locale})
	}
	return v
}

// invite says the same of every address (SECURITY.md E-01).
func (p *Pages) invite(c *page.Context, by idp.Actor, _ idp.User) error {
	in := company.Invitation{Name: c.Form("name"), Email: c.Form("email")}
	if l, ours := locale.Find(c.Form("locale")); ours {
		in.Locale = l.Lang()
	}
	err := p.Contacts.Invite(c.Context(), by, c.R.PathValue("company"), in)
	if err == nil {
		return c.Redirect(pathOf(c.R.PathValue("company")) + "?done=invited")
	}
	h, status := headOf(c), http.StatusBadRequest
	locked := (*mfa.LockedError)(nil)
	switch {
	case errors.As(err, &locked):
		h.Error, status = tooMany(c, locked), http.StatusTooManyRequests
	case errors.Is(err, idp.ErrInvalid):
		h.Error = &pages.Complaint{Title: c.Words.T("company.bad_title"), Text: c.Words.T("company.bad_text")}
	default:
		return err
	}
	is, gone := p.find(c, by)
	if gone != nil {
		return gone
	}
	v := inviteOf(c, is, in, h)
	for _, f := range company.Fields(err) {
		if f == "login" { // the address is the login
			f = "email"
		}
		v.Bad[f] = true
	}
	c.Here(v.Base + "/invite")
	return c.Show(set, status, "invite.html", v)
}

func tooMany(c *page.Context, locked *mfa.LockedError) *pages.Complaint {
	hours := int(math.Ceil(locked.Until.Sub(c.Now()).Hours()))
	return &pages.Complaint{Title: c.Words.T("company.many_title"), Text: c.Words.N("company.many", max(1, hours))}
}

// act is something that is done to one person.
type act func(s *company.Contacts, ctx context.Context, by idp.Actor, of, id string) error

var acts = map[string]act{"disable": (*company.Contacts).Disable, "enable": (*company.Contacts).Enable, "resend": (*company.Contacts).Resend}

func (p *Pages) do(name string, do act) handler {
	return func(c *page.Context, by idp.Actor, u idp.User) error {
		err := do(p.Contacts, c.Context(), by, c.R.PathValue("company"), c.R.PathValue("person"))
		locked := (*mfa.LockedError)(nil)
		if errors.As(err, &locked) {
			h := headOf(c)
			h.Error = tooMany(c, locked)
			return p.show(c, by, u, http.StatusTooManyRequests, h)
		} else if err != nil {
			return err
		}
		return c.Redirect(pathOf(c.R.PathValue("company")) + "?done=" + name)
	}
}
