package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/pquerna/otp/totp"

	"latchkey/config"
	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/idp/keyring"
	"latchkey/idp/oidc"
	"latchkey/idp/store/storetest"
	"latchkey/mfa/policy"
)

// world is the whole program on a real database, with a clock that tests move.
type world struct {
	*house
	t   testing.TB
	url string
	// flush sends the traces, if there are any, and ends them.
	flush func()

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// eachWorld runs f on SQLite and on PostgreSQL.
func eachWorld(t *testing.T, f func(t *testing.T, w *world)) {
	for _, kind := range []string{"sqlite", "postgres"} {
		t.Run(kind, func(t *testing.T) { f(t, newWorld(t, kind)) })
	}
}

func newWorld(t testing.TB, kind string, env ...string) *world {
	t.Helper()
	slog.SetDefault(slog.New(slog.NewTextHandler(t.Output(), nil)))
	dir := t.TempDir()
	db := ""
	if kind == "postgres" {
		db = storetest.FinishedPostgres(t)
	} else {
		db = storetest.FinishedFile(t, dir+"/test.db")
		if _, err := keyring.Create(dir + "/keyring.json"); err != nil { // there is none to be made beside a database
			t.Fatal(err)
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, url: "http://" + ln.Addr().String(), now: time.Now().Truncate(time.Second)}
	env = append([]string{
		"LATCHKEY_DATA_DIR=" + dir, "LATCHKEY_DATABASE_URL=" + db, "LATCHKEY_ISSUER=" + w.url, "LATCHKEY_LIMITS_ADDRESS_TRIES=10000",
	}, env...)
	cfg, err := config.Load("", env)
	if err != nil {
		t.Fatal(err)
	}
	b, err := openAt(t.Context(), cfg, w.clock, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close() })
	w.flush = sync.OnceFunc(b.openTraces())
	t.Cleanup(w.flush)
	w.openHouse(b)
	s := &httptest.Server{Listener: ln, Config: &http.Server{Handler: w.house, MaxHeaderBytes: 32 << 10}}
	s.Start()
	t.Cleanup(s.Close)
	return w
}

// madeKeys are the signing keys of the first world: the others have the same, for
// an RSA key takes a second. What runs the real program makes its own.
var madeKeys atomic.Pointer[[]oidc.Key]

func (w *world) openHouse(b *base) {
	w.t.Helper()
	made := madeKeys.Load()
	if made != nil {
		for _, k := range *made {
			k.Created, k.Changed = w.now, w.now
			if err := b.db.Keys.Add(w.t.Context(), k); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	var err error
	if w.house, err = build(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
	if made == nil {
		all, err := b.db.Keys.All(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		madeKeys.Store(&all)
	}
}

const rightPassword = "correct horse battery"

// user makes a person with the right password.
func (w *world) user(login string, change ...func(*account.New)) idp.User {
	w.t.Helper()
	in := account.New{Email: login, Name: strings.ToUpper(login[:1]) + login[1:], Verified: true, Password: rightPassword}
	for _, c := range change {
		c(&in)
	}
	u, err := w.people.accounts.Add(w.t.Context(), idp.Actor{Host: true}, in)
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

const appSecret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"

func withApp(in *account.New) { in.TOTPSecret = appSecret }

func (w *world) code(secret string) string {
	c, err := totp.GenerateCode(secret, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// policies puts policies in force.
func (w *world) policies(ps ...policy.Policy) {
	w.t.Helper()
	if err := w.db.Policies.Apply(w.t.Context(), ps); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) demandMFA() {
	err := w.db.Policies.Apply(w.t.Context(), []policy.Policy{
		{Name: "all", Enabled: true, Whom: policy.Whom{Everyone: true}, What: policy.What{Assurance: policy.MFA}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// client registers a relying party and returns it with its secret.
func (w *world) client(in oidc.Input) oidc.Registered {
	w.t.Helper()
	n, err := oidc.NewClient(in, w.clock())
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.db.Clients.Add(w.t.Context(), n.Client); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// person is somebody at a browser without JavaScript.
type person struct {
	t      testing.TB
	c      *http.Client
	base   string
	at     *url.URL // the address in the browser's bar, on our host or the client's
	status int
	header http.Header
	body   string
	page   *goquery.Document
}

func (w *world) person() *person {
	jar, _ := cookiejar.New(nil)
	p := &person{t: w.t, base: w.url}
	p.c = &http.Client{Jar: jar, Timeout: 20 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		p.at = r.URL
		if "http://"+r.URL.Host != p.base {
			return http.ErrUseLastResponse // the relying party
		}
		return nil
	}}
	return p
}

func (p *person) do(r *http.Request) *person {
	p.t.Helper()
	p.at = r.URL
	resp, err := p.c.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	p.status, p.header, p.body = resp.StatusCode, resp.Header, string(b)
	if p.page, err = goquery.NewDocumentFromReader(strings.NewReader(p.body)); err != nil {
		p.t.Fatal(err)
	}
	return p
}

func (p *person) open(address string) *person {
	p.t.Helper()
	if strings.HasPrefix(address, "/") {
		address = p.base + address
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, address, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.do(r)
}

// form reads a form of the page as a browser would send it.
func (p *person) form(selector string) (action string, fields url.Values) {
	p.t.Helper()
	f := p.page.Find(selector)
	if f.Length() != 1 {
		p.t.Fatalf("%s: %d forms match %s\n%s", p.at, f.Length(), selector, p.text())
	}
	fields = url.Values{}
	f.Find("input[name]").Each(func(_ int, in *goquery.Selection) {
		name, _ := in.Attr("name")
		value, _ := in.Attr("value")
		typ, _ := in.Attr("type")
		if _, checked := in.Attr("checked"); typ == "checkbox" && !checked || typ == "submit" {
			return
		}
		fields.Set(name, value)
	})
	to, _ := f.Attr("action")
	u, err := p.at.Parse(to)
	if err != nil {
		p.t.Fatal(err)
	}
	return u.String(), fields
}

// submit fills a form and sends it; set is name, value, name, value, …
func (p *person) submit(selector string, set ...string) *person {
	p.t.Helper()
	action, fields := p.form(selector)
	for i := 0; i < len(set); i += 2 {
		fields.Set(set[i], set[i+1])
	}
	return p.post(action, fields)
}

func (p *person) post(address string, fields url.Values) *person {
	p.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address, strings.NewReader(fields.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return p.do(r)
}

func (p *person) follow(selector string) *person {
	p.t.Helper()
	to, ok := p.page.Find(selector).First().Attr("href")
	if !ok {
		p.t.Fatalf("%s: no link %s\n%s", p.at, selector, p.text())
	}
	u, err := p.at.Parse(to)
	if err != nil {
		p.t.Fatal(err)
	}
	return p.open(u.String())
}

func (p *person) text() string { return strings.Join(strings.Fields(p.page.Find("body").Text()), " ") }

func (p *person) has(selector string) bool { return p.page.Find(selector).Length() > 0 }

// want fails the test unless the person is on a page with that form.
func (p *person) want(selector string) *person {
	p.t.Helper()
	if !p.has(selector) {
		p.t.Fatalf("%s (%d): no %s on the page\n%s", p.at, p.status, selector, p.text())
	}
	return p
}

// answer is what the relying party got, from the query or the fragment.
func (p *person) answer() url.Values {
	p.t.Helper()
	if p.at == nil || "http://"+p.at.Host == p.base {
		p.t.Fatalf("still at %s (%d)\n%s", p.at, p.status, p.text())
	}
	q := p.at.RawQuery
	if p.at.Fragment != "" {
		q = p.at.EscapedFragment()
	}
	v, err := url.ParseQuery(q)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

// signIn gives the password and, if asked, a code.
func (p *person) signIn(w *world, login string) *person {
	p.t.Helper()
	p.want("form#login").submit("form#login", "login", login, "password", rightPassword)
	if p.has("form#factor") {
		p.submit("form#factor", "code", w.code(appSecret))
	}
	return p
}
