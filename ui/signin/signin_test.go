package signin

import (
	"bytes"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"latchkey/idp"
	"latchkey/idp/account"
	"latchkey/mfa"
	"latchkey/mfa/policy"
)

func TestPasswordOnly(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.visit().get("/app?state=1%2F2").want(200, "/login").
		has("form#login input[name=login][autocomplete=username]", "form#login input[name=password][autocomplete=current-password]", "form#login button#submit")
	v.submit("login", "login", "ada", "password", pass).want(200, "/app")
	if string(v.body) != "signed in as ada" || v.at.RawQuery != "state=1%2F2" {
		t.Errorf("%s: %s", v.at, v.body)
	}
	v.get("/login").want(200, Home)
	if !bytes.Contains(v.body, []byte("Person ada")) {
		t.Errorf("%s", v.body)
	}
}

// S-02: nothing on the way back is blocked by form-action, nothing else is let
// through, and every page of the flow says so.
func TestFormActionOfFlow(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	v := h.visit().get("/app")
	want := "form-action 'self' https://odoo.example.com;"
	for range 2 {
		if got := v.header.Get("Content-Security-Policy"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", v.at, got)
		}
		if v.at.Path == "/login" {
			v.submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
		}
	}
}

var changing = regexp.MustCompile(`name="(csrf|flow)" value="[^"]*"|nonce="[^"]*"|name="login"[^>]*|flow=[^"&]*`)

// E-01, B-07: whatever is wrong, the page is the same to the byte but for its
// tokens and the name that was typed, and the name stays.
func TestWrongLoginTellsNothing(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	off := h.add("off", "")
	h.add("full", "")
	if err := h.accounts.Disable(t.Context(), idp.Actor{Host: true}, off.ID); err != nil {
		t.Fatal(err)
	}
	for range 11 { // 10 tries are free
		h.visit().get("/login").submit("login", "login", "full", "password", "wrong")
	}
	var pages []string
	for _, c := range [][2]string{{"ada", "wrong"}, {"nobody", pass}, {"off", pass}, {"full", pass}, {"ada", ""}} {
		v := h.visit().get("/login").submit("login", "login", c[0], "password", c[1]).want(401, "/login")
		v.has("[role=alert]#wrong", "input[name=login][aria-invalid=true][aria-describedby=wrong]", "input[name=login][value="+c[0]+"]")
		if len(v.doc.Find("input[name=password]").AttrOr("value", "")) > 0 {
			t.Error("the password comes back")
		}
		pages = append(pages, changing.ReplaceAllString(string(v.body), ""))
	}
	for i, p := range pages[1:] {
		if p != pages[0] {
			t.Errorf("answer %d differs:\n%s\n%s", i+1, p, pages[0])
		}
	}
}

// M-07, M-03: the wizard in three steps; none can be skipped and nothing is
// active before the last.
func TestWizard(t *testing.T) {
	h := open(t)
	u := h.add("ada", "")
	h.demand(policy.What{Assurance: policy.MFA})
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/enrol")
	v.has("svg.qr", "a[href^='otpauth://totp/']", "a[download][href^='data:image/png;base64,']", "ol.steps [aria-current=step]")
	key := strings.Join(strings.Fields(v.doc.Find("code.secret").Text()), "")
	if again := v.get(v.at.RequestURI()); !strings.Contains(strings.Join(strings.Fields(again.doc.Find("code.secret").Text()), ""), key) || len(key) != 32 {
		t.Errorf("another secret after reloading, or none: %q", key)
	}
	flow := v.at.Query().Get("flow")
	v.get(at("/login/enrol/confirm", flow)).want(200, "/login/enrol/codes")
	if paper := v.doc.Find(".print-only").Text(); !strings.Contains(paper, "Account: ada") || !strings.Contains(paper, "Created on") {
		t.Errorf("printed, the codes would be of %q", paper)
	}
	codes := v.doc.Find("ol.codes code").Map(func(_ int, s *goquery.Selection) string { return s.Text() })
	if len(codes) != 10 {
		t.Fatalf("codes: %q", codes)
	}
	file := h.visit()
	file.client.Jar = v.client.Jar
	file.get(at("/login/enrol/codes.txt", flow)).want(200, "/login/enrol/codes.txt")
	for _, c := range codes {
		if !bytes.Contains(file.body, []byte(c+"\r\n")) {
			t.Errorf("the file lacks %s", c)
		}
	}
	if got := file.header.Get("Content-Disposition"); got != "attachment; filename=backup-codes.txt" {
		t.Errorf("Content-Disposition %q", got)
	}
	v.submit("codes-kept").want(400, "/login/enrol/codes").has("[role=alert] a[href='#kept']", "input#kept[aria-invalid=true]")
	v.submit("codes-kept", "kept", "yes").want(200, "/login/enrol/confirm").has("form#totp-confirm input[name=code][autocomplete=one-time-code]")
	v.submit("totp-confirm", "code", "000000").want(401, "/login/enrol/confirm").has("[role=alert]", "input[name=code][aria-invalid=true]")
	if held, err := h.db.Credentials.Held(t.Context(), mfa.SubjectID(u.ID)); err != nil || len(held) != 0 {
		t.Fatalf("active before the end: %v %v", held, err)
	}
	v.submit("totp-confirm", "code", h.code(key)).want(200, "/app")
	if held, err := h.db.Credentials.Held(t.Context(), mfa.SubjectID(u.ID)); err != nil || len(held) != 2 {
		t.Errorf("after the end: %v %v", held, err)
	}
	// The wizard's pages are gone with the flow.
	v.get(at("/login/enrol/codes", flow)).want(410, "/login/enrol/codes")
	if bytes.Contains(v.body, []byte(codes[0])) {
		t.Error("codes are shown again")
	}

	other := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	other.follow("a[data-method=backup]").has("form#factor input[name=code]").submit("factor", "code", codes[3]).want(200, "/app")
	third := h.visit().get("/app").submit("login", "login", "ada", "password", pass).follow("a[data-method=backup]")
	third.submit("factor", "code", codes[3]).want(401, "/login/factor") // T-09: once
	third.get(Home).want(200, "/login")                                 // M-02: half signed in is not signed in
}

