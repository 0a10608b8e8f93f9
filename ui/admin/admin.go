// Package admin is the frame of the administration: its way in, its navigation
// and the pieces of which its pages are made. The pages themselves are in the
// packages below, one for each part.
//
// It decides one thing: who comes in. Every page passes the gate with a second
// factor, whatever policy says (SECURITY.md D-03), and asks for the right that
// its route names. What may be done to whom is asked again by the use case.
package admin

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/signin"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

// Home is where the administration begins.
const Home = "/admin"

// fresh is how recent every proof must be for what cannot be undone, what
// makes a secret and what gives access.
const fresh = 5 * time.Minute

//go:embed _*.html
var files embed.FS

// Pieces are what the pages of the administration are made of; see _admin.html
// and _pieces.html. A package parses its own pages together with them.
var Pieces = files

// Parse reads the pages of a package of the administration.
func Parse(own embed.FS) *page.Set {
	return page.Parse(page.Join(own, Pieces), "_*.html", "[a-z]*.html")
}

// Handler is a page or an action of the administration.
type Handler func(c *page.Context, v Visit) error

// Route is one address. The routes are a table, so that a test can ask each of
// them what it does for whom.
type Route struct {
	Method string
	Path   string    // whole, with gin's parameters: /admin/users/:user
	Right  idp.Right // without it: refused
	// Fresh asks for every proof of the last five minutes.
	Fresh bool
	// Back is the address of the page on which the form of a POST stands: whoever
	// must prove more comes back there, to the form as they typed it.
	Back func(*page.Context) string
	// Upload is how large a file the form may bring, in bytes; 0: none.
	Upload int64
	Handle Handler
}

// Get is the route of a page.
func Get(path string, right idp.Right, h Handler) Route {
	return Route{Method: http.MethodGet, Path: path, Right: right, Handle: h}
}

// Post is the route of an action; its form stands at back, whose parameters
// are those of the route.
func Post(path string, right idp.Right, back string, h Handler) Route {
	return Route{Method: http.MethodPost, Path: path, Right: right, Back: at(back), Handle: h}
}

// Guarded makes a route ask for fresh proofs. A page with a long form is guarded
// as its action is: whoever must prove more does so before they type. If the
// proof is too old by the time they send it, what they typed is kept on the way
// through the sign-in, but for secrets and files.
func (r Route) Guarded() Route {
	r.Fresh = true
	return r
}

// at fills the parameters of a path in from the request's own.
func at(path string) func(*page.Context) string {
	return func(c *page.Context) string {
		parts := strings.Split(path, "/")
		for i, p := range parts {
			if name, is := strings.CutPrefix(p, ":"); is {
				parts[i] = segment(c.R.PathValue(name))
			}
		}
		return strings.Join(parts, "/")
	}
}

// Section is one entry of the navigation with its pages.
type Section struct {
	Name   string // of its words: admin.nav.NAME
	Path   string // of its first page
	Right  idp.Right
	Group  string // entries of one group stand together: admin.nav_group.GROUP
	Routes []Route
}

// Desk is the administration. Its fields are set once, before Mount.
type Desk struct {
	Site   *page.Site
	SignIn *signin.Service
	Log    idp.Log
	// Assurance is the least that administrators prove, an ACR; nil: idp.AAL2.
	Assurance func(context.Context) string
	Sections  []Section
}

// Visit is one request of somebody who may come in.
type Visit struct {
	By   idp.Actor
	User idp.User

	desk    *Desk
	section string
}

// May reports whether the visitor has a right: what they may not do is not
// drawn.
func (v Visit) May(right idp.Right) bool { return v.By.May(right) == nil }

// Mount adds the routes.
func (d *Desk) Mount(r gin.IRouter) {
	for _, s := range d.Sections {
		for _, t := range s.Routes {
			var back []func(*page.Context) string
			if t.Back != nil {
				back = append(back, t.Back)
			}
			r.Handle(t.Method, t.Path, d.adapt(t)(d.enter(s, t), back...))
		}
	}
}

func (d *Desk) adapt(t Route) func(page.Handler, ...func(*page.Context) string) gin.HandlerFunc {
	if t.Upload > 0 {
		return func(h page.Handler, back ...func(*page.Context) string) gin.HandlerFunc {
			return d.Site.Uploads(t.Upload, h, back...)
		}
	}
	return d.Site.Members
}

// Need is what the gate asks of whoever wants to come in, beside what policy
// says (SECURITY.md D-03, N-02): never a trusted browser instead of a factor.
func (d *Desk) Need(c *page.Context, recent bool) idp.Need {
	need := idp.Need{ACR: idp.AAL2, Essential: true}
	if d.Assurance != nil {
		need.ACR = d.Assurance(c.Context())
	}
	if recent {
		need.Since, need.Every = c.Now().Add(-fresh), true
	}
	return need
}

// enter is the way in.
func (d *Desk) enter(s Section, t Route) page.Handler {
	return func(c *page.Context) error {
		need := d.Need(c, t.Fresh)
		n, u, err := d.SignIn.Gate(c.Context(), c.Session(), need, c.Origin())
		if err != nil && !errors.Is(err, idp.ErrMore) && !errors.Is(err, idp.ErrNotFound) {
			return err
		}
		v := Visit{By: idp.ActorOf(n, u, c.Origin()), User: u, desk: d, section: s.Name}
		if u.ID != "" {
			c.Speak(u.Locale)
			// Who has no business here is not asked for more proof first.
			if no := v.By.May(t.Right); no != nil {
				return d.denied(c, v, t, no)
			}
		}
		if err == nil {
			if err = pages.Refill(c, d.SignIn, u.ID); err != nil {
				return err
			}
			if err = t.Handle(c, v); !errors.Is(err, idp.ErrMore) {
				return err
			}
		}
		return pages.Return(c, d.SignIn, signin.Start{Need: need}, t.form(c))
	}
}

// denied leaves a line in the log (SECURITY.md D-07).
func (d *Desk) denied(c *page.Context, v Visit, t Route, why error) error {
	return errors.Join(why, d.Log.Append(c.Context(), idp.Event{
		ID: rand.Text(), At: c.Now(), What: "admin.visit", Actor: v.By.User, Session: v.By.Session, Origin: v.By.Origin,
		Result: "denied", Detail: map[string]string{"route": t.Method + " " + t.Path, "right": string(t.Right)},
	}))
}

// form is the page of the form of a POST.
func (t Route) form(c *page.Context) string {
	if t.Back == nil {
		return Home
	}
	return t.Back(c)
}

// Rights lists the rights for which there is a page.
func (d *Desk) Rights() []idp.Right {
	var out []idp.Right
	for _, s := range d.Sections {
		for _, t := range s.Routes {
			if !slices.Contains(out, t.Right) {
				out = append(out, t.Right)
			}
		}
	}
	return out
}
