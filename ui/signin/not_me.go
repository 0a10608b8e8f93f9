package signin

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/ui/page"
)

// alarms draws where somebody says that they did not do what they were told of.
type alarms struct {
	links
	help *account.Help
}

func (p alarms) mount(r gin.IRouter, s *page.Site) {
	r.GET("/not-me/:token", s.Strangers(p.notMe))
	r.POST("/not-me/:token", s.Strangers(p.takeBack, here))
}

func (p alarms) notMe(c *page.Context) error {
	return p.open(c, idp.LinkNotMe, func(_ idp.Link, u idp.User) error {
		return c.Show(set, http.StatusOK, "not_me.html", linkView{Action: c.R.URL.Path, Person: page.PersonOf(u)})
	})
}

func (p alarms) takeBack(c *page.Context) error {
	return p.open(c, idp.LinkNotMe, func(_ idp.Link, u idp.User) error {
		done, err := p.help.NotMe(c.Context(), idp.Actor{User: u.ID, Origin: c.Origin()}, c.R.PathValue("token"))
		if err != nil {
			return overdue(c, err)
		}
		c.Here("")
		return c.Show(set, http.StatusOK, "taken_back.html", linkView{Sent: done.Mailed, Gone: string(done.Removed), Locked: done.Locked})
	})
}
