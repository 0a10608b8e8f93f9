package page

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/idp"
	"latchkey/mfa"
	"latchkey/ui/locale"
)

var testPages = Parse(fstest.MapFS{"form.html": {Data: []byte(`{{define "title"}}{{.View}}{{end}}{{define "body"}}<h1>{{.View}}</h1><form method="post">{{.CSRF}}</form>{{end}}`)}}, "form.html")

// house is a site with a few routes, and what it logs.
type house struct {
	*gin.Engine
	log bytes.Buffer
}

const session = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"

func newHouse(t *testing.T, issuer string) *house {
	t.Helper()
	gin.SetMode(gin.TestMode)
	h := &house{Engine: gin.New()}
	_ = h.SetTrustedProxies(nil)
	s, err := New(Config{Issuer: issuer, CSRFKey: bytes.Repeat([]byte("k"), 32), Log: slog.New(slog.NewTextHandler(&h.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	s.Mount(h.Engine)
	form := func(c *Context) error { return c.Show(testPages, 200, "form.html", "<b>&") }
	done := func(c *Context) error { return c.Show(testPages, 200, "form.html", "done "+c.Form("text")) }
	h.GET("/form", s.Members(form))
	h.POST("/form", s.Members(done))
	h.GET("/open", s.Strangers(form))
	h.POST("/open", s.Strangers(done))
	h.GET("/go", s.Members(func(c *Context) error { return c.Redirect(c.Query("to")) }))
	h.GET("/fail", s.Members(func(c *Context) error { return failures[c.Query("with")] }))
	h.GET("/panic", s.Members(func(*Context) error { panic("SECRET") }))
	h.GET("/in", s.Members(func(c *Context) error {
		c.SetSession(session, time.Hour)
		c.SetKnown("a.b~c.d")
		return c.Redirect("/form")
	}))
	h.GET("/out", s.Members(func(c *Context) error { c.ForgetSession(); return c.Redirect("/form") }))
	h.GET("/leads", s.Members(func(c *Context) error {
		if c.Query("on") != "" {
			c.LeadsOn(c.Query("to"))
		} else {
			c.LeadsTo(c.Query("to"))
		}
		return c.Show(testPages, 200, "form.html", "x")
	}))
	return h
}

var failures = map[string]error{
	"denied":  fmt.Errorf("deep: %w", idp.ErrDenied),
	"unknown": errors.New("pq: SECRET relation users"),
	"busy":    idp.ErrBusy,
	"locked":  fmt.Errorf("x: %w", &mfa.LockedError{Key: "pw:SECRET", Until: time.Now().Add(90 * time.Second)}),
	"down":    fmt.Errorf("store: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}),
	"expired": mfa.ErrExpired,
}

func (h *house) do(method, target string, header http.Header, body string) *http.Response {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if header != nil {
		r.Header = header
	}
	if body != "" && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

var csrf = regexp.MustCompile(`name="csrf" value="([A-Za-z0-9_-]+)"`)

// open gets a form and returns its token and the browser's cookies.
func (h *house) open(t *testing.T, path string, cookies string) (token, cookie string) {
	t.Helper()
	res := h.do("GET", path, http.Header{"Cookie": {cookies}}, "")
	body, _ := io.ReadAll(res.Body)
	m := csrf.FindSubmatch(body)
	if res.StatusCode != 200 || m == nil {
		t.Fatalf("%s: %d %s", path, res.StatusCode, body)
	}
	cookie = cookies
	for _, c := range res.Cookies() {
		cookie += "; " + c.Name + "=" + c.Value
	}
	return string(m[1]), strings.TrimPrefix(cookie, "; ")
}

// a form is taken from our own page in the same browser, and from
// nowhere else.
func TestForged(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	token, cookie := h.open(t, "/form", "")
	other, otherCookie := h.open(t, "/form", "")
	signedIn, _ := h.open(t, "/form", cookie+"; latchkey-session="+session)
	opened, _ := h.open(t, "/open", cookie)
	for _, c := range []struct {
		name, path, cookie, token string
		header                    map[string]string
		want                      int
	}{
		{"plain client", "/form", cookie, token, nil, 200},
		{"browser", "/form", cookie, token, map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200},
		{"typed by the user", "/form", cookie, token, map[string]string{"Sec-Fetch-Site": "none"}, 200},
		{"our origin", "/form", cookie, token, map[string]string{"Origin": "http://127.0.0.1:8080"}, 200},
		{"opaque origin", "/form", cookie, token, map[string]string{"Origin": "null"}, 200},
		{"no token", "/form", cookie, "", nil, 403},
		{"wrong token", "/form", cookie, token[:len(token)-1], nil, 403},
		{"no cookie", "/form", "", token, nil, 403},
		{"another browser's token", "/form", cookie, other, nil, 403},
		{"another browser's cookie", "/form", otherCookie, token, nil, 403},
		{"cross-site", "/form", cookie, token, map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"same-site", "/form", cookie, token, map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:8080"}, 403},
		{"foreign origin", "/form", cookie, token, map[string]string{"Origin": "https://evil.example"}, 403},
		{"scheme differs", "/form", cookie, token, map[string]string{"Origin": "https://127.0.0.1:8080"}, 403},
		{"token from before signing in", "/form", cookie + "; latchkey-session=" + session, token, nil, 403},
		{"token from after signing in", "/form", cookie + "; latchkey-session=" + session, signedIn, nil, 200},
		{"another session", "/form", cookie + "; latchkey-session=" + strings.ToUpper(session), signedIn, nil, 403},
		{"sign-in page after signing in elsewhere", "/open", cookie + "; latchkey-session=" + session, opened, nil, 200},
		{"session page with a sign-in token", "/form", cookie + "; latchkey-session=" + session, opened, nil, 403},
	} {
		header := http.Header{"Cookie": {c.cookie}}
		for k, v := range c.header {
			header.Set(k, v)
		}
		res := h.do("POST", c.path, header, url.Values{"csrf": {c.token}}.Encode())
		if res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.want)
		}
	}
}

// C-11, P-14: what no browser sends ends as a page, before any handler.
func TestMalformed(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	token, cookie := h.open(t, "/form", "")
	field := "csrf=" + token
	for _, c := range []struct {
		name, path, body, kind string
		want                   int
	}{
		{"as it should be", "/form", field + "&text=%C3%A9", "", 200},
		{"too large", "/form", field + "&text=" + strings.Repeat("a", MaxBody), "", 413},
		{"just not too large", "/form", field + "&text=" + strings.Repeat("a", MaxBody-len(field)-6), "", 200},
		{"not UTF-8", "/form", field + "&text=%ff", "", 400},
		{"NUL", "/form", field + "&text=%00", "", 400},
		{"twice", "/form", field + "&text=a&text=b", "", 400},
		{"bad escape", "/form", field + "&text=%zz", "", 400},
		{"json", "/form", `{"csrf":"x"}`, "application/json", 400},
		{"multipart", "/form", field, "multipart/form-data; boundary=x", 400},
		{"query not UTF-8", "/form?a=%ff", field, "", 400},
	} {
		header := http.Header{"Cookie": {cookie}}
		if c.kind != "" {
			header.Set("Content-Type", c.kind)
		}
		res := h.do("POST", c.path, header, c.body)
		if res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.want)
		}
		if ct := res.Header.Get("Content-Type"); ct != "text/html; charset=utf-8" {
			t.Errorf("%s: answered as %s", c.name, ct)
		}
	}
}

// C-09: the page of an unknown error says nothing of it but an id under which
// it is logged, once.
func TestErrorPages(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	event := regexp.MustCompile(`class="event">([A-Z2-7]{5}-[A-Z2-7]{5})<`)
	for with, want := range map[string]int{"denied": 403, "unknown": 500, "busy": 503, "locked": 429, "down": 503, "expired": 410} {
		h.log.Reset()
		res := h.do("GET", "/fail?with="+with, nil, "")
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", with, res.StatusCode, want)
		}
		m := event.FindSubmatch(body)
		if m == nil || strings.Count(h.log.String(), string(m[1])) != 1 {
			t.Errorf("%s: event %s, log %s", with, m, h.log.String())
		}
		if bytes.Contains(body, []byte("SECRET")) || bytes.Contains(body, []byte(": ")) && bytes.Contains(body, []byte("idp:")) {
			t.Errorf("%s: the page gives the cause away", with)
		}
		if bytes.Count(body, []byte("<h1>")) != 1 || !bytes.Contains(body, []byte(`class="btn btn-primary w-100" href="/`)) {
			t.Errorf("%s: no title or no way back: %s", with, body)
		}
		if retry := res.Header.Get("Retry-After"); (retry != "") != (want == 503 || want == 429) {
			t.Errorf("%s: Retry-After %q", with, retry)
		}
	}
}

// C-10: a panic ends one request with a page.
func TestPanic(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	res := h.do("GET", "/panic", nil, "")
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 500 || bytes.Contains(body, []byte("SECRET")) || !strings.Contains(h.log.String(), "SECRET") {
		t.Errorf("%d %s", res.StatusCode, body)
	}
}

func TestNoRoute(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	for _, c := range []struct {
		method, path string
		want         int
	}{{"GET", "/nowhere", 404}, {"PUT", "/form", 405}, {"POST", "/nowhere", 404}, {"GET", "/assets/nothing.css", 404}} {
		if res := h.do(c.method, c.path, nil, ""); res.StatusCode != c.want {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, res.StatusCode, c.want)
		}
	}
}

// S-03: cookies.
func TestCookies(t *testing.T) {
	for issuer, prefix := range map[string]string{"https://id.example.com": "__Host-", "http://127.0.0.1:8080": ""} {
		h := newHouse(t, issuer)
		res := h.do("GET", "/in", nil, "")
		names := map[string]bool{}
		for _, c := range res.Cookies() {
			names[c.Name] = true
			if c.Secure != (prefix != "") || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge <= 0 {
				t.Errorf("%s: %+v", issuer, c)
			}
		}
		for _, n := range []string{"browser", "session", "known"} {
			if !names[prefix+"latchkey-"+n] {
				t.Errorf("%s: no cookie %s in %v", issuer, n, names)
			}
		}
		out := h.do("GET", "/out", http.Header{"Cookie": {prefix + "latchkey-session=" + session}}, "")
		// Also the browser's: what was begun in it is over (S-05).
		if cs := out.Cookies(); len(cs) != 2 || cs[0].MaxAge >= 0 || cs[0].Value != "" || cs[1].MaxAge >= 0 || cs[1].Value != "" {
			t.Errorf("%s: signing out sets %v", issuer, cs)
		}
		if got := out.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
			t.Errorf("Clear-Site-Data %q", got)
		}
	}
}

