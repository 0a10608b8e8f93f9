package signin

import (
	"errors"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// addresses draws where somebody proves that an address is theirs.
type addresses struct {
	links
	signIn *signin.Service
	help   *account.Help
}

func (p addresses) mount(r gin.IRouter, s *page.Site) {
	r.GET("/verify/:token", s.Strangers(p.address))
	r.POST("/verify/:token", s.Strangers(p.confirmAddress, here))
}

// addressView is the page of an address to be proven.
type addressView struct {
	Action  string
	Address string
	Change  bool         // it takes the place of another one
	Person  *page.Person // nil: they are not signed in, and whoever reads this may be a stranger
	Until   time.Time
}

func (p addresses) address(c *page.Context) error {
	return p.open(c, idp.LinkVerify, func(l idp.Link, u idp.User) error {
		view := addressView{Action: c.R.URL.Path, Address: l.Data["email"], Change: l.Data["email"] != l.Data["was"], Until: l.Expires}
		_, _, err := p.signIn.Gate(c.Context(), c.Session(), idp.Need{Subject: u.ID}, c.Origin())
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
func (p addresses) confirmAddress(c *page.Context) error {
	return p.open(c, idp.LinkVerify, func(_ idp.Link, u idp.User) error {
		need := idp.Need{Subject: u.ID}
		n, who, err := p.signIn.Gate(c.Context(), c.Session(), need, c.Origin())
		if errors.Is(err, idp.ErrNotFound) || errors.Is(err, idp.ErrMore) {
			return Begin(c, p.signIn, signin.Start{Need: need, ReturnTo: c.R.URL.Path})
		} else if err != nil {
			return err
		}
		if err := p.help.Verify(c.Context(), idp.ActorOf(n, who, c.Origin()), c.R.PathValue("token")); err != nil {
			return overdue(c, err)
		}
		return c.Redirect(Profile + "?done=verified")
	})
}
