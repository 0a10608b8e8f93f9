package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp/oidc"
	"latchkey/ui/company"
	"latchkey/ui/profile"
	pages "latchkey/ui/signin"
)

// routes is the whole address plan.
func routes(h *house, extra []func(*house, gin.IRouter)) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	r.RemoteIPHeaders = []string{"X-Forwarded-For"} // what proxies append to; anybody may send X-Real-IP through one (B-10)
	r.RedirectTrailingSlash = false                 // a 307 would send a password on (P-18)
	if err := r.SetTrustedProxies(prefixes(h.cfg.TrustedProxies)); err != nil {
		return nil, err
	}
	if h.traces != nil {
		r.Use(tracing(h))
	}
	r.Use(accessLog)
	h.site.Mount(r)

	// Answered without the database.
	r.GET("/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
	r.GET("/readyz", (&readiness{db: h.db}).answer)
	segment := strings.NewReplacer("{", ":", "}", "")
	for _, e := range h.provider.Routes() {
		for _, method := range e.Methods {
			r.Handle(method, segment.Replace(e.Path), gin.WrapF(e.Handler))
		}
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		r.Handle(method, "/odoo/:client_id/:secret/userinfo", gin.WrapF(h.validator.Validate))
	}
	(&pages.Pages{Site: h.site, SignIn: h.signIn, Help: h.people.help, Register: h.people.registration(h.choices), Background: h.behind.do, Farewell: h.provider.Frames, Related: h.cfg.Passkeys.Origins, Door: h.people.door, App: h.db.Clients.ByID}).Mount(r)
	h.protectionPages().Mount(r)
	(&profile.Pages{Site: h.site, SignIn: h.signIn, Self: h.people.self, Apps: h.protocol.apps, Data: h.people.export()}).Mount(r)
	(&company.Pages{Site: h.site, SignIn: h.signIn, Contacts: h.people.contacts()}).Mount(r)
	h.administration().Mount(r)
	if err := h.mountAPI(r); err != nil {
		return nil, err
	}
	r.GET("/", func(c *gin.Context) { c.Redirect(http.StatusSeeOther, pages.Home) })
	for _, add := range extra {
		add(h, r)
	}
	return heads{r}, nil
}

// heads answers HEAD as GET wherever a GET changes nothing (RFC 9110 §9.3.2);
// net/http leaves the body out. A GET of the protocol may hand out a code
// or sign out.
type heads struct{ http.Handler }

func (h heads) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	acts := r.URL.Path == oidc.PathAuthorize || r.URL.Path == oidc.PathLogout || strings.HasPrefix(r.URL.Path, "/odoo/")
	if r.Method == http.MethodHead && !acts {
		r = r.Clone(r.Context())
		r.Method = http.MethodGet
	}
	h.Handler.ServeHTTP(w, r)
}

// readiness is whether the server can serve, as proxies ask.
type readiness struct {
	db interface {
		Ready(ctx context.Context) error // fails when the database does not answer
	}
	lost atomic.Bool // as it was told last
}

func (r *readiness) answer(c *gin.Context) {
	err := r.db.Ready(c)
	// A proxy asks every second: the log has the changes only.
	if was := r.lost.Swap(err != nil); err != nil && !was {
		slog.WarnContext(c, "not ready: the database does not answer", "err", err)
	} else if err == nil && was {
		slog.InfoContext(c, "ready again")
	}
	if err != nil {
		c.String(http.StatusServiceUnavailable, "not ready\n") // details are for the log (D-14)
		return
	}
	c.String(http.StatusOK, "ready\n")
}

// accessLog writes one line per request: the route's pattern instead of the
// address, because addresses carry tickets and Odoo's tokens.
func accessLog(c *gin.Context) {
	start := time.Now()
	c.Next()
	route := c.FullPath()
	if route == "" {
		route = "(none)"
	}
	level := slog.LevelDebug
	if c.Writer.Status() >= http.StatusInternalServerError {
		level = slog.LevelWarn
	}
	slog.LogAttrs(c.Request.Context(), level, "request", slog.String("method", c.Request.Method), slog.String("route", route),
		slog.Int("status", c.Writer.Status()), slog.Duration("took", time.Since(start)), slog.String("ip", c.ClientIP()))
	observe(c.Request.Method, route, c.Writer.Status(), time.Since(start))
}
