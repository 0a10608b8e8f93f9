package main

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"latchkey/idp/account"
	"latchkey/idp/brand"
	"latchkey/ui/demo"
	"latchkey/ui/page/pagetest"
)

// Colours that are hard to read as they are, in the browser that has the last word:
// what is drawn can be read, on light and on dark pages, and fits a phone.
func TestBrandsCanBeReadInChromium(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "sqlite")
	w.user("pia@example.org", func(in *account.New) { in.Kind = "portal" })
	if err := w.choices.brands.SetLogo(t.Context(), host, "", false, demo.Logo); err != nil {
		t.Fatal(err)
	}
	browser := pagetest.Chrome(t)
	if err := chromedp.Do(browser); err != nil { // starts it; a deadline here would end it later
		t.Fatal(err)
	}
	ctx, end := chromedp.NewContext(browser, chromedp.WithNewBrowserContext()) // the first tab never shows where the focus is
	defer end()
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	b := tab{t: t, ctx: ctx}
	look := func(what string) {
		t.Helper()
		for _, scheme := range []string{"light", "dark"} {
			b.scheme(scheme)
			wrong, err := pagetest.Fine(b.ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range wrong {
				t.Errorf("%s, %s: %s", what, scheme, s)
			}
		}
	}
	b.do(chromedp.EmulateViewport(320, 800))
	for _, c := range []brand.Colours{
		{}, {Primary: "#ffcc00"}, {Primary: "#ffffff", PrimaryDark: "#000000"}, {Primary: "#000000", PrimaryDark: "#ffffff"}, {Primary: "#ff0000", Accent: "#00ff00"}, {Primary: "#00a09d"},
	} {
		_, err := w.choices.brands.Set(t.Context(), host, "", brand.Brand{
			Name: "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunter", Colours: c, SignIn: brand.Words{"en": "Only for staff.\n\nAsk us."}, Support: brand.Words{"en": "Call 1234"},
			Legal: []brand.Link{{Kind: brand.Privacy, URL: "https://example.org/p"}, {Label: "Accessibility statement of the house", URL: "https://example.org/a"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		b.do(chromedp.Navigate(w.url+"/login"), chromedp.WaitVisible(chromedp.CSS("#login")))
		if loaded := b.eval(`String(document.querySelector(".brand img").naturalWidth)`); loaded != "96" {
			t.Errorf("%s: the logo is not shown: %s", c.Primary, loaded)
		}
		if fill := b.eval(`getComputedStyle(document.documentElement).getPropertyValue("--house-accent")`); c.Primary != "" && fill == "" {
			t.Errorf("%s: no colours", c.Primary)
		}
		look("sign in " + string(c.Primary))
	}
	b.do(chromedp.SendKeys(chromedp.CSS("#login-name"), "pia@example.org"), chromedp.SendKeys(chromedp.CSS("#login-password"), rightPassword))
	b.follow("#submit")
	b.do(chromedp.WaitVisible(chromedp.CSS("nav.own")))
	for _, path := range []string{"/my/security", "/my/profile", "/my/apps", "/nowhere"} {
		b.do(chromedp.Navigate(w.url+path), chromedp.WaitVisible(chromedp.CSS("h1")))
		look(path)
	}
}

// scheme is what the reader likes pages to be, light or dark; nothing fades over.
func (b tab) scheme(scheme string) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		b.t.Fatal(err)
	}
}
