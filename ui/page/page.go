// Package page is what every page needs: the frame around it, the shape of a
// handler, cookies, the check of forms, the headers that keep a browser honest,
// and the one table that turns errors into words and status codes.
//
// It knows nothing of what the pages are about: it takes no decision about
// people, stores nothing, and never shows an error's own text.
package page

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/ui/assets"
)

// MaxBody is the most that a form may weigh, in bytes (SECURITY.md §1.1).
const MaxBody = 64 << 10

// Config is what the pages must be told.
type Config struct {
	Issuer  string // public URL; the only source of our own origin, never the Host header
	Name    string // of the house, where no brand says another; empty: Latchkey
	Brands  Brands // how pages look; nil: as the style sheet has it
	CSRFKey []byte // at least 32 random bytes, the same on every instance
	// Leads reports whether somebody is the main contact of a company: the way to
	// its page is drawn for them alone; nil: nobody is.
	Leads  func(context.Context, idp.UserID) (bool, error)
	Secure bool // __Host- cookies with Secure; always so when the issuer is https
	Log    *slog.Logger
	Now    func() time.Time
}

// Site makes pages. It is safe for concurrent use.
type Site struct {
	origin string
	name   string
	brands Brands
	sheets sheets
	leads  func(context.Context, idp.UserID) (bool, error)
	key    []byte
	secure bool
	https  bool
	log    *slog.Logger
	now    func() time.Time
	own    *Set
}

// New checks the configuration.
func New(c Config) (*Site, error) {
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, fmt.Errorf("page: the issuer %q is no http(s) URL", c.Issuer)
	}
	if len(c.CSRFKey) < 32 {
		return nil, errors.New("page: the CSRF key is shorter than 32 bytes")
	}
	s := &Site{
		origin: u.Scheme + "://" + strings.ToLower(u.Host),
		name:   c.Name,
		brands: c.Brands,
		leads:  c.Leads,
		key:    c.CSRFKey,
		https:  u.Scheme == "https",
		log:    c.Log,
		now:    c.Now,
		own:    Parse(files, "error.html"),
	}
	s.secure = c.Secure || s.https
	if s.name == "" {
		s.name = "Latchkey"
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	return s, nil
}

// Handler is a page or an action. What it returns, if anything, becomes the
// error page; nothing else writes errors.
type Handler func(*Context) error

// Mount adds what is there for every page: the headers, the language switch,
// panics that end as an error page, the assets, and a page for addresses that
// do not exist. It must come before the routes that it is to cover.
func (s *Site) Mount(e *gin.Engine) {
	e.HandleMethodNotAllowed = true
	e.Use(s.cover)
	serve := gin.WrapH(assets.Handler())
	e.GET(assets.Prefix+":file", serve)
	e.HEAD(assets.Prefix+":file", serve)
	e.GET(brandPath+":file", s.branded)
	e.HEAD(brandPath+":file", s.branded)
	e.GET("/favicon.ico", func(g *gin.Context) { g.Redirect(http.StatusFound, assets.URL("logo.svg")) })
	e.NoRoute(func(g *gin.Context) { s.From(g.Writer, g.Request).Fail(errNoPage) })
	e.NoMethod(func(g *gin.Context) { s.From(g.Writer, g.Request).Fail(errMethod) })
}

// cover runs around every request.
func (s *Site) cover(g *gin.Context) {
	g.Request = arrived(g.Request, arrival{address: g.ClientIP(), route: g.FullPath(), id: eventID()})
	s.commonHeaders(g.Writer.Header())
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if p == http.ErrAbortHandler { //nolint:errorlint // compared as net/http does
			panic(p)
		}
		if g.Writer.Written() {
			s.log.ErrorContext(g.Request.Context(), "panic after the answer began", "path", g.FullPath(), "panic", p)
			panic(http.ErrAbortHandler) // cut the line: half a page must not look whole
		}
		s.From(g.Writer, g.Request).Fail(&panicError{p})
		g.Abort()
	}()
	if to, lang := s.switched(g.Request); lang != "" {
		s.setCookie(g.Writer, langCookie, lang, cookieLife)
		g.Header("Cache-Control", "no-store")
		g.Redirect(http.StatusSeeOther, to)
		g.Abort()
		return
	}
	g.Next()
}

// Strangers adapts the handler of a page that is there for people who are not
// signed in. Its forms are bound to the browser alone, so that signing in in
// one tab does not spoil the form in another (SECURITY.md X-02).
//
// Back, if given, says where the page of a form that was refused leads.
func (s *Site) Strangers(h Handler, back ...func(*Context) string) gin.HandlerFunc {
	return s.adapt(h, false, 0, back)
}

// Members adapts the handler of any other page. Its forms are bound to the
// browser and to the session, too (SECURITY.md X-01).
func (s *Site) Members(h Handler, back ...func(*Context) string) gin.HandlerFunc {
	return s.adapt(h, true, 0, back)
}

func (s *Site) adapt(h Handler, bound bool, upload int64, back []func(*Context) string) gin.HandlerFunc {
	return func(g *gin.Context) {
		for _, p := range g.Params {
			g.Request.SetPathValue(p.Key, p.Value)
		}
		c := s.From(g.Writer, g.Request)
		c.Forms.bound = bound
		if err := h.serve(c, upload); err != nil {
			p := ProblemOf(err)
			for _, b := range back {
				p.Back, p.Word = b(c), "error.again"
			}
			c.FailAs(err, p)
		}
	}
}

// serve reads the request before the handler sees it.
func (h Handler) serve(c *Context, upload int64) error {
	if err := (submission{c.W, c.R, upload}).read(); err != nil {
		return err
	}
	if c.R.Method != http.MethodGet && c.R.Method != http.MethodHead {
		if err := c.Forms.check(); err != nil {
			return err
		}
	}
	return h(c)
}

// panicError is a panic on its way to the log.
type panicError struct{ value any }

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }
