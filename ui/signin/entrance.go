package signin

import (
	"context"
	"errors"
	"net/url"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// Apps is where people find their applications; the id of one that follows it
// leads on to it.
const Apps = "/my/apps"

// Profile is where people look after their profile and address.
const Profile = "/my/profile"

// entrance begins the sign-in of whoever has chosen a password, and knows where it
// leads.
type entrance struct {
	signIn *signin.Service
	doors  func(ctx context.Context, u idp.User, id idp.ClientID) (name, address string, err error) // see Pages.Door
}

// door is the application that an invitation names. One that is gone, or closed
// to the person, is none: the invitation is still theirs.
func (p entrance) door(c *page.Context, l idp.Link, u idp.User) (name, address string, err error) {
	id := idp.ClientID(l.Data["client"])
	if id == "" || p.doors == nil {
		return "", "", nil
	}
	name, address, err = p.doors(c.Context(), u, id)
	if errors.Is(err, idp.ErrNotFound) {
		return "", "", nil
	}
	return name, address, err
}

// enter begins the sign-in of somebody who has just chosen their password.
func (p entrance) enter(c *page.Context, l idp.Link, u idp.User) error {
	start, err := p.start(c, l, u)
	if err != nil {
		return err
	}
	return p.begin(c, start, "chosen")
}

// start leads to the application that a link names, or to their own page.
func (p entrance) start(c *page.Context, l idp.Link, u idp.User) (signin.Start, error) {
	start := signin.Start{Need: idp.Need{Subject: u.ID}, ReturnTo: Home, Hint: u.Login}
	name, address, err := p.door(c, l, u)
	if address != "" {
		start.ReturnTo, start.Client, start.Redirect, start.Onward = Apps+"/"+url.PathEscape(l.Data["client"]), name, address, true
	}
	return start, err
}

// begin leads to the first page of a sign-in, which says what was done: "chosen"
// or "made".
func (p entrance) begin(c *page.Context, start signin.Start, done string) error {
	n, who, err := sitting(c, p.signIn, idp.Need{})
	if err != nil {
		return err
	}
	start.Browser, start.From = c.Browser(), c.Origin()
	start.Session, start.User, start.Choose = n, who, true // the new session follows the one that there is (S-01)
	f, err := p.signIn.Begin(c.Context(), start)
	if err != nil {
		return err
	}
	ticket, err := p.signIn.Ticket(f)
	if err != nil {
		return err
	}
	return c.Redirect(at("/login", ticket, done, "1"))
}
