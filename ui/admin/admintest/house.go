// Package admintest is a house for tests of the administration: the real
// services over a database in memory, the sign-in pages, a desk with the
// sections under test, and people of every role who are signed in.
package admintest

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/keyring"
	"latchkey/idp/oidc"
	"latchkey/idp/password"
	"latchkey/idp/security"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/code"
	"latchkey/mfa/temporary"
	"latchkey/mfa/totp"
	"latchkey/mfa/trust"
	"latchkey/ui/admin"
	"latchkey/ui/message"
	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
	pages "latchkey/ui/signin"
)

// Password and Secret are what every administrator of the house has.
const (
	Password = "a lantern in the harbour"
	Secret   = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" //nolint:gosec // of nobody
)

// Host is the command line.
var Host = idp.Actor{Host: true}

// House is the real thing, small.
type House struct {
	*httptest.Server
	T        *testing.T
	DB       *store.DB
	Clock    *storetest.Clock
	Accounts *account.Service
	Help     *account.Help
	Security *security.Service
	SignIn   *signin.Service
	Keys     *oidc.KeyRing
	Factors  *mfa.Engine
	Hasher   *password.Hasher
	Notices  *message.Notices
	Site     *page.Site
	Desk     *admin.Desk
	Router   *gin.Engine

	mu     sync.Mutex
	people map[idp.Role]idp.User
}

// Open starts a house. sections makes the parts of the desk from it; it may
// also mount more on h.Router.
func Open(t *testing.T, sections func(h *House) []admin.Section) *House {
	t.Helper()
	gin.SetMode(gin.TestMode)
	clock := storetest.NewClock()
	h := &House{T: t, Clock: clock, DB: storetest.OpenAt(t, clock.Now), people: map[idp.Role]idp.User{}}
	h.Router = gin.New()
	h.Server = httptest.NewUnstartedServer(h.Router)
	origin := "http://localhost:" + strings.Split(h.Listener.Addr().String(), ":")[1]
	h.wire(origin)
	site, err := page.New(page.Config{Issuer: origin, CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler), Now: clock.Now})
	h.Must(err)
	h.Site = site
	site.Mount(h.Router)
	(&pages.Pages{Site: site, SignIn: h.SignIn}).Mount(h.Router)
	h.Desk = &admin.Desk{Site: site, SignIn: h.SignIn, Log: h.DB.Log}
	h.Desk.Sections = sections(h)
	h.Desk.Mount(h.Router)
	h.Start()
	h.URL = origin
	t.Cleanup(h.Close)
	return h
}

// wire puts the services on top of the database.
func (h *House) wire(origin string) {
	now := h.Clock.Now
	h.Hasher = password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	h.Factors = &mfa.Engine{Credentials: h.DB.Credentials, Challenges: h.DB.Challenges, Limiter: h.DB.Limiter, Atomic: h.DB.Atomic, Now: now}
	h.Factors.Register(
		totp.Factor{Issuer: "Latchkey", Now: now},
		code.Factor{Channel: code.SMS, Courier: unsent{}, Limiter: h.DB.Limiter, Now: now},
		code.Factor{Channel: code.Email, Courier: unsent{}, Limiter: h.DB.Limiter, Now: now},
		backup.Factor{Hash: h.Hasher.Key}, temporary.Factor{Hash: h.Hasher.Key, Now: now},
	)
	h.Notices = &message.Notices{Outbox: h.DB.Outbox(), Links: h.DB.Links, Issuer: origin, Brand: "Latchkey", Now: now}
	h.Accounts = &account.Service{
		Users: h.DB.Users, Groups: h.DB.Groups, Sessions: h.DB.Sessions, Factors: h.Factors, Passwords: h.Hasher, Log: h.DB.Log,
		Policies: h.DB.Policies, Atomic: h.DB.Atomic, Now: now, MinPassword: 15, Locks: h.DB.Locks, Links: h.DB.Links, Owners: h.DB.Owners, Doors: h.DB.Doors, Notify: h.Notices,
	}
	h.Help = &account.Help{Service: h.Accounts, Letters: h.Notices, Limiter: h.DB.Limiter}
	devices := &trust.Book{Devices: h.DB.Devices, Secret: make([]byte, 32), Now: now}
	h.SignIn = &signin.Service{
		Users: h.DB.Users, Sessions: h.DB.Sessions, Flows: h.DB.Flows, Policies: h.DB.Policies, Factors: h.Factors, Passwords: h.Hasher,
		Limiter: h.DB.Limiter, Log: h.DB.Log, Tokens: h.DB.SessionTokens, Links: h.DB.Links, Notify: h.Notices, Atomic: h.DB.Atomic,
		Devices: devices, Sealer: keyring.New(), Secret: make([]byte, 32), Rules: signin.DefaultRules, Now: now,
	}
	h.Security = &security.Service{Means: security.Means{
		Users: h.DB.Users, Sessions: h.DB.Sessions, Flows: h.DB.Flows, Policies: h.DB.Policies, Factors: h.Factors, Devices: devices, Passwords: h.Hasher,
		Rules: h.Accounts.Rules(), Limiter: h.DB.Limiter, Log: h.DB.Log, Tokens: h.DB.SessionTokens, Notify: h.Notices, Atomic: h.DB.Atomic, Sealer: h.SignIn.Sealer,
		SignIn: h.SignIn, Now: now,
	}}
	h.Keys = oidc.NewKeyRing(h.DB.Keys, h.DB.Atomic, now)
}

