// Package company draws the pages on which the main contact of a customer company
// looks after its people: who is ready, invitations, disable and enable.
//
// It decides nothing: what a main contact may do, to whom and with which proof, is
// said by idp/company. To everybody else these pages do not exist.
package company

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/company"
	"latchkey/idp/signin"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(files, "_*.html", "[a-z]*.html")

// Home is where main contacts begin.
const Home = "/my/company"

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Site     *page.Site
	SignIn   *signin.Service
	Contacts *company.Contacts
}

// Mount adds the routes.
func (p *Pages) Mount(r gin.IRouter) {
	const one = Home + "/:company"
	const person = one + "/people/:person"
	s := p.Site
	r.GET(Home, s.Members(p.enter(p.home)))
	r.GET(one, s.Members(p.enter(p.people)))
	r.GET(one+"/invite", s.Members(p.prove(p.form)))
	r.POST(one+"/invite", s.Members(p.prove(p.invite), back("/invite")))
	for name, act := range acts {
		r.POST(person+"/"+name, s.Members(p.prove(p.do(name, act)), back("")))
	}
}

// back is the page on which a form stands.
func back(rest string) func(*page.Context) string {
	return func(c *page.Context) string { return pathOf(c.R.PathValue("company")) + rest }
}

func pathOf(id string) string { return Home + "/" + url.PathEscape(id) }

type handler func(c *page.Context, by idp.Actor, u idp.User) error

// enter asks the gate for somebody who is signed in.
func (p *Pages) enter(h handler) page.Handler {
	return p.through(h, func(time.Time) idp.Need { return idp.Need{} })
}

// prove is enter for changes, which take recent proofs (SECURITY.md M-05).
func (p *Pages) prove(h handler) page.Handler { return p.through(h, company.NeedForChange) }

func (p *Pages) through(h handler, needs func(time.Time) idp.Need) page.Handler {
	return func(c *page.Context) error {
		need := needs(c.Now())
		n, u, err := p.SignIn.Gate(c.Context(), c.Session(), need, c.Origin())
		signed := !errors.Is(err, idp.ErrNotFound)
		if err == nil {
			c.For(u)
			if err = pages.Refill(c, p.SignIn, u.ID); err != nil {
				return err
			}
			err = h(c, idp.ActorOf(n, u, c.Origin()), u)
		}
		if signed && !errors.Is(err, idp.ErrMore) {
			return err
		}
		form := pathOf(c.R.PathValue("company"))
		if strings.HasSuffix(c.R.URL.Path, "/invite") {
			form = c.R.URL.EscapedPath()
		}
		return pages.Return(c, p.SignIn, signin.Start{Need: need}, form)
	}
}

// head is what every page of this package shows.
type head struct {
	Again bool
	Kept  string // that the form is filled in again, in words
	Done  string
	Error *pages.Complaint
}

// dones are the words for what was done.
var dones = []string{"invited", "disable", "enable", "resend"}

func headOf(c *page.Context) head {
	h := head{Again: c.R.Method == http.MethodGet && c.Query("again") != "", Kept: c.Kept()}
	if done := c.Query("done"); slices.Contains(dones, done) {
		h.Done = c.Words.T(fmt.Sprintf("company.done.%s", done))
	}
	return h
}
