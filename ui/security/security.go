// Package security draws the pages on which people look after the protection of
// their accounts, and administrators after that of others: the same handlers,
// mounted twice.
//
// It decides nothing: who may do what, and with which proof, is said by
// idp/security. Without that proof it leads to the sign-in, and back.
package security

import (
	"context"
	"embed"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/security"
	"latchkey/idp/signin"
	"latchkey/mfa"
	"latchkey/ui/page"
	pages "latchkey/ui/signin"
)

//go:embed *.html
var files embed.FS

var set = page.Parse(page.Join(files, pages.Pieces), "_*.html", "[a-z]*.html")

// Home is where people's own pages begin.
const Home = pages.Home

// Pages serves the pages. Its fields are set once, before first use.
type Pages struct {
	Site     *page.Site
	SignIn   *signin.Service
	Security *security.Service
	// Elsewhere reports whether Odoos are connected, where all of a person's
	// sessions end together; nil: none.
	Elsewhere func(context.Context) (bool, error)
}

// Whose says whose account a request is about.
type Whose func(c *page.Context, by idp.Actor) idp.UserID

// Mine is the actor's own.
func Mine(_ *page.Context, by idp.Actor) idp.UserID { return by.User }

// Theirs is the one that the path names.
func Theirs(c *page.Context, _ idp.Actor) idp.UserID { return idp.UserID(c.R.PathValue("user")) }

// desk is the pages in one of the places where they are mounted.
type desk struct {
	*Pages
	base  string // the path; :user stands for a person
	whose Whose
}

// Mount adds the routes of the own pages at [Home].
func (p *Pages) Mount(r gin.IRouter) {
	d := desk{p, Home, Mine}
	d.mount(r, d.common())
	wizard{d}.mount(r)
	keys{d}.mount(r)
	l := lock{d}
	d.get(r, "/password", security.NewPassword, l.password)
	d.post(r, "/password", security.NewPassword, "/password", l.changePassword)
	d.get(r, "/disable", security.TurnOff, l.disable)
	d.post(r, "/disable", security.TurnOff, "/disable", l.turnOff)
	d.post(r, "/history/not-me", security.NotMe, "/history", browsers{d}.notMe)
}

// Helping is one of the pages on which somebody helps another, for whoever
// guards the way in. It passes a stricter gate than people's own pages: the
// administration's.
type Helping struct {
	Method string
	Path   string // whole, with :user
	Fresh  bool   // it takes proofs of the last minutes
	// Back is the page on which the form of a POST stands.
	Back   func(*page.Context) string
	Handle func(c *page.Context, by idp.Actor) error
}

// For is what those who help may see and do for somebody else, below a path with
// the parameter :user. Who they are, and that they have proven it as the
// administration wants it (SECURITY.md D-03), is asked before; whom they may
// help, by the use cases.
func (p *Pages) For(base string) []Helping {
	d := desk{p, base, Theirs}
	var out []Helping
	for _, t := range d.common() {
		out = append(out, Helping{
			Method: t.method, Path: base + t.path, Fresh: security.NeedFor(t.act, time.Time{}).Every, Back: d.back(t),
			Handle: func(c *page.Context, by idp.Actor) error { return t.h(c, visit{by, d.whose(c, by), d.path(c)}) },
		})
	}
	return out
}

// route is one of the pages that both have.
type route struct {
	method, path string
	act          security.Act
	from         string // of a POST: the page of its form; "": the form says
	h            handler
}

// back is where a form stands.
func (d desk) back(t route) func(*page.Context) string {
	return func(c *page.Context) string { return d.path(c) + d.from(c, t.from) }
}

// common are the pages that both have.
func (d desk) common() []route {
	const get, post = "GET", "POST"
	held, places := shelf{d}, browsers{d}
	out := []route{{get, "", security.Look, "", held.overview}}
	for _, l := range lists {
		out = append(out, route{get, l.path, l.act(d), "", held.list(l)})
	}
	return append(out,
		route{post, "/factors/remove", security.RemoveFactor, "", held.remove},
		route{post, "/factors/rename", security.RenameFactor, "", held.rename},
		route{get, "/devices", security.Look, "", places.devices},
		route{post, "/devices/forget", security.Forget, "/devices", places.forget},
		route{post, "/devices/forget-all", security.Forget, "/devices", places.forgetAll},
		route{get, "/sessions", security.Look, "", places.sessions},
		route{post, "/sessions/end", security.EndSession, "/sessions", places.endSession},
		route{post, "/sessions/end-others", security.EndSession, "/sessions", places.endOthers},
		route{get, "/history", security.Look, "", places.history})
}

