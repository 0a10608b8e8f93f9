package signin

import (
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/ui/page"
)

// invitations draws where somebody chooses their first password.
type invitations struct {
	links
	entrance
	way   account.Invitations
	rules account.PasswordRules
}

func (p invitations) mount(r gin.IRouter, s *page.Site) {
	r.GET("/invite/:token", s.Strangers(p.invitation))
	r.POST("/invite/:token", s.Strangers(p.join, here))
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

func (p invitations) invitation(c *page.Context) error {
	return p.open(c, idp.LinkInvite, func(l idp.Link, u idp.User) error { return p.show(c, http.StatusOK, l, u, nil) })
}

// show allows the script that shows what is typed and counts it.
func (p invitations) show(c *page.Context, status int, l idp.Link, u idp.User, wrong *complaint) error {
	least, err := p.rules.Least(c.Context(), u)
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

// join takes the password and begins the sign-in that it is for: nobody is signed
// in by a link, and what policy demands is asked for and set up there
// (SECURITY.md E-03).
func (p invitations) join(c *page.Context) error {
	return p.open(c, idp.LinkInvite, func(l idp.Link, u idp.User) error {
		err := p.way.Accept(c.Context(), idp.Actor{Origin: c.Origin()}, c.R.PathValue("token"), c.Form("new_password"), c.Form("zone"))
		if errors.Is(err, idp.ErrInvalid) {
			title, text := page.PasswordProblem(c.Words, err)
			return p.show(c, http.StatusBadRequest, l, u, &complaint{title, text})
		} else if err != nil {
			return overdue(c, err)
		}
		return p.enter(c, l, u)
	})
}
