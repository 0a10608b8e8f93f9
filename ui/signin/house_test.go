package signin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/gin-gonic/gin"
	otp "github.com/pquerna/otp/totp"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/keyring"
	"latchkey/idp/oidc"
	"latchkey/idp/password"
	"latchkey/idp/register"
	"latchkey/idp/settings"
	"latchkey/idp/signin"
	"latchkey/idp/store"
	"latchkey/idp/store/storetest"
	"latchkey/mfa"
	"latchkey/mfa/backup"
	"latchkey/mfa/code"
	"latchkey/mfa/policy"
	"latchkey/mfa/temporary"
	"latchkey/mfa/totp"
	"latchkey/mfa/trust"
	"latchkey/ui/message"
	"latchkey/ui/page"
)

const (
	secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	pass   = "a lantern in the harbour"
	client = "https://odoo.example.com/auth_oauth/signin"
)

// house is the sign-in pages over the real services on a database in memory.
type house struct {
	*httptest.Server
	t        *testing.T
	db       *store.DB
	clock    *storetest.Clock
	accounts *account.Service
	service  *signin.Service
	browser  Browser
	ask      oidc.Ask // what /app asks of the sign-in pages
	leave    string   // where /app leads, if anywhere
	post     http.HandlerFunc
	posts    *posts
	help     *account.Help
	settings *settings.Service
}

// posts are the codes that were sent.
type posts struct {
	mu   sync.Mutex
	all  []code.Letter
	fail error
}

func (p *posts) Send(_ context.Context, l code.Letter) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fail != nil {
		return p.fail
	}
	p.all = append(p.all, l)
	return nil
}

// last is the latest code, and how many there were.
func (p *posts) last(t *testing.T) (code.Letter, int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.all) == 0 {
		t.Fatal("no code was sent")
	}
	return p.all[len(p.all)-1], len(p.all)
}

