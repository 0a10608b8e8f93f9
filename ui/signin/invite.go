package signin

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// mountInvitations adds the pages of invitations and of addresses to be proven. A
// GET changes nothing here, either (SECURITY.md E-07).
func (p *Pages) mountInvitations(r gin.IRouter) {
	s := p.Site
	here := func(c *page.Context) string { return c.R.URL.Path }
	r.GET("/invite/:token", s.Strangers(p.invitation))
	r.POST("/invite/:token", s.Strangers(p.join, here))
	r.GET("/verify/:token", s.Strangers(p.address))
	r.POST("/verify/:token", s.Strangers(p.confirmAddress, here))
}

// inviteView is the page on which somebody chooses their first password.
type inviteView struct {
	Action string
	Person page.Person
	Login  string
	Client string // the application that they are on their way to; empty: none
	Least  int    // characters
	Until  time.Time
	Error  *complaint
}

func (p *Pages) invitation(c *page.Context) error {
	return p.linked(c, idp.LinkInvite, func(l idp.Link, u idp.User) error { return p.showInvitation(c, http.StatusOK, l, u, nil) })
}

// showInvitation allows the script that shows what is typed and counts it.
func (p *Pages) showInvitation(c *page.Context, status int, l idp.Link, u idp.User, wrong *complaint) error {
	least, err := p.Help.Least(c.Context(), u)
	if err != nil {
		return err
	}
	name, _, err := p.door(c, l, u)
	if err != nil {
		return err
	}
	c.Script()
	if name != "" {
		c.Dress(idp.ClientID(l.Data["client"]))
	}
	c.Here(c.R.URL.Path)
	return c.Show(set, status, "invite.html", inviteView{
		Action: c.R.URL.Path, Person: page.PersonOf(u), Login: u.Login, Client: name, Least: least, Until: l.Expires, Error: wrong,
	})
}

// door is the application that an invitation names. One that is gone, or closed
// to the person, is none: the invitation is still theirs.
func (p *Pages) door(c *page.Context, l idp.Link, u idp.User) (name, address string, err error) {
	id := idp.ClientID(l.Data["client"])
	if id == "" || p.Door == nil {
		return "", "", nil
	}
	name, address, err = p.Door(c.Context(), u, id)
	if errors.Is(err, idp.ErrNotFound) {
		return "", "", nil
	}
	return name, address, err
}

// join takes the password and begins the sign-in that it is for: nobody is signed
// in by a link, and what policy demands is asked for and set up there
// (SECURITY.md E-03).
func (p *Pages) join(c *page.Context) error {
	return p.linked(c, idp.LinkInvite, func(l idp.Link, u idp.User) error {
		err := p.Help.Accept(c.Context(), idp.Actor{Origin: c.Origin()}, c.R.PathValue("token"), c.Form("new_password"), c.Form("zone"))
		if errors.Is(err, idp.ErrInvalid) {
			title, text := page.PasswordProblem(c.Words, err)
			return p.showInvitation(c, http.StatusBadRequest, l, u, &complaint{title, text})
		} else if err != nil {
			return p.overdue(c, err)
		}
		return p.enter(c, l, u)
	})
}

// enter begins the sign-in of somebody who has just chosen their password.
func (p *Pages) enter(c *page.Context, l idp.Link, u idp.User) error {
	n, who, err := sitting(c, p.SignIn, idp.Need{})
	if err != nil {
		return err
	}
	start := signin.Start{
		Browser: c.Browser(), Need: idp.Need{Subject: u.ID}, ReturnTo: Home, Hint: u.Login, From: c.Origin(),
		Session: n, User: who, Choose: true, // the new session follows the one that there is (S-01)
	}
	name, address, err := p.door(c, l, u)
	if err != nil {
		return err
	}
	if address != "" {
		start.ReturnTo, start.Client, start.Redirect, start.Onward = Apps+"/"+url.PathEscape(l.Data["client"]), name, address, true
	}
	f, err := p.SignIn.Begin(c.Context(), start)
	if err != nil {
		return err
	}
	ticket, err := p.SignIn.Ticket(f)
	if err != nil {
		return err
	}
	return c.Redirect(at("/login", ticket, "chosen", "1"))
}

// Apps is where people find their applications; the id of one that follows it
// leads on to it.
const Apps = "/my/apps"

// Profile is where people look after their profile and address.
const Profile = "/my/profile"

// addressView is the page of an address to be proven.
type addressView struct {
	Action  string
	Address string
	Change  bool         // it takes the place of another one
	Person  *page.Person // nil: they are not signed in, and whoever reads this may be a stranger
	Until   time.Time
}

func (p *Pages) address(c *page.Context) error {
	return p.linked(c, idp.LinkVerify, func(l idp.Link, u idp.User) error {
		view := addressView{Action: c.R.URL.Path, Address: l.Data["email"], Change: l.Data["email"] != l.Data["was"], Until: l.Expires}
		_, _, err := p.SignIn.Gate(c.Context(), c.Session(), idp.Need{Subject: u.ID}, c.Origin())
		if err == nil {
			who := page.PersonOf(u)
			view.Person = &who
		} else if !errors.Is(err, idp.ErrNotFound) && !errors.Is(err, idp.ErrMore) {
			return err
		}
		return c.Show(set, http.StatusOK, "verify.html", view)
	})
}

// confirmAddress takes the token, from a session of the very person: others
// are led to the sign-in, and back.
func (p *Pages) confirmAddress(c *page.Context) error {
	return p.linked(c, idp.LinkVerify, func(_ idp.Link, u idp.User) error {
		need := idp.Need{Subject: u.ID}
		n, who, err := p.SignIn.Gate(c.Context(), c.Session(), need, c.Origin())
		if errors.Is(err, idp.ErrNotFound) || errors.Is(err, idp.ErrMore) {
			return Begin(c, p.SignIn, signin.Start{Need: need, ReturnTo: c.R.URL.Path})
		} else if err != nil {
			return err
		}
		if err := p.Help.Verify(c.Context(), idp.ActorOf(n, who, c.Origin()), c.R.PathValue("token")); err != nil {
			return p.overdue(c, err)
		}
		return c.Redirect(Profile + "?done=verified")
	})
}