// mount adds pages behind the gate of people's own.
func (d desk) mount(r gin.IRouter, all []route) {
	for _, t := range all {
		if t.method == "GET" {
			d.get(r, t.path, t.act, t.h)
		} else {
			d.post(r, t.path, t.act, t.from, t.h)
		}
	}
}

// visit is one request by somebody who may come in.
type visit struct {
	by    idp.Actor
	whose idp.UserID
	base  string
}

type handler func(c *page.Context, v visit) error

func (d desk) get(r gin.IRouter, path string, act security.Act, h handler) {
	r.GET(d.base+path, d.Site.Members(d.enter(act, "", h)))
}

// post adds an action. Whoever must first prove more comes back to the page of
// its form; "" is where the form says that it came from.
func (d desk) post(r gin.IRouter, path string, act security.Act, from string, h handler) {
	back := func(c *page.Context) string { return d.path(c) + d.from(c, from) }
	r.POST(d.base+path, d.Site.Members(d.enter(act, from, h), back))
}

// path is the base for this request.
func (d desk) path(c *page.Context) string {
	return strings.ReplaceAll(d.base, ":user", url.PathEscape(c.R.PathValue("user")))
}

// from is the page of a form that stands on several: one of the lists.
func (d desk) from(c *page.Context, fixed string) string {
	if from := c.Form("from"); fixed == "" && slices.ContainsFunc(lists, func(l list) bool { return l.path == from }) {
		return from
	}
	return fixed
}

// enter asks the gate for what the act takes (SECURITY.md S-06, M-05).
func (d desk) enter(act security.Act, from string, h handler) page.Handler {
	return func(c *page.Context) error {
		need := security.NeedFor(act, c.Now())
		n, u, err := d.SignIn.Gate(c.Context(), c.Session(), need, c.Origin())
		signed := !errors.Is(err, idp.ErrNotFound)
		if err == nil {
			c.For(u)
			by := idp.ActorOf(n, u, c.Origin())
			err = h(c, visit{by, d.whose(c, by), d.path(c)})
		}
		if signed && !errors.Is(err, idp.ErrMore) {
			return err
		}
		return pages.Begin(c, d.SignIn, signin.Start{Need: need, ReturnTo: d.returnTo(c, from)})
	}
}

// returnTo is where the sign-in leads back to: this page, or the page of the
// form, which must be sent again.
func (d desk) returnTo(c *page.Context, from string) string {
	if c.R.Method == "GET" {
		return c.R.URL.RequestURI()
	}
	return d.path(c) + d.from(c, from) + "?again=1"
}

// head is what every page of this package shows.
type head struct {
	Base  string
	Own   bool
	Out   string // the page about the person, for who helps them
	Again bool   // the form must be sent once more
	Kept  string // that it is filled in again, in words
	Done  string // what was done, in words
	Error *pages.Complaint
}

// dones are the words for what was done.
var dones = []string{
	"totp", "passkey", "sms", "email", "codes", "removed", "renamed", "forgotten", "ended", "password", "off", "off_short", "not_me",
}

func headOf(c *page.Context, v visit) head {
	h := head{Base: v.base, Own: v.by.User == v.whose, Again: c.R.Method == "GET" && c.Query("again") != "", Kept: c.Kept()}
	if !h.Own {
		h.Out = strings.TrimSuffix(v.base, "/security")
	}
	if done := c.Query("done"); slices.Contains(dones, done) {
		h.Done = c.Words.T("security.done." + done)
	}
	return h
}

// renew gives the browser what it needs to go on.
func renew(c *page.Context, r security.Renewed) {
	if r.Session != "" {
		c.SetSession(r.Session, r.MaxAge)
	}
	if r.Known != "" {
		c.SetKnown(r.Known)
	}
}

// refusedOf names the policies in the way.
func refusedOf(c *page.Context, err error) *pages.Complaint {
	refused := (*security.RefusedError)(nil)
	if !errors.As(err, &refused) {
		return nil
	}
	return &pages.Complaint{Title: c.Words.T("security.refused_title"), Text: c.Words.T("security.refused_text", strings.Join(refused.Policies, ", "))}
}

// when is a moment in the zone of whoever reads.
func when(c *page.Context, at time.Time, zone *time.Location) string {
	if at.IsZero() {
		return ""
	}
	return c.Words.DateTime(at.In(zone))
}

// nameOf is how a factor is called: by its owner, or by its kind.
func nameOf(c *page.Context, k mfa.Kind, label string) string {
	if label != "" {
		return label
	}
	return c.Words.T("factor." + string(k) + ".name")
}
