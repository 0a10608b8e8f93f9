package signin

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/page"
)

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

// journey is the frame of the pages of a sign-in under way.
type journey struct{ signIn *signin.Service }

// load finds the flow of a request and sets the page up for it. When it fails
// it has shown the page that leads on, and the handler is done: ok is false.
func (j journey) load(c *page.Context) (v signin.View, ok bool, err error) {
	v, err = j.signIn.Load(c.Context(), ticket(c), c.Browser(), c.Origin())
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
func (j journey) step(c *page.Context, want signin.Step, draw func(signin.View) error) error {
	return j.steps(c, draw, want)
}

// steps is step for a page that belongs to several.
func (j journey) steps(c *page.Context, draw func(signin.View) error, want ...signin.Step) error {
	v, ok, err := j.load(c)
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

// ceremony is for the pages of a flow. It is empty where there are no passkeys.
func (j journey) ceremony(c *page.Context) page.Ceremony {
	if !slices.Contains(j.signIn.Factors.Kinds(), idp.Passkey) {
		return page.Ceremony{}
	}
	return page.Ceremony{Begin: passkeyBegin, Finish: passkeyFinish, Flow: ticket(c)}
}

// move goes to where arrive says.
func move(c *page.Context, m signin.Moved) error {
	to, err := arrive(c, m)
	if err != nil {
		return err
	}
	return c.Redirect(to)
}

// arrive returns the address of the next step's page or, when there is none
// left, of where the browser came from, and gives it its session.
func arrive(c *page.Context, m signin.Moved) (to string, err error) {
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

// moved moves on, or leads from an error's page back to this sign-in.
func moved(c *page.Context, v signin.View, m signin.Moved, err error) error {
	if err == nil {
		return move(c, m)
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

// marks is what this browser carries from earlier visits, and says of itself.
func marks(c *page.Context) signin.Marks {
	return signin.Marks{Known: c.Known(), Device: c.Device(), Platform: c.Form("platform") != ""}
}

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
	return beginAt(c, s, "/login", start)
}

// beginAt is Begin for a flow whose first page is another one.
func beginAt(c *page.Context, s *signin.Service, path string, start signin.Start) error {
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
	return c.Redirect(at(path, t))
}
