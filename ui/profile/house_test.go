package profile

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	otp "github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/export"
	"latchkey/idp/keyring"
	"latchkey/idp/oidc"
	"latchkey/idp/password"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/totp"
	"latchkey/mfa/trust"
	"latchkey/ui/message"
	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
	pages "latchkey/ui/signin"
)

const (
	secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	pass   = "a lantern in the harbour"
)

// house is these pages and those of the sign-in over the real services.
type house struct {
	*httptest.Server
	t       *testing.T
	db      *store.DB
	clock   *storetest.Clock
	self    *account.Self
	notices *message.Notices
}

func open(t *testing.T) *house {
	t.Helper()
	gin.SetMode(gin.TestMode)
	h := &house{t: t, clock: storetest.NewClock()}
	h.db = storetest.OpenAt(t, h.clock.Now)
	e := gin.New()
	h.Server = httptest.NewUnstartedServer(e)
	origin := "http://localhost:" + strings.Split(h.Listener.Addr().String(), ":")[1]
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	factors := &mfa.Engine{Credentials: h.db.Credentials, Challenges: h.db.Challenges, Limiter: h.db.Limiter, Atomic: h.db.Atomic, Now: h.clock.Now}
	factors.Register(totp.Factor{Issuer: "Latchkey", Now: h.clock.Now}, backup.Factor{Hash: hasher.Key})
	h.notices = &message.Notices{Outbox: h.db.Outbox(), Links: h.db.Links, Issuer: origin, Brand: "Latchkey", Now: h.clock.Now}
	accounts := &account.Service{
		Users: h.db.Users, Groups: h.db.Groups, Sessions: h.db.Sessions, Factors: factors, Passwords: hasher, Log: h.db.Log,
		Policies: h.db.Policies, Atomic: h.db.Atomic, Now: h.clock.Now, MinPassword: 15, Locks: h.db.Locks, Links: h.db.Links, Owners: h.db.Owners, Notify: h.notices,
	}
	help := &account.Help{Service: accounts, Letters: h.notices, Limiter: h.db.Limiter}
	h.self = &account.Self{Help: help, Pictures: h.db.Pictures, Issuer: origin}
	in := &signin.Service{
		Users: h.db.Users, Sessions: h.db.Sessions, Flows: h.db.Flows, Policies: h.db.Policies, Factors: factors, Passwords: hasher,
		Limiter: h.db.Limiter, Log: h.db.Log, Tokens: h.db.SessionTokens, Links: h.db.Links, Notify: h.notices, Atomic: h.db.Atomic,
		Devices: &trust.Book{Devices: h.db.Devices, Secret: make([]byte, 32), Now: h.clock.Now}, Sealer: keyring.New(), Secret: make([]byte, 32),
		Rules: signin.DefaultRules, Now: h.clock.Now,
	}
	apps := &oidc.Apps{
		Clients: h.db.Clients, Consents: h.db.Consents, Uses: h.db.Uses, Grants: h.db.Grants, Log: h.db.Log, Atomic: h.db.Atomic, Now: h.clock.Now,
	}
	site, err := page.New(page.Config{Issuer: origin, CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler), Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	door := func(ctx context.Context, u idp.User, id idp.ClientID) (string, string, error) {
		app, err := apps.Door(ctx, u, id)
		return app.Client.Title(), app.Address, err
	}
	(&pages.Pages{Site: site, SignIn: in, Help: help, Door: door}).Mount(e)
	(&Pages{Site: site, SignIn: in, Self: h.self, Apps: apps, Data: &export.Service{
		Self: h.self, Sessions: h.db.Sessions, Factors: factors, Devices: h.db.Devices, Apps: apps, Log: h.db.Log, Notify: h.notices,
		Atomic: h.db.Atomic, Now: h.clock.Now,
	}}).Mount(e)
	e.GET("/my/security", site.Members(func(c *page.Context) error { return c.Redirect(Home) })) // stands where it is
	h.Start()
	h.URL = origin
	t.Cleanup(h.Close)
	return h
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) add(login, secret string, change ...func(*account.New)) idp.User {
	h.t.Helper()
	in := account.New{Login: login, Email: login + "@example.com", Verified: true, Name: "Person " + login, Password: pass, TOTPSecret: secret, Kind: idp.Portal}
	for _, f := range change {
		f(&in)
	}
	u, err := h.self.Help.Service.Add(h.t.Context(), idp.Actor{Host: true}, in)
	h.must(err)
	return u
}

func (h *house) user(id idp.UserID) idp.User {
	h.t.Helper()
	u, err := h.db.Users.ByID(h.t.Context(), id)
	h.must(err)
	return u
}

func (h *house) client(c oidc.Client) {
	h.t.Helper()
	h.must(h.db.Clients.Add(h.t.Context(), c))
}

// code is what the app with a secret shows; each comes half a minute after the
// one before.
func (h *house) code(secret string) string {
	h.t.Helper()
	h.clock.Pass(30 * time.Second)
	c, err := otp.GenerateCode(secret, h.clock.Now())
	h.must(err)
	return c
}

func (h *house) visit() *pagetest.Visitor { return pagetest.Visit(h.t, h.URL) }

// enter signs somebody in on the way to a page.
func (h *house) enter(login, path string) *pagetest.Visitor {
	h.t.Helper()
	return h.prove(h.visit().Get(path), login)
}

// prove gives whatever the sign-in asks for.
func (h *house) prove(v *pagetest.Visitor, login string) *pagetest.Visitor {
	h.t.Helper()
	if v.At.Path == "/login" {
		if v.Doc.Find("form#reauthenticate").Length() > 0 {
			v.Submit("reauthenticate", "password", pass)
		} else {
			v.Submit("login", "login", login, "password", pass)
		}
	}
	if v.At.Path == "/login/factor" {
		v.Submit("factor", "code", h.code(secret))
	}
	return v
}

// link is the path of the newest mailed link of a kind.
func (h *house) link(kind string) string {
	h.t.Helper()
	all, err := h.db.Outbox().Newest(h.t.Context(), 100)
	h.must(err)
	for _, m := range all {
		if found := regexp.MustCompile(regexp.QuoteMeta(h.URL) + `(/` + kind + `/[A-Za-z0-9_-]{43})\n`).FindStringSubmatch(m.Text); found != nil {
			return found[1]
		}
	}
	h.t.Fatalf("no mail with a link to %s among %d", kind, len(all))
	return ""
}