// T-01: a code is good once; the page says so and offers what else there is.
func TestFactor(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	code := h.code(secret)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	v.has("form#factor input[name=code][inputmode=numeric][autocomplete=one-time-code]", "form#factor button#submit")
	v.submit("factor", "code", "000000").want(401, "/login/factor").has("[role=alert]#wrong", "input[aria-describedby=wrong]")
	v.submit("factor", "code", code).want(200, "/app")

	v = h.visit().get("/app").submit("login", "login", "ada", "password", pass).submit("factor", "code", code).want(401, "/login/factor")
	h.clock.Pass(time.Minute)
	v.submit("factor", "code", h.code(secret)).want(200, "/app")
}

// B-01, B-03: wrong codes run out, first for the challenge, then for the
// account; a right code does not help then.
func TestFactorLocked(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	for i := 0; v.doc.Find("form#factor").Length() == 1; i++ {
		if i > 20 {
			t.Fatal("never locked")
		}
		v.submit("factor", "code", "000000")
	}
	v.want(429, "/login/factor").has("[role=alert]")
	if v.header.Get("Retry-After") == "" || !regexp.MustCompile(`in \d+ minutes`).Match(v.body) {
		t.Errorf("does not say until when: %v %s", v.header, v.doc.Find("[role=alert]").Text())
	}
	h.clock.Pass(time.Minute)
	w := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	if w.doc.Find("form#factor").Length() == 1 {
		w.submit("factor", "code", h.code(secret))
	}
	if w.status != 429 {
		t.Errorf("a right code during the lock: %d", w.status)
	}
}

// S-02: a flow is worth nothing in another browser.
func TestForeignBrowser(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	v := h.visit().get("/app")
	h.visit().get(v.at.RequestURI()).want(403, "/login")
	v.submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	h.visit().get(v.at.RequestURI()).want(403, "/login/factor")
}

func TestExpired(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.visit().get("/app")
	h.clock.Pass(31 * time.Minute)
	v.submit("login", "login", "ada", "password", pass).want(410, "/login")
	v.follow("a.btn-primary").want(200, "/login")
	v.submit("login", "login", "ada", "password", pass).want(200, "/app")
	v.get("/login?flow=nonsense").want(410, "/login")
	v.get("/login?flow=s.AAAA").want(410, "/login")
}

// M-03: pages of later steps lead back to the step that is due.
func TestNoStepSkipped(t *testing.T) {
	h := open(t)
	h.add("ada", secret)
	v := h.visit().get("/app")
	flow := v.at.Query().Get("flow")
	for _, p := range []string{"/login/factor", "/login/enrol", "/login/enrol/codes", "/login/enrol/codes.txt", "/login/enrol/confirm"} {
		v.get(at(p, flow)).want(200, "/login")
	}
	csrf := v.doc.Find("input[name=csrf]").AttrOr("value", "")
	for _, p := range []string{"/login/factor", "/login/enrol/codes", "/login/enrol/confirm"} {
		v.take(v.client.PostForm(h.URL+p, url.Values{"csrf": {csrf}, "flow": {flow}, "code": {h.code(secret)}, "kept": {"yes"}})).want(200, "/login")
	}
	v.get(at("/login", flow)).submit("login", "login", "ada", "password", pass).want(200, "/login/factor")
	flow = v.at.Query().Get("flow")
	v.get(at("/login/enrol", flow)).want(200, "/login/factor")
	v.get(at("/login", flow)).want(200, "/login/factor")
}

// the sign-in form is not taken from elsewhere; the page leads back.
func TestLoginForged(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.visit().get("/app")
	flow := v.at.Query().Get("flow")
	v.take(v.client.PostForm(h.URL+"/login", url.Values{"flow": {flow}, "login": {"ada"}, "password": {pass}})).want(403, "/login")
	v.follow("a.btn-primary").want(200, "/login").submit("login", "login", "ada", "password", pass).want(200, "/app")
}

