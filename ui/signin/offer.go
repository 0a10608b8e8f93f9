package signin

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp/signin"
	"latchkey/ui/page"
)

// offerView is a page that may be skipped: a factor will be demanded soon, or a
// passkey would be faster the next time.
type offerView struct {
	Ticket   string
	Deadline time.Time
	Days     int
	Enrol    string
	Passkey  bool // nobody demands it: it can be refused for good, too
}

// refused is the answer of somebody who does not want to be asked again.
const refused = "never"

// offers draws what may be put off.
type offers struct{ journey }

func (p offers) mount(r gin.IRouter, s *page.Site) {
	r.GET("/login/offer", s.Strangers(p.offer))
	r.POST("/login/offer", s.Strangers(p.later, again("/login/offer")))
}

func (p offers) offer(c *page.Context) error {
	return p.step(c, signin.MayEnrol, p.timely(c, func(v signin.View) error {
		view := offerView{Ticket: ticket(c), Enrol: at("/login/enrol", ticket(c)), Passkey: v.Passkey()}
		if !view.Passkey {
			view.Deadline, view.Days = v.Deadline, daysUntil(v.Deadline, c.Now())
		}
		return c.Show(set, http.StatusOK, "offer.html", view)
	}))
}

// timely goes on without the passkey that is offered once the proofs are too old
// to set one up (SECURITY.md M-05).
func (j journey) timely(c *page.Context, draw func(signin.View) error) func(signin.View) error {
	return func(v signin.View) error {
		if !v.Lapsed() {
			return draw(v)
		}
		m, err := j.signIn.Wizard().Skip(c.Context(), v, marks(c))
		return moved(c, v, m, err)
	}
}

// daysUntil counts begun days: on the last one, one is left.
func daysUntil(end, now time.Time) int {
	const day = 24 * time.Hour
	return max(1, int((end.Sub(now)+day-1)/day))
}

func (p offers) later(c *page.Context) error {
	return p.step(c, signin.MayEnrol, func(v signin.View) error {
		skip := p.signIn.Wizard().Skip
		if v.Passkey() && c.Form("answer") == refused {
			skip = p.signIn.Wizard().Refuse
		}
		m, err := skip(c.Context(), v, marks(c))
		return moved(c, v, m, err)
	})
}
