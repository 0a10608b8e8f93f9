// Package signin draws the sign-in pages and the way out. It carries tickets,
// cookies and answers between the browser and idp/signin.
//
// It decides nothing: which page comes next, who may pass and what an answer
// is worth are decided there.
package signin

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
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
	Help   *account.Help
	// Background runs something after the answer, or says that too much is
	// waiting already.
	Background func(do func(context.Context) error) bool
	// Farewell, if set, lists addresses that a browser that signs out must
	// load, so that applications end their sessions, too. It is asked while
	// the session lives.
	Farewell func(*http.Request) ([]string, error)
	// Door, if set, says how an application is called and where a person enters it;
	// empty: they cannot.
	Door func(ctx context.Context, u idp.User, id idp.ClientID) (name, address string, err error)
	// Related are the other origins at which passkeys may be used.
	Related []string
}

// Mount adds the routes.
func (p *Pages) Mount(r gin.IRouter) {
	s, w, f := p.Site, wizard{p}, second{p}
	r.GET("/login", s.Strangers(p.login))
	r.POST("/login", s.Strangers(p.password, again("/login")))
	r.POST("/login/continue", s.Strangers(p.proceed, again("/login")))
	r.GET("/login/factor", s.Strangers(f.factor))
	r.POST("/login/factor", s.Strangers(f.answer, again("/login/factor")))
	r.POST("/login/factor/send", s.Strangers(f.send, again("/login/factor")))
	r.GET("/login/lost", s.Strangers(f.lost))
	r.GET("/login/offer", s.Strangers(p.offer))
	r.POST("/login/offer", s.Strangers(p.later, again("/login/offer")))
	r.GET("/login/enrol", s.Strangers(w.start))
	r.POST("/login/enrol", s.Strangers(w.begin, again("/login/enrol")))
	r.POST("/login/enrol/send", s.Strangers(w.sendAgain, again("/login/enrol/confirm")))
	r.GET("/login/enrol/codes", s.Strangers(w.codes))
	r.GET("/login/enrol/codes.txt", s.Strangers(w.download))
	r.POST("/login/enrol/codes", s.Strangers(w.keep, again("/login/enrol/codes")))
	r.GET("/login/enrol/confirm", s.Strangers(w.confirmation))
	r.POST("/login/enrol/confirm", s.Strangers(w.confirm, again("/login/enrol/confirm")))
	p.mountLinks(r)
	p.mountInvitations(r)
	p.mountFounding(r)
	r.GET("/logout", s.Members(p.leave))
	r.POST("/logout", s.Members(p.signOut, func(*page.Context) string { return "/logout" }))
	keys{p}.mount(r)
}

// paths says which page draws a step.
var paths = map[signin.Step]string{
	signin.AskPassword: "/login",
	signin.AskFactor:   "/login/factor",
	signin.MustEnrol:   "/login/enrol",
	signin.MayEnrol:    "/login/offer",
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
	v, err = p.SignIn.Load(c.Context(), ticket(c), c.Browser(), c.Origin())
	c.Speak(v.User.Locale, v.Flow.Locales)
	c.Dress(toward(v.Flow))
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

// toward is the client that a sign-in leads to, for the looks of its pages. Whoever
// was invited is on their way through their applications.
func toward(f signin.Flow) idp.ClientID {
	if f.Need.Client != "" {
		return f.Need.Client
	}
	id, through := strings.CutPrefix(f.ReturnTo, Apps+"/")
	if id, err := url.PathUnescape(id); through && err == nil {
		return idp.ClientID(id)
	}
	return ""
}

// step is the frame of every page that belongs to one step: it loads the flow
// and sends the browser to the step where it stands if that is another one, so
// that no step can be skipped or done twice (SECURITY.md M-03).
func (p *Pages) step(c *page.Context, want signin.Step, draw func(signin.View) error) error {
	return p.steps(c, draw, want)
}

// steps is step for a page that belongs to several.
func (p *Pages) steps(c *page.Context, draw func(signin.View) error, want ...signin.Step) error {
	v, ok, err := p.load(c)
	if !ok || err != nil {
		return err
	}
	if !slices.Contains(want, v.Step) {
		path, known := paths[v.Step]
		if !known {
			return fmt.Errorf("signin: no page for step %q: %w", v.Step, idp.ErrExpired)
		}
		return c.Redirect(at(path, ticket(c)))
	}
	return draw(v)
}

// move goes to where arrive says.
func (p *Pages) move(c *page.Context, m signin.Moved) error {
	to, err := p.arrive(c, m)
	if err != nil {
		return err
	}
	return c.Redirect(to)
}

// arrive returns the address of the next step's page or, when there is none
// left, of where the browser came from, and gives it its session.
func (p *Pages) arrive(c *page.Context, m signin.Moved) (to string, err error) {
	if m.Step != signin.Done {
		path, known := paths[m.Step]
		if !known {
			return "", fmt.Errorf("signin: no page for step %q", m.Step)
		}
		return at(path, m.Ticket), nil
	}
	if m.Session != "" {
		c.SetSession(m.Session, m.MaxAge)
	}
	if m.Known != "" {
		c.SetKnown(m.Known)
	}
	if m.Device != "" {
		c.SetDevice(m.Device)
	}
	return m.ReturnTo, nil
}

// marks is what this browser carries from earlier visits.
func marks(c *page.Context) signin.Marks { return signin.Marks{Known: c.Known(), Device: c.Device()} }

// sitting is the session of whoever sits there, if anybody does, however good
// it is.
func sitting(c *page.Context, s *signin.Service, need idp.Need) (idp.Session, idp.User, error) {
	n, u, err := s.Gate(c.Context(), c.Session(), need, c.Origin())
	if errors.Is(err, idp.ErrNotFound) || errors.Is(err, idp.ErrMore) || errors.Is(err, idp.ErrDenied) {
		err = nil
	}
	return n, u, err
}

// Begin opens a flow for whoever sits there and leads to its page.
func Begin(c *page.Context, s *signin.Service, start signin.Start) error {
	n, u, err := sitting(c, s, start.Need)
	if err != nil {
		return err
	}
	start.Browser, start.Session, start.User, start.From = c.Browser(), n, u, c.Origin()
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