// One answer sets one browser cookie, however often it is asked for, and a
// plain handler sees the same browser as a page.
func TestBrowserCookie(t *testing.T) {
	s, err := New(Config{Issuer: "https://id.example.com", CSRFKey: make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
	first := s.From(w, r).Browser()
	if again := s.From(w, r).Browser(); again != first || len(w.Result().Cookies()) != 1 || len(first) != 64 {
		t.Errorf("%s then %s, cookies %v", first, again, w.Result().Cookies())
	}
	r.AddCookie(w.Result().Cookies()[0])
	if later := s.From(httptest.NewRecorder(), r).Browser(); later != first {
		t.Errorf("the next request is another browser: %s", later)
	}
}

func TestLanguage(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	res := h.do("GET", "/form?flow=a%2Fb&lang=fr&x=1", nil, "")
	if res.StatusCode != 303 || res.Header.Get("Location") != "/form?flow=a%2Fb&x=1" {
		t.Fatalf("%d %s", res.StatusCode, res.Header.Get("Location"))
	}
	res = h.do("GET", "/form?flow=a%2Fb&x=1", http.Header{"Cookie": {"latchkey-lang=fr"}, "Accept-Language": {"en"}}, "")
	body, _ := io.ReadAll(res.Body)
	for _, want := range []string{`<html lang="fr" dir="ltr">`, `href="/form?flow=a%2Fb&amp;x=1&amp;lang=en"`} {
		if !bytes.Contains(body, []byte(want)) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if res := h.do("GET", "//evil.example/?lang=fr", nil, ""); strings.HasPrefix(res.Header.Get("Location"), "//") {
		t.Errorf("leads to %s", res.Header.Get("Location"))
	}
	if res := h.do("GET", "/form?lang=xx", nil, ""); res.StatusCode != 200 {
		t.Errorf("an unknown language: %d", res.StatusCode)
	}
}

// views are escaped.
func TestEscaped(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	body, _ := io.ReadAll(h.do("GET", "/form", nil, "").Body)
	if bytes.Contains(body, []byte("<b>&")) || !bytes.Contains(body, []byte("<h1>&lt;b&gt;&amp;</h1>")) {
		t.Errorf("%s", body)
	}
}

// B-10: without trusted proxies nobody can write their own address.
func TestAddress(t *testing.T) {
	h := newHouse(t, "http://127.0.0.1:8080")
	var got idp.Origin
	h.GET("/origin", func(g *gin.Context) {
		s, _ := New(Config{Issuer: "http://127.0.0.1:8080", CSRFKey: make([]byte, 32)})
		got = s.From(g.Writer, g.Request).Origin()
	})
	h.do("GET", "/origin", http.Header{"X-Forwarded-For": {"9.9.9.9"}, "User-Agent": {strings.Repeat("é", 200)}}, "")
	if got.Address != "192.0.2.1" || len(got.Agent) > 256 || strings.ContainsRune(got.Agent, '\uFFFD') {
		t.Errorf("%+v", got)
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{Issuer: "id.example.com", CSRFKey: make([]byte, 32)}, {Issuer: "https://id.example.com", CSRFKey: make([]byte, 31)}, {Issuer: "ftp://x", CSRFKey: make([]byte, 32)}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is taken", c)
		}
	}
}

// Every problem has its three sentences.
func TestProblemsHaveWords(t *testing.T) {
	words := locale.For(nil, "")
	for _, p := range problems {
		for _, part := range []string{"title", "text", "next"} {
			if key := fmt.Sprintf("error.%s.%s", p.key, part); !words.Has(key) {
				t.Errorf("no words for %s", key)
			}
		}
	}
}

// A broken template is found by whoever asks for all of them, and does not keep
// the others from being drawn.
func TestParseAll(t *testing.T) {
	testPages.ParseAll()
	broken := Parse(fstest.MapFS{"whole.html": {Data: []byte(`{{define "title"}}{{end}}{{define "body"}}{{end}}`)}, "broken.html": {Data: []byte(`{{define "title"}}`)}}, "*.html")
	broken.pages["whole.html"]()
	defer func() {
		if recover() == nil {
			t.Error("nobody noticed the broken template")
		}
	}()
	broken.ParseAll()
}

// Issue 6.10: the way to the page of a company is drawn for its main contact
// alone.
func TestOwnPages(t *testing.T) {
	names := func(f Frame, current string) (out []string) {
		for _, p := range f.Own(current).Places {
			out = append(out, p.Name)
		}
		return out
	}
	if got := names(Frame{}, "profile"); slices.Contains(got, "company") {
		t.Error(got)
	}
	if got := names(Frame{leads: true}, "profile"); !slices.Contains(got, "company") {
		t.Error(got)
	}
}
