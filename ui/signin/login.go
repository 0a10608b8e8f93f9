package signin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/oidc"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

type loginView struct {
	Ticket string
	Client string
	Login  string
	Wrong  bool
	Silent bool // nobody's first password can be checked
	Wait   int  // minutes that a lock lasts
	Again  bool // somebody who is signed in proves that they are still there
	Chosen bool // they have just chosen their password
	Made   bool // they have just made their account
	Forgot string
	// Register is where an account can be asked for; empty: nowhere.
	Register string
	App      page.App // on the way to which they are

	Passkey page.Ceremony
	// Asks the browser whether it can make passkeys by itself: then one may be
	// offered once everything is proven.
	Asks bool
}

type chooseView struct {
	Ticket string
	Client string
	Person page.Person
}

// first draws the first step.
type first struct {
	journey
	accounts registration
	app      func(context.Context, idp.ClientID) (oidc.Client, error) // nil: none says anything of itself
}

func (p first) mount(r gin.IRouter, s *page.Site) {
	r.GET("/login", s.Strangers(p.login))
	r.POST("/login", s.Strangers(p.password, again("/login")))
	r.POST("/login/continue", s.Strangers(p.proceed, again("/login")))
}

// login shows the first step. Without a flow it begins one that ends on the
// person's own page, or goes there if nothing is missing.
func (p first) login(c *page.Context) error {
	if c.Query("flow") == "" {
		return p.welcome(c)
	}
	return p.step(c, signin.AskPassword, func(v signin.View) error {
		if v.Flow.Choose && c.Query("other") == "" {
			done, err := p.choose(c, v)
			if done || err != nil {
				return err
			}
		}
		view, err := p.loginOf(c, v, v.Flow.Hint)
		if err != nil {
			return err
		}
		return showLogin(c, http.StatusOK, view)
	})
}

func (p first) welcome(c *page.Context) error {
	_, _, err := p.signIn.Gate(c.Context(), c.Session(), idp.Need{}, c.Origin())
	if err == nil {
		return c.Redirect(Home)
	}
	return Begin(c, p.signIn, signin.Start{ReturnTo: Home})
}

// choose offers to go on as the person who is signed in, if there is one.
func (p first) choose(c *page.Context, v signin.View) (shown bool, err error) {
	_, u, err := p.signIn.Gate(c.Context(), c.Session(), v.Flow.Need, c.Origin())
	switch {
	case errors.Is(err, idp.ErrNotFound) || v.Flow.Need.Subject != "" && v.Flow.Need.Subject != u.ID:
		return false, nil
	case err != nil && !errors.Is(err, idp.ErrMore):
		return false, err
	}
	return true, c.Show(set, http.StatusOK, "choose.html", chooseView{ticket(c), v.Flow.Client, page.PersonOf(u)})
}

// proceed takes the choice. A session that ended meanwhile leads to the form.
func (p first) proceed(c *page.Context) error {
	return p.step(c, signin.AskPassword, func(v signin.View) error {
		if c.Form("decision") == "continue" {
			m, err := p.signIn.Continue(c.Context(), v, c.Session())
			if !errors.Is(err, idp.ErrNotFound) {
				return moved(c, v, m, err)
			}
		}
		return c.Redirect(at("/login", ticket(c), "other", "1"))
	})
}

func (p first) password(c *page.Context) error {
	return p.step(c, signin.AskPassword, func(v signin.View) error {
		login := c.Form("login")
		m, err := p.signIn.Password(c.Context(), v, login, c.Form("password"), marks(c))
		if errors.Is(err, idp.ErrBadLogin) {
			// One answer for every reason: unknown, wrong, disabled, locked
			// (SECURITY.md B-07, E-01).
			c.Here(at("/login", ticket(c), "other", "1"))
			view, bad := p.loginOf(c, v, login)
			if bad != nil {
				return bad
			}
			view.Wrong, view.Wait = true, int(p.signIn.Rules.Per/time.Minute)
			view.Silent = errors.Is(err, signin.ErrElsewhere)
			return showLogin(c, http.StatusUnauthorized, view)
		}
		return moved(c, v, m, err)
	})
}

func (p first) loginOf(c *page.Context, v signin.View, login string) (loginView, error) {
	view := loginView{
		Ticket: ticket(c), Client: v.Flow.Client, Login: login, Again: v.Flow.Need.Every && v.Flow.Hint != "", Chosen: c.Query("chosen") != "", Made: c.Query("made") != "",
		Forgot: recoverAt(toward(v.Flow)), Passkey: p.ceremony(c),
	}
	// Who is on the way to where a factor is set up needs no offer of one.
	view.Asks = view.Passkey.Begin != "" && !strings.HasPrefix(v.Flow.ReturnTo, Home+"/")
	var err error
	if view.App, err = p.appOf(c, toward(v.Flow)); err != nil {
		return view, err
	}
	view.Register, err = p.accounts.offer(c.Context(), v.Flow, view.Ticket)
	return view, err
}

// appOf is what an application says of itself. Most say nothing.
func (p first) appOf(c *page.Context, id idp.ClientID) (page.App, error) {
	if id == "" || p.app == nil {
		return page.App{}, nil
	}
	cl, err := p.app(c.Context(), id)
	if errors.Is(err, idp.ErrNotFound) {
		return page.App{}, nil
	}
	return page.AppOf(cl), err
}

// showLogin allows the scripts that show the password on request and offer
// passkeys.
func showLogin(c *page.Context, status int, v loginView) error {
	c.Script()
	c.Connect()
	return c.Show(set, status, "login.html", v)
}
