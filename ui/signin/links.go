package signin

import (
	"errors"
	"time"

	"latchkey/idp"
	"latchkey/ui/page"
)

// links is the frame of the pages behind addresses that are mailed.
type links struct{ all idp.Links }

// open finds the link that an address names, or shows what became of it.
func (p links) open(c *page.Context, purpose idp.Purpose, draw func(idp.Link, idp.User) error) error {
	l, u, err := p.all.Get(c.Context(), purpose, idp.HashLink(c.R.PathValue("token")))
	if err != nil {
		return overdue(c, err)
	}
	c.Speak(u.Locale)
	return draw(l, u)
}

// overdue is the page of a link that is good no more.
func overdue(c *page.Context, err error) error {
	if !errors.Is(err, idp.ErrExpired) && !errors.Is(err, idp.ErrSpent) {
		return err
	}
	problem := page.ProblemOf(err)
	problem.Key, problem.Back, problem.Word = "link", "/login", "link.login"
	c.FailAs(err, problem)
	return nil
}

// linkView is the page of a link, with what it is about.
type linkView struct {
	Action string
	Method string
	Person page.Person
	Login  string
	Least  int // characters of a new password
	Until  time.Time
	Error  *complaint
	Sent   bool
	Gone   string // the factor that was taken away
	Locked bool
}