type unsent struct{}

func (unsent) Send(context.Context, code.Letter) error { return nil }

// Must ends the test on an error.
func (h *House) Must(err error) {
	h.T.Helper()
	if err != nil {
		h.T.Fatal(err)
	}
}

// Add makes a person with a password; change says more about them.
func (h *House) Add(login string, change ...func(*account.New)) idp.User {
	h.T.Helper()
	in := account.New{Login: login, Email: login + "@example.com", Verified: true, Name: "Person " + login, Password: Password}
	for _, f := range change {
		f(&in)
	}
	u, err := h.Accounts.Add(h.T.Context(), Host, in)
	h.Must(err)
	return u
}

// Person is the one who has a role ("" for none), with an authenticator app.
// Their logins are the names of their roles; nobody's is "nobody".
func (h *House) Person(role idp.Role) idp.User {
	h.T.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if u, there := h.people[role]; there {
		return u
	}
	login := string(role)
	if login == "" {
		login = "nobody"
	}
	u := h.Add(login, func(in *account.New) { in.Role, in.TOTPSecret = role, Secret })
	h.people[role] = u
	return u
}

// Actor is that person in a session with fresh proofs.
func (h *House) Actor(role idp.Role) idp.Actor {
	h.T.Helper()
	u := h.Person(role)
	n := h.session(u)
	return idp.ActorOf(n, u, idp.Origin{Address: "127.0.0.1"})
}

// session opens one for a person who has just proven password and app.
func (h *House) session(u idp.User) idp.Session {
	h.T.Helper()
	_, n := h.open(u, idp.Password, totp.Kind)
	return n
}

func (h *House) open(u idp.User, proven ...mfa.Kind) (token string, n idp.Session) {
	h.T.Helper()
	now := h.Clock.Now()
	sum := sha256.Sum256([]byte(string(u.ID) + now.String())) // of a test: nobody else reaches this server
	token = base64.RawURLEncoding.EncodeToString(sum[:])
	n = idp.Session{
		ID: idp.SessionID("s" + string(u.ID) + now.Format("150405.000000")), Hash: signin.HashToken(token), User: u.ID, Epoch: u.Epoch,
		Created: now, Seen: now, Expires: now.Add(12 * time.Hour), Idle: time.Hour, Origin: idp.Origin{Address: "127.0.0.1"},
	}
	for _, k := range proven {
		n.Proofs = append(n.Proofs, idp.Proof{Kind: k, At: now})
	}
	h.Clock.Pass(time.Millisecond)
	h.Must(h.DB.Sessions.Open(h.T.Context(), n))
	return token, n
}

// Enter is a browser in which somebody with that role is signed in, freshly,
// at a page.
func (h *House) Enter(role idp.Role, path string) *pagetest.Visitor {
	h.T.Helper()
	return h.EnterAs(h.Person(role), path)
}

// EnterAs is Enter for somebody in particular.
func (h *House) EnterAs(u idp.User, path string) *pagetest.Visitor {
	h.T.Helper()
	return h.enter(u, path, idp.Password, totp.Kind)
}

// EnterBare is EnterAs with the password alone.
func (h *House) EnterBare(u idp.User, path string) *pagetest.Visitor {
	h.T.Helper()
	return h.enter(u, path, idp.Password)
}

func (h *House) enter(u idp.User, path string, proven ...mfa.Kind) *pagetest.Visitor {
	h.T.Helper()
	token, _ := h.open(u, proven...)
	v := pagetest.Visit(h.T, h.URL)
	at, err := url.Parse(h.URL)
	h.Must(err)
	v.Client.Jar.SetCookies(at, []*http.Cookie{{Name: "latchkey-session", Value: token, Path: "/"}}) //nolint:gosec // of a test, on this machine
	return v.Get(path)
}

// Events lists what the log has of some kind, oldest first.
func (h *House) Events(what string) (out []idp.Event) {
	h.T.Helper()
	h.Must(h.DB.Log.Events(h.T.Context(), idp.EventQuery{What: []string{what}}, func(e idp.Event) error {
		out = append(out, e)
		return nil
	}))
	return out
}
