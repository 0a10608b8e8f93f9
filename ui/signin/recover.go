package signin

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
	"latchkey/ui/page"
)

// recovery draws the way to a new password for whoever has forgotten theirs.
type recovery struct {
	links
	entrance
	way        account.Recovery
	rules      account.PasswordRules
	background func(do func(context.Context) error) bool // see Pages.Background
}

func (p recovery) mount(r gin.IRouter, s *page.Site) {
	r.GET("/recover", s.Strangers(p.forgot))
	r.POST("/recover", s.Strangers(p.recover, here))
	r.GET("/recover/:token", s.Strangers(p.renew))
	r.POST("/recover/:token", s.Strangers(p.choosePassword, here))
}

// forgotView is the page that asks for a mail to choose a new password.
type forgotView struct {
	Sent   bool
	Client idp.ClientID // where they were going
	Error  *complaint
}

func (p recovery) forgot(c *page.Context) error {
	client := idp.ClientID(c.Query("client"))
	c.Dress(client)
	return c.Show(set, http.StatusOK, "forgot.html", forgotView{Sent: c.Query("sent") != "", Client: client})
}

// recover answers the same, and as fast, whoever was named: what there is to do
// is done after the answer (SECURITY.md E-01, E-02).
func (p recovery) recover(c *page.Context) error {
	login := c.Form("login")
	client := idp.ClientID(c.Form("client"))
	if login == "" {
		return c.Redirect(recoverAt(client))
	}
	c.Dress(client)
	err := p.signIn.Tries().Place(c.Context(), c.Origin())
	if locked := (*mfa.LockedError)(nil); errors.As(err, &locked) {
		return c.Show(set, http.StatusTooManyRequests, "forgot.html", forgotView{Error: lockOf(c, locked), Client: client})
	} else if err != nil {
		return err
	}
	by := idp.Actor{Origin: c.Origin()}
	if !p.background(func(ctx context.Context) error { return p.way.Forgot(ctx, by, login, client) }) {
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

func (p recovery) renew(c *page.Context) error {
	return p.open(c, idp.LinkRecover, func(l idp.Link, u idp.User) error { return p.showRenew(c, http.StatusOK, l, u, nil) })
}

// showRenew allows the script that shows what is typed and counts it.
func (p recovery) showRenew(c *page.Context, status int, l idp.Link, u idp.User, wrong *complaint) error {
	least, err := p.rules.Least(c.Context(), u)
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
func (p recovery) choosePassword(c *page.Context) error {
	return p.open(c, idp.LinkRecover, func(l idp.Link, u idp.User) error {
		err := p.way.ChooseNew(c.Context(), idp.Actor{User: u.ID, Origin: c.Origin()}, c.R.PathValue("token"), c.Form("new_password"))
		if errors.Is(err, idp.ErrInvalid) {
			title, text := page.PasswordProblem(c.Words, err)
			return p.showRenew(c, http.StatusBadRequest, l, u, &complaint{title, text})
		} else if err != nil {
			return overdue(c, err)
		}
		return p.enter(c, l, u)
	})
}
