package security

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	otp "github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/keyring"
	"latchkey/idp/password"
	"latchkey/idp/security"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/code"
	"latchkey/mfa/passkey"
	"latchkey/mfa/policy"
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
	t        *testing.T
	db       *store.DB
	clock    *storetest.Clock
	accounts *account.Service
	service  *security.Service
	mu       sync.Mutex
	sent     code.Letter
}

// Send keeps the code that was sent last.
func (h *house) Send(_ context.Context, l code.Letter) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sent = l
	return nil
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
	factors.Register(
		totp.Factor{Issuer: "Latchkey", Now: h.clock.Now},
		passkey.Factor{RPID: "localhost", RPName: "Latchkey", Origins: []string{origin}, Secret: make([]byte, 32), Now: h.clock.Now},
		code.Factor{Channel: code.SMS, Courier: h, Limiter: h.db.Limiter, Now: h.clock.Now},
		code.Factor{Channel: code.Email, Courier: h, Limiter: h.db.Limiter, Now: h.clock.Now},
		backup.Factor{Hash: hasher.Key},
	)
	notices := &message.Notices{Outbox: h.db.Outbox(), Links: h.db.Links, Issuer: origin, Brand: "Latchkey", Now: h.clock.Now}
	h.accounts = &account.Service{
		Users: h.db.Users, Groups: h.db.Groups, Sessions: h.db.Sessions, Factors: factors, Passwords: hasher, Log: h.db.Log,
		Policies: h.db.Policies, Atomic: h.db.Atomic, Now: h.clock.Now, MinPassword: 15, Locks: h.db.Locks, Links: h.db.Links, Owners: h.db.Owners, Notify: notices,
	}
	in := &signin.Service{
		Users: h.db.Users, Sessions: h.db.Sessions, Flows: h.db.Flows, Policies: h.db.Policies, Factors: factors, Passwords: hasher,
		Limiter: h.db.Limiter, Log: h.db.Log, Tokens: h.db.SessionTokens, Links: h.db.Links, Notify: notices, Atomic: h.db.Atomic,
		Devices: &trust.Book{Devices: h.db.Devices, Secret: make([]byte, 32), Now: h.clock.Now}, Sealer: keyring.New(), Secret: make([]byte, 32),
		Rules: signin.DefaultRules, Now: h.clock.Now,
	}
	h.service = &security.Service{Means: security.Means{
		Users: in.Users, Sessions: in.Sessions, Flows: h.db.Flows, Policies: in.Policies, Factors: factors, Devices: in.Devices, Passwords: hasher,
		Rules: h.accounts.Rules(), Limiter: in.Limiter, Log: in.Log, Tokens: h.db.SessionTokens, Notify: notices, Atomic: in.Atomic, Sealer: in.Sealer,
		SignIn: in, Now: h.clock.Now,
	}}
	site, err := page.New(page.Config{Issuer: origin, CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler), Now: h.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	(&pages.Pages{Site: site, SignIn: in}).Mount(e)
	own := &Pages{Site: site, SignIn: in, Security: h.service}
	own.Mount(e)
	helping := desk{own, "/admin/users/:user/security", Theirs}
	helping.mount(e, helping.common())
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
	in := account.New{Login: login, Email: login + "@example.com", Verified: true, Name: "Person " + login, Password: pass, TOTPSecret: secret}
	for _, f := range change {
		f(&in)
	}
	u, err := h.accounts.Add(h.t.Context(), idp.Actor{Host: true}, in)
	h.must(err)
	return u
}

func (h *house) demand(what policy.What) {
	h.t.Helper()
	h.must(h.db.Policies.Apply(h.t.Context(), []policy.Policy{{Name: "everybody", Enabled: true, Whom: policy.Whom{Everyone: true}, What: what}}))
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

// enter signs somebody in on the way to a page, with the code of an app if one
// is asked for, and stays there.
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

func (h *house) held(u idp.User) (out []mfa.Kind) {
	h.t.Helper()
	held, err := h.db.Credentials.Held(h.t.Context(), mfa.SubjectID(u.ID))
	h.must(err)
	for _, c := range held {
		out = append(out, c.Kind)
	}
	return out
}
