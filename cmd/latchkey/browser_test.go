package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/pquerna/otp/totp"

	"latchkey/config"
	"latchkey/idp/oidc"
)

// shell starts Chromium without its windows, in which a walk takes half as long;
// where there is none, the whole browser.
func shell(t *testing.T, lang string) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		return chromium(t, lang)
	}
	return browse(t, path, lang)
}

// chromium starts the whole browser, as people have it, or skips the test where
// there is none; under `make test` a missing one is fatal.
func chromium(t *testing.T, lang string, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	path := os.Getenv("LATCHKEY_TEST_CHROMIUM")
	if path == "" {
		path = "/usr/bin/chromium"
	}
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("LATCHKEY_TEST_ALL") != "" {
			t.Fatalf("no Chromium: %v", err)
		}
		t.Skipf("no Chromium: %v", err)
	}
	return browse(t, path, lang, more...)
}

func browse(t *testing.T, path, lang string, more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("accept-lang", lang), chromedp.Flag("lang", lang))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), append(opts, more...)...)
	ctx, stopTab := chromedp.NewContext(alloc)
	if err := chromedp.Do(ctx); err != nil { // starts the browser; a deadline here would end it later
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(func() { stop(); stopTab(); stopAlloc() })
	return ctx
}

// tab is a browser tab that takes pictures.
type tab struct {
	t    *testing.T
	ctx  context.Context
	name string
}

func (b tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.within(func(ctx context.Context) error { return chromedp.Do(ctx, steps...) })
}

// follow clicks on what leads to another page and waits until that page has
// loaded: what is on its way when a test goes elsewhere would win.
func (b tab) follow(selector string) {
	b.t.Helper()
	b.within(func(ctx context.Context) error {
		_, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector)))
		return err
	})
}

// within ends before the browser's own time does, so that what it shows can be told.
func (b tab) within(act func(context.Context) error) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	if err := act(ctx); err != nil {
		where, _ := chromedp.Run(b.ctx, chromedp.Location())
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
		b.t.Fatalf("%v\nat %s\n%s", err, where, text)
	}
}

func (b tab) eval(js string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](js))
	if err != nil {
		b.t.Fatalf("%s: %v", js, err)
	}
	return s
}

// everywhere is what the documents show in all six languages; the rest is in two.
var everywhere = []string{"sign-in", "enrol-scan", "enrol-codes", "enrol-confirm", "challenge-dark", "security"}

// see waits for an element and takes a picture of the page for the documents,
// when LATCHKEY_SCREENSHOTS names a folder.
func (b tab) see(selector, picture string) {
	b.t.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)))
	dir := os.Getenv("LATCHKEY_SCREENSHOTS")
	if dir == "" || picture == "" || !slices.Contains(everywhere, picture) && b.name != "en" && b.name != "fr" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, picture+"-"+b.name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b tab) dark() {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// noScript switches JavaScript off for pages loaded from now on.
func (b tab) noScript(off bool) {
	b.t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: off}); err != nil {
		b.t.Fatal(err)
	}
}