func open(t *testing.T) *house {
	t.Helper()
	gin.SetMode(gin.TestMode)
	h := &house{t: t, clock: storetest.NewClock()}
	h.db = storetest.OpenAt(t, h.clock.Now)
	hasher := password.New(password.Params{Memory: 64, Time: 1, Threads: 1}, 0, 0)
	factors := &mfa.Engine{Credentials: h.db.Credentials, Challenges: h.db.Challenges, Limiter: h.db.Limiter, Atomic: h.db.Atomic, Now: h.clock.Now}
	h.posts = &posts{}
	factors.Register(
		totp.Factor{Issuer: "Latchkey", Now: h.clock.Now},
		code.Factor{Channel: code.SMS, Courier: h.posts, Limiter: h.db.Limiter, Now: h.clock.Now},
		code.Factor{Channel: code.Email, Courier: h.posts, Limiter: h.db.Limiter, Now: h.clock.Now},
		backup.Factor{Hash: hasher.Key}, temporary.Factor{Hash: hasher.Key, Now: h.clock.Now},
	)
	notices := &message.Notices{Outbox: h.db.Outbox(), Links: h.db.Links, Issuer: "http://localhost", Brand: "Latchkey", Now: h.clock.Now}
	h.accounts = &account.Service{
		Users: h.db.Users, Groups: h.db.Groups, Sessions: h.db.Sessions, Factors: factors, Passwords: hasher, Log: h.db.Log, Policies: h.db.Policies, Atomic: h.db.Atomic, Now: h.clock.Now, MinPassword: 8,
		Locks: h.db.Locks, Links: h.db.Links, Owners: h.db.Owners, Notify: notices,
	}
	h.service = &signin.Service{
		Tokens: h.db.SessionTokens,
		Users:  h.db.Users, Sessions: h.db.Sessions, Flows: h.db.Flows, Policies: h.db.Policies, Factors: factors,
		Passwords: hasher, Limiter: h.db.Limiter, Log: h.db.Log, Atomic: h.db.Atomic, Sealer: keyring.New(),
		Secret: make([]byte, 32), Rules: signin.DefaultRules, Now: h.clock.Now, Notify: notices, Links: h.db.Links,
		Devices: &trust.Book{Devices: h.db.Devices, Secret: make([]byte, 32), Now: h.clock.Now},
	}
	e := gin.New()
	h.Server = httptest.NewUnstartedServer(e)
	site, err := page.New(page.Config{
		Issuer: "http://" + h.Listener.Addr().String(), CSRFKey: make([]byte, 32), Log: slog.New(slog.DiscardHandler), Now: h.clock.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	site.Mount(e)
	h.help = &account.Help{Service: h.accounts, Letters: notices, Limiter: h.db.Limiter}
	h.settings = &settings.Service{Store: h.db.Settings, Log: h.db.Log, Atomic: h.db.Atomic, Now: h.clock.Now}
	news := &register.Service{
		Settings: h.settings, Accounts: h.accounts, Requests: h.db.Requested, Letters: notices, Limiter: h.db.Limiter, Network: signin.Network,
	}
	(&Pages{Site: site, SignIn: h.service, Help: h.help, Register: news, Background: h.now, App: h.db.Clients.ByID}).Mount(e)
	h.browser = Browser{Site: site, Service: h.service, Registers: func(ctx context.Context, id idp.ClientID) bool {
		_, offered, err := news.Offered(ctx, id)
		return err == nil && offered
	}}
	h.ask = oidc.Ask{Client: oidc.Client{Name: "Atelier", Type: oidc.Odoo}, ReturnTo: "/app?state=1%2F2", Redirect: client}
	e.GET("/app", gin.WrapF(h.app))
	e.GET(Home, site.Members(h.home))
	e.GET("/post", func(g *gin.Context) { h.post(g.Writer, g.Request) })
	h.Start()
	t.Cleanup(h.Close)
	return h
}

// home stands where people's own pages are.
func (h *house) home(c *page.Context) error {
	_, u, err := h.service.Gate(c.Context(), c.Session(), idp.Need{}, c.Origin())
	if errors.Is(err, idp.ErrNotFound) || errors.Is(err, idp.ErrMore) {
		return Begin(c, h.service, signin.Start{ReturnTo: Home})
	} else if err != nil {
		return err
	}
	c.Speak(u.Locale)
	return c.Show(set, http.StatusOK, "logout.html", leaveView{page.PersonOf(u)})
}

// app stands where the authorization endpoint will be.
// now runs at once what a server would run after its answer.
func (h *house) now(do func(context.Context) error) bool {
	if err := do(h.t.Context()); err != nil {
		h.t.Error(err)
	}
	return true
}

func (h *house) app(w http.ResponseWriter, r *http.Request) {
	_, u, err := h.browser.Check(r, h.ask.Need)
	if err != nil || h.ask.Choose && r.URL.Query().Get("state") == "" {
		h.browser.SignIn(w, r, h.ask)
		return
	}
	if h.leave != "" {
		http.Redirect(w, r, h.leave, http.StatusSeeOther)
		return
	}
	_, _ = io.WriteString(w, "signed in as "+u.Login)
}

func (h *house) add(login, secret string) idp.User {
	h.t.Helper()
	u, err := h.accounts.Add(h.t.Context(), idp.Actor{Host: true}, account.New{
		Login: login, Email: login + "@example.com", Name: "Person " + login, Kind: idp.Portal, Password: pass, TOTPSecret: secret, Verified: true, Phone: "+33612345678",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return u
}

func (h *house) demand(what policy.What) {
	h.t.Helper()
	if err := h.db.Policies.Apply(h.t.Context(), []policy.Policy{{Name: "all", Enabled: true, Whom: policy.Whom{Everyone: true}, What: what}}); err != nil {
		h.t.Fatal(err)
	}
}

// code is what the app with a secret shows now.
func (h *house) code(secret string) string {
	h.t.Helper()
	c, err := otp.GenerateCode(secret, h.clock.Now())
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// visitor is a browser without scripts.
type visitor struct {
	h      *house
	client *http.Client
	status int
	header http.Header
	at     *url.URL
	body   []byte
	doc    *goquery.Document
}

func (h *house) visit() *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &visitor{h: h, client: &http.Client{Jar: jar, Timeout: 10 * time.Second}}
}

func (v *visitor) take(res *http.Response, err error) *visitor {
	v.h.t.Helper()
	if err != nil {
		v.h.t.Fatal(err)
	}
	defer res.Body.Close()
	v.status, v.header, v.at = res.StatusCode, res.Header, res.Request.URL
	if v.body, err = io.ReadAll(res.Body); err != nil {
		v.h.t.Fatal(err)
	}
	if v.doc, err = goquery.NewDocumentFromReader(bytes.NewReader(v.body)); err != nil {
		v.h.t.Fatal(err)
	}
	return v
}

func (v *visitor) get(path string) *visitor {
	v.h.t.Helper()
	return v.take(v.client.Get(v.h.URL + path))
}

// submit fills in and sends a form of the page, as a plain client would.
func (v *visitor) submit(form string, fields ...string) *visitor {
	v.h.t.Helper()
	f := v.doc.Find("form#" + form)
	if f.Length() != 1 {
		v.h.t.Fatalf("%s has no form#%s: %d %s", v.at, form, v.status, v.body)
	}
	values := url.Values{}
	f.Find("input[type=hidden]").Each(func(_ int, s *goquery.Selection) { values.Set(s.AttrOr("name", ""), s.AttrOr("value", "")) })
	for i := 0; i+1 < len(fields); i += 2 {
		if f.Find("[name="+fields[i]+"]").Length() == 0 {
			v.h.t.Fatalf("form#%s has no field %s", form, fields[i])
		}
		values.Set(fields[i], fields[i+1])
	}
	return v.take(v.client.PostForm(v.h.URL+f.AttrOr("action", ""), values))
}

func (v *visitor) follow(selector string) *visitor {
	v.h.t.Helper()
	href, ok := v.doc.Find(selector).Attr("href")
	if !ok {
		v.h.t.Fatalf("%s has no link %s: %s", v.at, selector, v.body)
	}
	return v.get(href)
}

func (v *visitor) want(status int, path string) *visitor {
	v.h.t.Helper()
	if v.status != status || v.at.Path != path {
		v.h.t.Fatalf("at %s with %d, want %s with %d: %s", v.at, v.status, path, status, strings.TrimSpace(v.doc.Find("main").Text()))
	}
	return v
}

func (v *visitor) has(selectors ...string) *visitor {
	v.h.t.Helper()
	for _, s := range selectors {
		if v.doc.Find(s).Length() == 0 {
			v.h.t.Errorf("%s lacks %s: %s", v.at, s, v.body)
		}
	}
	return v
}
