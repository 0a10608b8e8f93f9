package signin

import (
	"errors"
	"net/http"
	"time"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

type loginView struct {
	Ticket string
	Client string
	Login  string
	Wrong  bool
	Wait   int  // minutes that a lock lasts
	Again  bool // somebody who is signed in proves that they are still there
	Chosen bool // they have just chosen their password
	Forgot string

	Passkey page.Ceremony
}

type chooseView struct {
	Ticket string
	Client string
	Person page.Person
}

// login shows the first step. Without a flow it begins one that ends on the
// person's own page, or goes there if nothing is missing.
func (p *Pages) login(c *page.Context) error {
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
		return showLogin(c, http.StatusOK, p.loginOf(c, v, v.Flow.Hint))
	})
}

func (p *Pages) welcome(c *page.Context) error {
	_, _, err := p.SignIn.Gate(c.Context(), c.Session(), idp.Need{}, c.Origin())
	if err == nil {
		return c.Redirect(Home)
	}
	return Begin(c, p.SignIn, signin.Start{ReturnTo: Home})
}

// choose offers to go on as the person who is signed in, if there is one.
func (p *Pages) choose(c *page.Context, v signin.View) (shown bool, err error) {
	_, u, err := p.SignIn.Gate(c.Context(), c.Session(), v.Flow.Need, c.Origin())
	switch {
	case errors.Is(err, idp.ErrNotFound) || v.Flow.Need.Subject != "" && v.Flow.Need.Subject != u.ID:
		return false, nil
	case err != nil && !errors.Is(err, idp.ErrMore):
		return false, err
	}
	return true, c.Show(set, http.StatusOK, "choose.html", chooseView{ticket(c), v.Flow.Client, page.PersonOf(u)})
}

// proceed takes the choice. A session that ended meanwhile leads to the form.
func (p *Pages) proceed(c *page.Context) error {
	return p.step(c, signin.AskPassword, func(v signin.View) error {
		if c.Form("decision") == "continue" {
			m, err := p.SignIn.Continue(c.Context(), v, c.Session())
			if !errors.Is(err, idp.ErrNotFound) {
				return p.moved(c, v, m, err)
			}
		}
		return c.Redirect(at("/login", ticket(c), "other", "1"))
	})
}

func (p *Pages) password(c *page.Context) error {
	return p.step(c, signin.AskPassword, func(v signin.View) error {
		login := c.Form("login")
		m, err := p.SignIn.Password(c.Context(), v, login, c.Form("password"), marks(c))
		if errors.Is(err, idp.ErrBadLogin) {
			// One answer for every reason: unknown, wrong, disabled, locked
			// (SECURITY.md B-07, E-01).
			c.Here(at("/login", ticket(c), "other", "1"))
			view := p.loginOf(c, v, login)
			view.Wrong, view.Wait = true, int(p.SignIn.Rules.Per/time.Minute)
			return showLogin(c, http.StatusUnauthorized, view)
		}
		return p.moved(c, v, m, err)
	})
}

// moved moves on, or leads from an error's page back to this sign-in.
func (p *Pages) moved(c *page.Context, v signin.View, m signin.Moved, err error) error {
	if err == nil {
		return p.move(c, m)
	}
	problem := page.ProblemOf(err)
	if errors.Is(err, signin.ErrSlowDown) {
		problem.Key = "slow_down"
	}
	problem.Back, problem.Word = at("/login", ticket(c)), "error.again"
	if errors.Is(err, idp.ErrExpired) || errors.Is(err, idp.ErrSpent) {
		problem.Back, problem.Word = v.Flow.ReturnTo, "error.start"
	}
	c.FailAs(err, problem)
	return nil
}

func (p *Pages) loginOf(c *page.Context, v signin.View, login string) loginView {
	return loginView{
		Ticket: ticket(c), Client: v.Flow.Client, Login: login, Again: v.Flow.Need.Every && v.Flow.Hint != "", Chosen: c.Query("chosen") != "", Forgot: recoverAt(toward(v.Flow)), Passkey: p.ceremony(c),
	}
}

// showLogin allows the scripts that show the password on request and offer
// passkeys.
func showLogin(c *page.Context, status int, v loginView) error {
	c.Script()
	c.Connect()
	return c.Show(set, status, "login.html", v)
}
