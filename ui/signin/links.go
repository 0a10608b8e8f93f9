package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
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

// mountLinks adds the pages behind the addresses that are mailed. A GET changes
// nothing there: mail scanners open every link (SECURITY.md E-07).
func (p *Pages) mountLinks(r gin.IRouter) {
	s := p.Site
	here := func(c *page.Context) string { return c.R.URL.Path }
	r.GET("/enrol/:token", s.Strangers(p.invited))
	r.POST("/enrol/:token", s.Strangers(p.accept, here))
	r.GET("/not-me/:token", s.Strangers(p.notMe))
	r.POST("/not-me/:token", s.Strangers(p.takeBack, here))
	r.GET("/recover", s.Strangers(p.forgot))
	r.POST("/recover", s.Strangers(p.recover, here))
	r.GET("/recover/:token", s.Strangers(p.renew))
	r.POST("/recover/:token", s.Strangers(p.choosePassword, here))
}

// linked finds the link that an address names, or shows what became of it.
func (p *Pages) linked(c *page.Context, purpose idp.Purpose, draw func(idp.Link, idp.User) error) error {
	l, u, err := p.Help.Links.Get(c.Context(), purpose, idp.HashLink(c.R.PathValue("token")))
	if err != nil {
		return p.overdue(c, err)
	}
	c.Speak(u.Locale)
	return draw(l, u)
}

// overdue is the page of a link that is good no more.
func (p *Pages) overdue(c *page.Context, err error) error {
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

func (p *Pages) invited(c *page.Context) error {
	return p.linked(c, idp.LinkEnrol, func(l idp.Link, u idp.User) error {
		return c.Show(set, http.StatusOK, "invited.html", linkView{Action: c.R.URL.Path, Method: l.Data["method"], Person: page.PersonOf(u), Until: l.Expires})
	})
}

// accept begins the sign-in that leads to the wizard. Whoever is signed in
// already proves again who they are: the link is worth as much as a mailbox.
func (p *Pages) accept(c *page.Context) error {
	return p.linked(c, idp.LinkEnrol, func(l idp.Link, u idp.User) error {
		return Begin(c, p.SignIn, signin.Start{
			Need:     idp.Need{Subject: u.ID, Since: c.Now().Add(-fresh), Every: true},
			ReturnTo: Home, Hint: u.Login, Wants: mfa.Kind(l.Data["method"]), Link: l.Hash,
		})
	})
}

func (p *Pages) notMe(c *page.Context) error {
	return p.linked(c, idp.LinkNotMe, func(_ idp.Link, u idp.User) error {
		return c.Show(set, http.StatusOK, "not_me.html", linkView{Action: c.R.URL.Path, Person: page.PersonOf(u)})
	})
}

func (p *Pages) takeBack(c *page.Context) error {
	return p.linked(c, idp.LinkNotMe, func(_ idp.Link, u idp.User) error {
		done, err := p.Help.NotMe(c.Context(), idp.Actor{User: u.ID, Origin: c.Origin()}, c.R.PathValue("token"))
		if err != nil {
			return p.overdue(c, err)
		}
		c.Here("")
		return c.Show(set, http.StatusOK, "taken_back.html", linkView{Sent: done.Mailed, Gone: string(done.Removed), Locked: done.Locked})
	})
}

// forgotView is the page that asks for a mail to choose a new password.
type forgotView struct {
	Sent   bool
	Client idp.ClientID // where they were going
	Error  *complaint
}

func (p *Pages) forgot(c *page.Context) error {
	client := idp.ClientID(c.Query("client"))
	c.Dress(client)
	return c.Show(set, http.StatusOK, "forgot.html", forgotView{Sent: c.Query("sent") != "", Client: client})
}

// recover answers the same, and as fast, whoever was named: what there is to do
// is done after the answer (SECURITY.md E-01, E-02).
func (p *Pages) recover(c *page.Context) error {
	login := c.Form("login")
	client := idp.ClientID(c.Form("client"))
	if login == "" {
		return c.Redirect(recoverAt(client))
	}
	c.Dress(client)
	err := p.SignIn.Network(c.Context(), c.Origin())
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		return c.Show(set, http.StatusTooManyRequests, "forgot.html", forgotView{Error: lockOf(c, locked), Client: client})
	} else if err != nil {
		return err
	}
	by := idp.Actor{Origin: c.Origin()}
	if !p.Background(func(ctx context.Context) error { return p.Help.Forgot(ctx, by, login, client) }) {
		return idp.ErrBusy
	}
	return c.Redirect(recoverAt(client, "sent", "1"))
}

// recoverAt is the page that asks for the mail, in the looks of where the person
// was going; more is pairs of further parameters.
func recoverAt(client idp.ClientID, more ...string) string {
	q := url.Values{}
	if client != "" {
		q.Set("client", string(client))
	}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	if len(q) == 0 {
		return "/recover"
	}
	return "/recover?" + q.Encode()
}

func (p *Pages) renew(c *page.Context) error {
	return p.linked(c, idp.LinkRecover, func(l idp.Link, u idp.User) error { return p.showRenew(c, http.StatusOK, l, u, nil) })
}

// showRenew allows the script that shows what is typed and counts it.
func (p *Pages) showRenew(c *page.Context, status int, l idp.Link, u idp.User, wrong *complaint) error {
	least, err := p.Help.Least(c.Context(), u)
	if err != nil {
		return err
	}
	c.Dress(idp.ClientID(l.Data["client"]))
	c.Script()
	c.Here(c.R.URL.Path)
	return c.Show(set, status, "renew.html", linkView{Action: c.R.URL.Path, Person: page.PersonOf(u), Login: u.Login, Least: least, Error: wrong})
}

// choosePassword sets it and begins a sign-in: the link signs nobody in
// (SECURITY.md E-03).
func (p *Pages) choosePassword(c *page.Context) error {
	return p.linked(c, idp.LinkRecover, func(l idp.Link, u idp.User) error {
		err := p.Help.ChooseNew(c.Context(), idp.Actor{User: u.ID, Origin: c.Origin()}, c.R.PathValue("token"), c.Form("new_password"))
		if errors.Is(err, idp.ErrInvalid) {
			title, text := page.PasswordProblem(c.Words, err)
			return p.showRenew(c, http.StatusBadRequest, l, u, &complaint{title, text})
		} else if err != nil {
			return p.overdue(c, err)
		}
		return p.enter(c, l, u)
	})
}
