package pagetest

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe-core is as its publisher built it.
func TestAxeIsUnchanged(t *testing.T) {
	sum := sha256.Sum256([]byte(axeScript))
	if hex.EncodeToString(sum[:]) != "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c" {
		t.Error("axe.min.js is not that of axe-core 4.14.1")
	}
}

// What is wrong with a page is found, in the theme or the size in which it is.
func TestFaultsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	const head = `<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>A page</title>`
	faults := map[string]struct{ body, want string }{
		"contrast in the dark":  {`<style>@media (prefers-color-scheme: dark) { p { color: #777; background: #666 } }</style><main><h1>A</h1><p>words</p></main>`, "axe color-contrast"},
		"no label":              {`<main><h1>A</h1><input></main>`, "axe label"},
		"outside all landmarks": {`<main><h1>A</h1></main><p>lost</p>`, "axe region"},
		"inside what is folded": {`<main><h1>A</h1><details><summary style="padding:1em">more</summary><img src="data:,"></details></main>`, "axe image-alt"},
		"too wide":              {`<main><h1>A</h1><p style="width:30em">words</p></main>`, "scrolls sideways"},
		"out on the other side": {`<main><h1>A</h1><p style="margin-left:-4em">words</p></main>`, "sticks out"},
		"wide when enlarged":    {`<main><h1>A</h1><p style="width:30rem;max-width:none;margin:0">words</p><style>@media (max-width: 600px) { p { width: auto !important } }</style></main>`, "scrolls sideways"},
		"small target":          {`<main><h1>A</h1><button style="padding:0;width:20px;height:20px">a</button></main>`, "small target"},
		"faint border":          {`<main><h1>A</h1><label>A <input style="border-color:#ddd;min-height:24px"></label></main>`, "field border"},
		"unseen focus":          {`<main><h1>A</h1><a href="/" style="outline:none">here</a></main>`, "focus cannot be seen"},
		"focus up again":        {`<main style="display:flex;flex-direction:column-reverse"><a href="/a">here</a><a href="/b">there</a><h1>A</h1></main>`, "focus goes back up"},
		"two titles":            {`<main><h1>A</h1><h1>B</h1></main>`, "not one h1"},
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(head + faults[r.URL.Query().Get("q")].body))
	}))
	t.Cleanup(srv.Close)
	browser := Chrome(t)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	for name, f := range faults {
		wrong, err := view(browser, look{title: name, address: srv.URL + "/?q=" + strings.ReplaceAll(name, " ", "+"), kind: closely})
		if err != nil || !strings.Contains(strings.Join(wrong, "\n"), f.want) {
			t.Errorf("%s: %v, found %q", name, err, wrong)
		}
	}
	faults["fine"] = struct{ body, want string }{`<main><h1>A</h1><p>words</p></main>`, ""}
	if wrong, err := view(browser, look{title: "fine", address: srv.URL + "/?q=fine", kind: closely}); err != nil || len(wrong) > 0 {
		t.Errorf("a page without faults: %v, found %q", err, wrong)
	}
}

// A page that comes into the window of another is held against the same, with
// its own style sheets and scripts; nothing is left of the one before.
func TestFaultsOfTranslationsAreFound(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a browser")
	}
	pages := map[string]string{
		"fine":    `<main><h1>A</h1><p>words</p></main>`,
		"label":   `<main><h1>A</h1><input style="min-height:24px"></main>`,
		"script":  `<main><h1>A</h1><p hidden>` + strings.Repeat("w", 80) + `</p></main><script src="/p.js" defer></script>`,
		"style":   `<link rel="stylesheet" href="/p.css"><main><h1>A</h1><p>words</p></main>`,
		"foreign": `<main><h1>A</h1></main>`,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/p.js", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`"use strict"; const p = document.querySelector("p"); p.hidden = false; // the end`))
	})
	mux.HandleFunc("/p.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = w.Write([]byte(`p { width: 30em }`))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'")
		q := r.URL.Query()
		_, _ = w.Write([]byte(`<!doctype html><html lang="` + q.Get("lang") + `"><meta name="viewport" content="width=device-width"><title>A page</title>` + pages[q.Get("q")]))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	browser := Chrome(t)
	if err := chromedp.Do(browser); err != nil {
		t.Fatal(err)
	}
	at := func(name, lang string, k kind) look {
		return look{name, srv.URL + "/?q=" + name + "&lang=" + lang, lang, k}
	}
	foreign := at("foreign", "de", worded)
	foreign.address = at("foreign", "fr", worded).address
	for _, c := range []struct {
		look
		want string
	}{
		{at("fine", "en", closely), ""}, {at("label", "de", worded), "axe label"}, {at("fine", "de", worded), ""}, {at("script", "de", worded), "scrolls sideways"},
		{at("fine", "fr", worded), ""}, {at("style", "fr", worded), "scrolls sideways"}, {at("script", "fr", worded), "scrolls sideways"}, {foreign, "is in fr, not in de"},
		{at("fine", "it", worded), ""},
	} {
		wrong, err := view(browser, c.look)
		found := strings.Join(wrong, "\n")
		if err != nil || !strings.Contains(found, c.want) || c.want == "" && found != "" {
			t.Errorf("%s in %s: %v, found %q", c.title, c.lang, err, wrong)
		}
	}
}
