// Package signin draws the sign-in pages, the way out and the first page of a
// person's own. It carries tickets, cookies and answers between the browser
// and idp/signin.
//
// It decides nothing: which page comes next, who may pass and what an answer
// is worth are decided there.
package signin

import (
	"embed"
	"errors"
	"fmt"
	"net/url"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(files, "_*.html", "[a-z]*.html")

// Home is where people go who came for no application.
const Home = "/my/security"

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Site   *page.Site
	SignIn *signin.Service
}

// Mount adds the routes.
func (p *Pages) Mount(r gin.IRouter) {
	s, w := p.Site, wizard{p}
	r.GET("/login", s.Strangers(p.login))
	r.POST("/login", s.Strangers(p.password, again("/login")))
	r.POST("/login/continue", s.Strangers(p.proceed, again("/login")))
	r.GET("/login/factor", s.Strangers(p.factor))
	r.POST("/login/factor", s.Strangers(p.answer, again("/login/factor")))
	r.GET("/login/enrol", s.Strangers(w.scan))
	r.GET("/login/enrol/codes", s.Strangers(w.codes))
	r.GET("/login/enrol/codes.txt", s.Strangers(w.download))
	r.POST("/login/enrol/codes", s.Strangers(w.keep, again("/login/enrol/codes")))
	r.GET("/login/enrol/confirm", s.Strangers(w.confirmation))
	r.POST("/login/enrol/confirm", s.Strangers(w.confirm, again("/login/enrol/confirm")))
	r.GET("/logout", s.Members(p.leave))
	r.POST("/logout", s.Members(p.signOut, func(*page.Context) string { return "/logout" }))
	r.GET(Home, s.Members(p.security))
}

// paths says which page draws a step.
var paths = map[signin.Step]string{
	signin.AskPassword: "/login",
	signin.AskFactor:   "/login/factor",
	signin.MustEnrol:   "/login/enrol",
}

// at is the address of a page of the flow; more is pairs of further parameters.
func at(path, ticket string, more ...string) string {
	a := path + "?flow=" + url.QueryEscape(ticket)
	for i := 0; i+1 < len(more); i += 2 {
		a += "&" + more[i] + "=" + url.QueryEscape(more[i+1])
	}
	return a
}

// again leads from a refused form back to its page.
func again(path string) func(*page.Context) string {
	return func(c *page.Context) string { return at(path, ticket(c)) }
}

func ticket(c *page.Context) string {
	if t := c.Form("flow"); t != "" {
		return t
	}
	return c.Query("flow")
}

// load finds the flow of a request and sets the page up for it. When it fails
// it has shown the page that leads on, and the handler is done: ok is false.
func (p *Pages) load(c *page.Context) (v signin.View, ok bool, err error) {
	v, err = p.SignIn.Load(c.Context(), ticket(c), c.Browser())
	c.Speak(v.User.Locale, v.Flow.Locales)
	if err != nil {
		problem := page.ProblemOf(err)
		problem.Word, problem.Back = "error.start", Home
		if v.Flow.ReturnTo != "" {
			problem.Back = v.Flow.ReturnTo
		}
		c.FailAs(err, problem)
		return v, false, nil
	}
	if v.Flow.Onward {
		c.LeadsOn(v.Flow.Redirect)
	} else {
		c.LeadsTo(v.Flow.Redirect)
	}
	return v, true, nil
}

// step is the frame of every page that belongs to one step: it loads the flow
// and sends the browser to the step where it stands if that is another one, so
// that no step can be skipped or done twice (SECURITY.md M-03).
func (p *Pages) step(c *page.Context, want signin.Step, draw func(signin.View) error) error {
	v, ok, err := p.load(c)
	if !ok || err != nil {
		return err
	}
	if v.Step != want {
		path, known := paths[v.Step]
		if !known {
			return fmt.Errorf("signin: no page for step %q: %w", v.Step, idp.ErrExpired)
		}
		return c.Redirect(at(path, ticket(c)))
	}
	return draw(v)
}

// move goes to the next step's page or, when there is none left, back to
// where the browser came from, with its session.
func (p *Pages) move(c *page.Context, m signin.Moved) error {
	if m.Step != signin.Done {
		path, known := paths[m.Step]
		if !known {
			return fmt.Errorf("signin: no page for step %q", m.Step)
		}
		return c.Redirect(at(path, m.Ticket))
	}
	if m.Session != "" {
		c.SetSession(m.Session, m.MaxAge)
	}
	if m.Known != "" {
		c.SetKnown(m.Known)
	}
	return c.Redirect(m.ReturnTo)
}

// begin opens a flow for whoever sits there and leads to its page.
func begin(c *page.Context, s *signin.Service, start signin.Start) error {
	n, u, err := s.Gate(c.Context(), c.Session(), start.Need)
	if err != nil && !errors.Is(err, idp.ErrNotFound) && !errors.Is(err, idp.ErrMore) && !errors.Is(err, idp.ErrDenied) {
		return err
	}
	start.Browser, start.Session, start.User = c.Browser(), n, u
	if start.Hint == "" && !start.Choose && (start.Need.Subject == "" || start.Need.Subject == u.ID) {
		start.Hint = u.Login
	}
	f, err := s.Begin(c.Context(), start)
	if err != nil {
		return err
	}
	t, err := s.Ticket(f)
	if err != nil {
		return err
	}
	return c.Redirect(at("/login", t))
}
