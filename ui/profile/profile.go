// Package profile draws the pages on which people look after what is known about
// them: profile and picture, e-mail address, the applications they use and what
// they allowed these, a copy of their data, and the wish to leave.
//
// It decides nothing: what may be changed, and with which proof, is said by
// idp/account and its neighbours. Without that proof it leads to the sign-in, and
// back.
package profile

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/oidc"
	"latchkey/idp/signin"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(files, "_*.html", "[a-z]*.html")

// Where the pages are.
const (
	Home = pages.Profile
	Apps = pages.Apps
	data = Home + "/data"
)

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Site   *page.Site
	SignIn *signin.Service
	Self   *account.Self
	Apps   *oidc.Apps
	Data   Writer
}

// Writer writes down everything that is held about somebody; see package export.
type Writer interface {
	Write(ctx context.Context, by idp.Actor, w func() io.Writer) error
}

// Mount adds the routes.
func (p *Pages) Mount(r gin.IRouter) {
	g := gate{p.SignIn}
	form{p.Self}.mount(r, p.Site, g)
	pictures{p.SignIn, p.Self.Pictures}.mount(r, p.Site)
	copies{p.Self, p.Data}.mount(r, p.Site, g)
	appPages{p.Apps}.mount(r, p.Site, g)
}

func to(path string) func(*page.Context) string { return func(*page.Context) string { return path } }

// visit is one request by somebody who may come in.
type visit struct {
	by   idp.Actor
	user idp.User
}

type handler func(c *page.Context, v visit) error

// gate is how people come in to these pages.
type gate struct{ signIn *signin.Service }

// enter asks the gate for somebody who is signed in. Whoever is not comes back to
// the page, or to the page of the form.
func (g gate) enter(from string, h handler) page.Handler {
	return g.through(from, h, func(time.Time) idp.Need { return idp.Need{} })
}

// prove is enter for what takes a recent proof (SECURITY.md M-05, E-10).
func (g gate) prove(from string, h handler) page.Handler {
	return g.through(from, h, account.Guarded)
}

func (g gate) through(from string, h handler, needs func(time.Time) idp.Need) page.Handler {
	return func(c *page.Context) error {
		need := needs(c.Now())
		n, u, err := g.signIn.Gate(c.Context(), c.Session(), need, c.Origin())
		if err == nil {
			c.For(u)
			if err = pages.Refill(c, g.signIn, u.ID); err != nil {
				return err
			}
			return h(c, visit{idp.ActorOf(n, u, c.Origin()), u})
		}
		if !errors.Is(err, idp.ErrMore) && !errors.Is(err, idp.ErrNotFound) {
			return err
		}
		return pages.Return(c, g.signIn, signin.Start{Need: need}, from)
	}
}

// head is what every page of this package shows.
type head struct {
	Again bool   // the form must be sent once more
	Kept  string // that it is filled in again, in words
	Done  string // what was done, in words
	Error *pages.Complaint
}

// dones are the words for what was done.
var dones = []string{"saved", "picture", "picture_gone", "email_asked", "confirm_asked", "verified", "withdrawn", "closing"}

func headOf(c *page.Context) head {
	h := head{Again: c.R.Method == http.MethodGet && c.Query("again") != "", Kept: c.Kept()}
	if done := c.Query("done"); slices.Contains(dones, done) {
		h.Done = c.Words.T(fmt.Sprintf("profile.done.%s", done))
	}
	return h
}
