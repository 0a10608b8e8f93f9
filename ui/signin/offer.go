package signin

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// offerView is a page that may be skipped: a factor will be demanded soon.
type offerView struct {
	Ticket   string
	Deadline time.Time
	Days     int
	Enrol    string
}

// offers draws what may be put off.
type offers struct{ journey }

func (p offers) mount(r gin.IRouter, s *page.Site) {
	r.GET("/login/offer", s.Strangers(p.offer))
	r.POST("/login/offer", s.Strangers(p.later, again("/login/offer")))
}

func (p offers) offer(c *page.Context) error {
	return p.step(c, signin.MayEnrol, func(v signin.View) error {
		return c.Show(set, http.StatusOK, "offer.html", offerView{
			Ticket: ticket(c), Deadline: v.Deadline, Days: daysUntil(v.Deadline, c.Now()), Enrol: at("/login/enrol", ticket(c)),
		})
	})
}

// daysUntil counts begun days: on the last one, one is left.
func daysUntil(end, now time.Time) int {
	const day = 24 * time.Hour
	return max(1, int((end.Sub(now)+day-1)/day))
}

func (p offers) later(c *page.Context) error {
	return p.step(c, signin.MayEnrol, func(v signin.View) error {
		m, err := p.signIn.Wizard().Skip(c.Context(), v, marks(c))
		return moved(c, v, m, err)
	})
}