// startDemoServer runs `serve --demo` on free ports and returns its report.
func startDemoServer(t *testing.T) demoReport {
	t.Helper()
	cfg, err := config.Load("", []string{"LATCHKEY_LISTEN=" + loopback(freePorts(t, 2)), "LATCHKEY_DATA_DIR=" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return runDemo(t, cfg)
}

func runDemo(t *testing.T, cfg config.Config) demoReport {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var out bytes.Buffer
	ended := make(chan error, 1)
	go func() { ended <- serve(ctx, cfg, serveOptions{Demo: true, JSON: true, Out: &out}) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		resp, err := http.Get(cfg.Issuer + "/readyz")
		if err != nil {
			continue
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			var r demoReport
			if err := json.Unmarshal(out.Bytes(), &r); err != nil {
				t.Fatalf("the demo's report: %v\n%s", err, out.String())
			}
			return r
		}
	}
	t.Fatal("the demo does not get ready")
	return demoReport{}
}

// A newcomer's first five minutes in a real browser, on a phone: the demo
// shop's Odoo login with enrolment of an app, then a second login with a code;
// light and dark, English and French. It also shows that the content security
// policy lets the browser go back to the client (SECURITY §0).
func TestDemoInChromium(t *testing.T) {
	t.Parallel()
	langs := []string{"en", "fr"}
	if os.Getenv("LATCHKEY_SCREENSHOTS") != "" {
		langs = append(langs, "es", "de", "it", "nl")
	}
	for _, lang := range langs {
		t.Run(lang, func(t *testing.T) { walkDemo(t, lang) })
	}
}

func walkDemo(t *testing.T, lang string) {
	demo := startDemoServer(t)
	b := tab{t, chromium(t, lang), lang}
	ada := demo.Accounts[0]
	b.do(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2)), chromedp.Navigate(demo.Shop))
	b.follow("#odoo")
	b.see("form#login", "sign-in")
	if got := b.eval(`document.documentElement.lang`); got != lang {
		t.Errorf("the page is in %q, want %q", got, lang)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=login]"), ada.Login), chromedp.SendKeys(chromedp.CSS("input[name=password]"), "wrong"))
	b.follow("form#login #submit")
	b.see("[role=alert]", "sign-in-wrong")
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=password]"), ada.Password))
	b.follow("form#login #submit")
	b.see("code.secret", "enrol-scan")
	secret := strings.Join(strings.Fields(b.eval(`document.querySelector("code.secret").textContent`)), "")
	b.follow("a#next")
	b.see("form#codes-kept", "enrol-codes")
	b.do(chromedp.Click(chromedp.CSS("form#codes-kept input[name=kept]")))
	b.follow("form#codes-kept #submit")
	b.see("form#totp-confirm", "enrol-confirm")
	code, err := totp.GenerateCode(secret, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b.do(chromedp.SendKeys(chromedp.CSS("form#totp-confirm input[name=code]"), code))
	b.follow("form#totp-confirm #submit")
	b.see("#welcome", "back-in-the-shop")
	if got := b.eval(`document.querySelector("#claims").innerText`); !strings.Contains(got, ada.Login) {
		t.Errorf("the shop was told %s", got)
	}
	b.do(chromedp.Navigate(demo.Issuer + "/my/security"))
	b.see("h1", "security")
	for _, page := range []string{"totp", "passkeys", "phones", "backup-codes", "devices", "sessions", "history", "password", "disable"} {
		b.do(chromedp.Navigate(demo.Issuer + "/my/security/" + page))
		b.see("p.back", "security-"+page)
	}
	b.do(chromedp.Navigate(demo.Outbox))
	b.see("article[data-channel=mail]", "outbox") // that the app was added: M-18
	b.secondSignIn(demo)
}

// secondSignIn is the next day, in the dark and without JavaScript until the
// shop, which as Odoo needs it to read the fragment.
func (b tab) secondSignIn(demo demoReport) {
	olga := demo.account(b.t, "olga@example.org") // who has chosen no language
	b.dark()
	b.do(chromedp.Navigate(demo.Issuer + "/logout"))
	b.see("form#logout", "sign-out")
	b.follow("form#logout #submit")
	b.see(".mark-good", "signed-out")
	b.noScript(true)
	b.do(chromedp.Navigate(demo.Shop))
	b.follow("form button")
	b.do(chromedp.WaitVisible(chromedp.CSS("#odoo")))
	b.follow("#odoo")
	b.see("form#login", "sign-in-dark")
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=login]"), olga.Login), chromedp.SendKeys(chromedp.CSS("input[name=password]"), olga.Password))
	b.follow("form#login #submit")
	b.see("form#factor", "challenge-dark")
	code, err := totp.GenerateCode(olga.TOTP, time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	b.noScript(false)
	b.do(chromedp.SendKeys(chromedp.CSS("form#factor input[name=code]"), code))
	b.follow("form#factor #submit")
	b.see("#welcome", "")
}

// An application whose callback redirects on to another origin is reached, too:
// Chromium holds every redirect after a form against form-action.
func TestOnwardRedirectInChromium(t *testing.T) {
	t.Parallel()
	ctx := shell(t, "en")
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<h1 id="app">in the application</h1>`)
	}))
	defer app.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(app.URL, "127.0.0.1", "localhost", 1), http.StatusSeeOther)
	}))
	defer api.Close()
	w := newWorld(t, "sqlite")
	w.user("ada@example.org")
	w.client(oidc.Input{ID: "web", Name: "Web", Type: oidc.Web, RedirectURIs: []string{api.URL + "/cb"}}) // not trusted: the consent form, too
	b := tab{t, ctx, "en"}
	b.do(chromedp.Navigate(w.url + oidc.PathAuthorize + "?" + url.Values{
		"response_type": {"code"}, "client_id": {"web"}, "redirect_uri": {api.URL + "/cb"}, "scope": {"openid"},
	}.Encode()))
	b.do(chromedp.SendKeys(chromedp.CSS("input[name=login]"), "ada@example.org"), chromedp.SendKeys(chromedp.CSS("input[name=password]"), rightPassword))
	b.follow("form#login #submit")
	b.see("form#consent", "")
	b.follow("form#consent button[value=allow]")
	b.see("#app", "")
}
