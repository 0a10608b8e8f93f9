// Package pagetest looks at pages as a reader would: in a real browser, measured
// against what WCAG 2.2 AA asks and a machine can tell, and by a plain client
// that follows links and fills in forms.
package pagetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Chrome starts a browser, or skips where there is none.
func Chrome(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("LATCHKEY_TEST_ALL") != "" {
			t.Fatal("no Chromium")
		}
		t.Skip("no Chromium on this machine")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path), chromedp.NoSandbox,
		chromedp.Flag("disable-gpu", true), chromedp.Flag("hide-scrollbars", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	ctx, stop := chromedp.NewExecAllocator(ctx, opts...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(ctx)
	t.Cleanup(end)
	return ctx
}

// Measure measures a page in the browser: what WCAG 2.2 AA asks and a machine
// can tell. It returns sentences about what is wrong.
const Measure = `(() => {
  const out = [];
  const say = (s, e) => out.push(s + ": " + e.outerHTML.slice(0, 90));
  if (!document.documentElement.lang) out.push("no lang");
  if (document.querySelectorAll("h1").length !== 1) out.push("not one h1");
  if (document.documentElement.scrollWidth > innerWidth) out.push("scrolls sideways: " + document.documentElement.scrollWidth + " > " + innerWidth);
  const seen = (e) => e.getClientRects().length > 0 && getComputedStyle(e).visibility !== "hidden" && !e.closest(".visually-hidden,.skip");
  for (const e of document.querySelectorAll("input:not([type=hidden])")) {
    if (!e.labels || !e.labels.length) say("no label", e);
    for (const id of (e.getAttribute("aria-describedby") || "").split(" ").filter(Boolean))
      if (!document.getElementById(id)) say("describedby leads nowhere", e);
  }
  for (const e of document.querySelectorAll("a[href],button,input:not([type=hidden])")) {
    if (!seen(e)) continue;
    const r = e.getBoundingClientRect();
    if (getComputedStyle(e).display !== "inline" && (r.width < 24 || r.height < 24) && !(e.type === "checkbox" && e.labels.length)) say("small target " + Math.round(r.width) + "x" + Math.round(r.height), e);
  }
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const lum = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  const ratio = (a, b) => { const [x, y] = [lum(a), lum(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; (n = walk.nextNode());) {
    const e = n.parentElement;
    if (!n.data.trim() || !seen(e)) continue;
    const k = ratio(rgba(getComputedStyle(e).color), ground(e));
    if (k < 4.5) say("contrast " + k.toFixed(2), e);
  }
  for (const e of document.querySelectorAll("input:not([type=hidden])")) {
    if (!seen(e)) continue;
    const k = ratio(rgba(getComputedStyle(e).borderTopColor), ground(e.parentElement));
    if (k < 3) say("field border contrast " + k.toFixed(2), e);
  }
  return out;
})()`

// Audit opens the pages below base in a browser and measures each, in both
// languages and themes, on a phone of 320 px and on a desktop (SECURITY.md
// With LATCHKEY_SHOTS set to a folder it keeps pictures there, of a phone
// of 360 px, too.
func Audit(t *testing.T, base string, names []string) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a browser")
	}
	ctx := Chrome(t)
	slices.Sort(names)
	shots := os.Getenv("LATCHKEY_SHOTS")
	for _, size := range [][2]int64{{320, 640}, {360, 740}, {1200, 800}} {
		if size[0] == 360 && shots == "" {
			continue
		}
		for _, scheme := range []string{"light", "dark"} {
			if err := chromedp.Do(ctx, chromedp.EmulateViewport(size[0], size[1])); err != nil {
				t.Fatal(err)
			}
			if err := theme(ctx, scheme); err != nil {
				t.Fatal(err)
			}
			for _, lang := range []string{"en", "fr"} {
				for _, name := range names {
					look(t, ctx, base+"/"+name+"?lang="+lang, fmt.Sprintf("%s-%d-%s-%s", name, size[0], scheme, lang), shots)
				}
			}
		}
	}
}

func theme(ctx context.Context, scheme string) error {
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	return err
}

// look measures one page, with everything unfolded that can be.
func look(t *testing.T, ctx context.Context, address, title, shots string) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(address)); err != nil {
		t.Fatalf("%s: %v", title, err)
	}
	wrong, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](Measure))
	if err != nil {
		t.Fatalf("%s: %v", title, err)
	}
	shoot(t, ctx, shots, title)
	folded, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](`(() => { const all = document.querySelectorAll("details"); for (const d of all) d.open = true; return all.length ? `+Measure+` : []; })()`))
	if err != nil {
		t.Fatalf("%s: %v", title, err)
	}
	for _, w := range append(wrong, folded...) {
		t.Errorf("%s: %s", title, w)
	}
	shoot(t, ctx, shots, title+"-unfolded")
}

func shoot(t *testing.T, ctx context.Context, folder, title string) {
	t.Helper()
	if folder == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(90))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, title+".png"), png, 0o600) //nolint:gosec // the tester's own folder
	}
	if err != nil {
		t.Fatal(err)
	}
}
