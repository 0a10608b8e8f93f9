package signin

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/ui/page"
)

// fresh is how recent a proof must be that guards a change of factors
// (SECURITY.md M-05).
const fresh = 5 * time.Minute

// enrolRequests draws where somebody is asked to set up a factor.
type enrolRequests struct {
	links
	signIn *signin.Service
}

func (p enrolRequests) mount(r gin.IRouter, s *page.Site) {
	r.GET("/enrol/:token", s.Strangers(p.invited))
	r.POST("/enrol/:token", s.Strangers(p.accept, here))
}

func (p enrolRequests) invited(c *page.Context) error {
	return p.open(c, idp.LinkEnrol, func(l idp.Link, u idp.User) error {
		return c.Show(set, http.StatusOK, "invited.html", linkView{Action: c.R.URL.Path, Method: l.Data["method"], Person: page.PersonOf(u), Until: l.Expires})
	})
}

// accept begins the sign-in that leads to the wizard. Whoever is signed in
// already proves again who they are: the link is worth as much as a mailbox.
func (p enrolRequests) accept(c *page.Context) error {
	return p.open(c, idp.LinkEnrol, func(l idp.Link, u idp.User) error {
		return Begin(c, p.signIn, signin.Start{
			Need:     idp.Need{Subject: u.ID, Since: c.Now().Add(-fresh), Every: true},
			ReturnTo: Home, Hint: u.Login, Wants: mfa.Kind(l.Data["method"]), Link: l.Hash,
		})
	})
}
