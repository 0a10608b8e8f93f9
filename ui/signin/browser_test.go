package signin

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	document "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"latchkey/ui/page"
	"latchkey/ui/page/pagetest"
	"latchkey/ui/protocol"
)

var chrome = pagetest.Chrome

// every page.
func TestPagesInBrowser(t *testing.T) { pagetest.Audit(t, Samples()) }

// A browser with scripts: the password can be shown, and the Content-Security-
// Policy lets the sign-in through to an application on another origin, which
// form-action 'self' alone would stop after the password.
func TestSignInInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	h := open(t)
	h.add("ada", "")
	rp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "arrived") }))
	defer rp.Close()
	h.ask.Redirect, h.leave = rp.URL+"/cb", rp.URL+"/cb?code=1"
	ctx := chrome(t)
	err := chromedp.Do(ctx,
		chromedp.Navigate(h.URL+"/app"),
		chromedp.SendKeys(chromedp.CSS("input[name=login]"), "ada"),
		chromedp.SendKeys(chromedp.CSS("input[name=password]"), pass),
		chromedp.Click(chromedp.CSS("[data-reveal]")),
	)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.querySelector("input[name=password]").type`))
	if err != nil || shown != "text" {
		t.Errorf("the password field is %q: %v", shown, err)
	}
	stays, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.activeElement.matches("[data-reveal]")`))
	if err != nil || !stays {
		t.Errorf("the button has lost the focus: %v", err)
	}
	if err := chromedp.Do(ctx, chromedp.Click(chromedp.CSS("#submit"))); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		at, err := chromedp.Run(ctx, chromedp.Location())
		if err == nil && at == h.leave {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("at %s: %v", at, err)
		}
	}
}

// A form_post page sends itself, under its own Content-Security-Policy.
func TestFormPostInBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	got := make(chan string, 1)
	rp := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			got <- r.PostFormValue("code")
		}
	}))
	defer rp.Close()
	h := open(t)
	h.post = func(w http.ResponseWriter, r *http.Request) {
		protocol.Pages{Site: h.browser.Site}.FormPost(w, r, rp.URL+"/cb", map[string][]string{"code": {"c1"}})
	}
	if err := chromedp.Do(chrome(t), chromedp.Navigate(h.URL+"/post")); err != nil {
		t.Fatal(err)
	}
	select {
	case code := <-got:
		if code != "c1" {
			t.Errorf("code %q", code)
		}
	case <-time.After(10 * time.Second):
		t.Error("the form did not send itself")
	}
}

// Backup codes go onto one sheet of paper, black on white even for whoever has
// dark pages, and nothing that can be pressed goes with them.
func TestCodesPrint(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	base, _ := pagetest.Serve(t, func(*page.Site) []page.Sample { return Samples() })
	ctx := chrome(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(base+"enrol-codes?lang=de")); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: "print", Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}},
	}); err != nil {
		t.Fatal(err)
	}
	seen, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`[...document.querySelectorAll("h1,.codes code,a,button,input,.steps")].filter((e) => e.checkVisibility()).map((e) => e.localName + " " + getComputedStyle(e).color)`))
	want := append([]string{"h1 rgb(0, 0, 0)"}, slices.Repeat([]string{"code rgb(0, 0, 0)"}, len(sampleCodes))...)
	if err != nil || !slices.Equal(seen, want) {
		t.Errorf("%v, on paper: %v", err, seen)
	}
	paper, err := chromedp.Call(ctx, document.PrintToPDF, document.PrintToPDFParams{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(regexp.MustCompile(`/Type\s*/Page\b`).FindAll(paper.Data, -1)); n != 1 {
		t.Errorf("%d sheets", n)
	}
}
