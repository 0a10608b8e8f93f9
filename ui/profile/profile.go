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
	"latchkey/idp/picture"
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
	s := p.Site
	r.GET(Home, s.Members(p.enter(Home, p.profile)))
	r.POST(Home, s.Members(p.enter(Home, p.change), to(Home)))
	r.POST(Home+"/picture", s.Uploads(picture.MostBytes, p.enter(Home, p.setPicture), to(Home)))
	r.POST(Home+"/picture/remove", s.Members(p.enter(Home, p.removePicture), to(Home)))
	r.POST(Home+"/email", s.Members(p.prove(Home, p.askEmail), to(Home)))
	r.POST(Home+"/email/confirm", s.Members(p.enter(Home, p.confirmEmail), to(Home)))
	r.GET(data, s.Members(p.enter(data, p.data)))
	r.POST(data, s.Members(p.prove(data, p.export), to(data)))
	r.POST(data+"/close", s.Members(p.prove(data, p.askClosing), to(data)))
	r.GET("/my/picture", s.Members(p.myPicture))
	r.GET(account.PicturePath+":name", s.Strangers(p.anyPicture))
	r.GET(Apps, s.Members(p.enter(Apps, p.apps)))
	r.GET(Apps+"/:client", s.Members(p.enter(Apps, p.open)))
	r.POST(Apps+"/withdraw", s.Members(p.enter(Apps, p.withdraw), to(Apps)))
}

func to(path string) func(*page.Context) string { return func(*page.Context) string { return path } }

// visit is one request by somebody who may come in.
type visit struct {
	by   idp.Actor
	user idp.User
}

type handler func(c *page.Context, v visit) error

// enter asks the gate for somebody who is signed in. Whoever is not comes back to
// the page, or to the page of the form.
func (p *Pages) enter(from string, h handler) page.Handler {
	return p.through(from, h, func(time.Time) idp.Need { return idp.Need{} })
}

// prove is enter for what takes a recent proof (SECURITY.md M-05, E-10).
func (p *Pages) prove(from string, h handler) page.Handler {
	return p.through(from, h, account.Guarded)
}

func (p *Pages) through(from string, h handler, needs func(time.Time) idp.Need) page.Handler {
	return func(c *page.Context) error {
		need := needs(c.Now())
		n, u, err := p.SignIn.Gate(c.Context(), c.Session(), need, c.Origin())
		if err == nil {
			c.For(u)
			return h(c, visit{idp.ActorOf(n, u, c.Origin()), u})
		}
		if !errors.Is(err, idp.ErrMore) && !errors.Is(err, idp.ErrNotFound) {
			return err
		}
		back := from + "?again=1"
		if c.R.Method == http.MethodGet {
			back = c.R.URL.RequestURI()
		}
		return pages.Begin(c, p.SignIn, signin.Start{Need: need, ReturnTo: back})
	}
}

// head is what every page of this package shows.
type head struct {
	Again bool   // the form must be sent once more
	Done  string // what was done, in words
	Error *pages.Complaint
}

// dones are the words for what was done.
var dones = []string{"saved", "picture", "picture_gone", "email_asked", "confirm_asked", "verified", "withdrawn", "closing"}

func headOf(c *page.Context) head {
	h := head{Again: c.R.Method == http.MethodGet && c.Query("again") != ""}
	if done := c.Query("done"); slices.Contains(dones, done) {
		h.Done = c.Words.T(fmt.Sprintf("profile.done.%s", done))
	}
	return h
}