// S-01, S-05, S-09, X-01: signing out.
func TestSignOut(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/app")
	base, _ := url.Parse(h.URL)
	before := v.client.Jar.Cookies(base)
	v.get("/logout").want(200, "/logout").has("form#logout button#submit")
	v.take(v.client.PostForm(h.URL+"/logout", url.Values{})).want(403, "/logout")
	v.get("/app").want(200, "/app") // still signed in
	v.get("/logout")
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	v.submit("logout").want(303, "/logout")
	if got := v.header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data %q", got)
	}
	v.client.CheckRedirect = nil
	v.get("/logout").want(200, "/logout").has("html[lang=en]")
	if v.doc.Find("form").Length() != 0 {
		t.Error("asks to sign out again")
	}
	v.get("/app").want(200, "/login")
	jar, _ := cookiejar.New(nil)
	jar.SetCookies(base, before)
	thief := h.visit()
	thief.client.Jar = jar
	thief.get("/app").want(200, "/login")
}

// The page after signing out speaks the language of whoever has left. The next
// person is met in their own, and a choice on the switch wins over both.
func TestSignedOutLanguage(t *testing.T) {
	h := open(t)
	if _, err := h.accounts.Add(t.Context(), idp.Actor{Host: true}, account.New{Login: "ada", Name: "Ada", Kind: idp.Portal, Password: pass, Locale: "fr"}); err != nil {
		t.Fatal(err)
	}
	for _, door := range []string{"/logout", Home} {
		v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/app")
		v.get(door).has("html[lang=fr]").submit("logout").want(200, "/logout").has("html[lang=fr]", ".mark-good")
		v.get("/logout?ui_locales=xx").has("html[lang=en]")
		v.get("/login").has("html[lang=en]")
	}
	v := h.visit().get("/app?lang=en").submit("login", "login", "ada", "password", pass).want(200, "/app")
	v.get(Home).has("html[lang=en]").submit("logout").has("html[lang=en]", ".mark-good")
}

// S-01: signing in changes the session; the old one is dead.
func TestNewSession(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	base, _ := url.Parse(h.URL)
	old := v.client.Jar.Cookies(base)
	h.clock.Pass(time.Minute)
	h.ask.Need.Since = h.clock.Now()
	v.get("/app").want(200, "/login").submit("login", "login", "ada", "password", pass).want(200, "/app")
	h.ask.Need.Since = time.Time{}
	if slices.EqualFunc(old, v.client.Jar.Cookies(base), func(a, b *http.Cookie) bool { return a.Name != "latchkey-session" || a.Value == b.Value }) {
		t.Error("the session cookie is the same")
	}
	jar, _ := cookiejar.New(nil)
	jar.SetCookies(base, old)
	w := h.visit()
	w.client.Jar = jar
	w.get("/app").want(200, "/login")
}

func TestChoose(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	h.add("bob", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/app")
	h.ask.Choose = true
	v.get("/app").want(200, "/login").has("form#continue button[name=decision][value=continue]", "form#continue button[name=decision][value=other]")
	v.submit("continue", "decision", "continue").want(200, "/app")
	v.get("/app").submit("continue", "decision", "other").want(200, "/login").has("form#login")
	v.submit("login", "login", "bob", "password", pass).want(200, "/app")
	if string(v.body) != "signed in as bob" {
		t.Errorf("%s", v.body)
	}
}

// Choosing oneself does not spare the second factor that policy asks for now.
func TestChooseSteppingUp(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass).want(200, "/app")
	h.demand(policy.What{Assurance: policy.MFA})
	h.ask.Choose = true
	v.get("/app").want(200, "/login").submit("continue", "decision", "continue").want(200, "/login/enrol")
}

func TestForget(t *testing.T) {
	h := open(t)
	h.add("ada", "")
	v := h.visit().get("/app").submit("login", "login", "ada", "password", pass)
	base, _ := url.Parse(h.URL)
	r, _ := http.NewRequest("GET", h.URL+"/", nil)
	for _, c := range v.client.Jar.Cookies(base) {
		r.AddCookie(c)
	}
	w := &recorder{header: http.Header{}}
	if err := h.browser.Forget(w, r); err != nil || !strings.Contains(w.header.Get("Set-Cookie"), "latchkey-session=;") {
		t.Errorf("%v %v", err, w.header)
	}
	v.get("/app").want(200, "/login")
}

type recorder struct{ header http.Header }

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (r *recorder) WriteHeader(int)             {}

// The language of the application is kept, and the switch wins over it.
func TestLocales(t *testing.T) {
	h := open(t)
	h.ask.Locales = "se fr-CA en"
	v := h.visit().get("/app").has("html[lang=fr]")
	v.follow(".languages a[lang=en]").want(200, "/login").has("html[lang=en]", "form#login")
}

// an absurd password is refused before any work.
func TestTooLong(t *testing.T) {
	h := open(t)
	v := h.visit().get("/login").submit("login", "login", "ada", "password", strings.Repeat("x", 257))
	v.want(400, "/login")
}
